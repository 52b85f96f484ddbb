import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  capacityAsked,
  costliestTransport,
  DEFAULTS,
  filesNeeded,
  STREAMS_PER_SESSION,
  streamsHeld,
} from "../../../src/config/capacity.ts";
import { demoConfig } from "../../../src/config/demo.ts";
import { DEFAULT_HTTP2_TUNING } from "../../../src/upstream/http2/settings.ts";
import { LEAST, loaded } from "./config-text.ts";

const upstreams = (list: string, more = ""): ReturnType<typeof loaded> =>
  loaded(`${more}upstreams: { ${list} }\nmodels: { m: { upstream: a } }\n`);

test("a stream takes two files over HTTP/1.1, and one and a hundredth over HTTP/2", () => {
  const load = { streams: 10_000, loops: 2, endpoints: 3 };
  assert.equal(filesNeeded(load, "http1"), 20_000 + 120);
  assert.equal(filesNeeded(load, "http2"), 10_000 + 100 + 6 + 120);
  assert.equal(filesNeeded({ streams: 1, loops: 8, endpoints: 100 }, "http2"), 1 + 1 + 180);
});

test("the streams that a file limit holds are those whose files fit", () => {
  for (const limit of [4096, 20_000, 65_536]) {
    const streams = streamsHeld(limit, 2);
    assert.ok(filesNeeded({ streams, loops: 2, endpoints: 1 }, "http1") <= limit);
    assert.ok(filesNeeded({ streams: streams + 1, loops: 2, endpoints: 1 }, "http1") > limit);
  }
  assert.equal(streamsHeld(64, 1), 0);
});

test("the streams of one HTTP/2 connection are those that the transport puts on it", () => {
  assert.equal(STREAMS_PER_SESSION, DEFAULT_HTTP2_TUNING.maxStreamsPerSession);
});

test("the defaults are those of the reference", () => {
  const reference = readFileSync(new URL("../../../docs/reference/config.md", import.meta.url), "utf8");
  const written = (key: string): string | undefined =>
    new RegExp(`\`${key}\` \\| [^|]* \\| \`([^\`]*)\``).exec(reference)?.[1];
  assert.equal(written("upstreams.NAME.connections.max"), String(DEFAULTS.connectionsMax));
  assert.equal(written("streams.max_buffer"), `${DEFAULTS.maxBufferBytes / 1024}KiB`);
});

test("the costliest transport is told: HTTP/1.1 before what TLS negotiates before HTTP/2", () => {
  const a = "a: { endpoints: [ { url: http://127.0.0.1:1 } ], http2: on }";
  const b = "b: { endpoints: [ { url: https://models.test } ] }";
  const c = "c: { endpoints: [ { url: https://models.test } ], http2: off }";
  assert.equal(costliestTransport(upstreams(a)), "http2");
  assert.equal(costliestTransport(upstreams(`${a}, ${b}`)), "negotiated");
  assert.equal(costliestTransport(upstreams(`${a}, ${b}, ${c}`)), "http1");
});

test("a config without choices asks for what one endpoint may have", () => {
  assert.deepEqual(capacityAsked(loaded(LEAST), 64), { raisedStreams: 0, raisedByAddress: new Map(), streams: 1000 });
});

test("a lowered connections.max asks for less", () => {
  const config = upstreams("a: { endpoints: [ { url: http://127.0.0.1:1 } ], connections: { max: 20 } }");
  assert.equal(capacityAsked(config, 8).streams, 20);
});

test("a raised connections.max counts for each endpoint, and for each loop where their number was chosen", () => {
  const list =
    "a: { endpoints: [ { url: http://127.0.0.1:1/v1 }, { url: http://127.0.0.1:2/v1 } ], connections: { max: 5000 } }, " +
    "b: { endpoints: [ { url: http://127.0.0.1:1/other } ], connections: { max: 2000 } }";
  const byAddress = new Map([
    ["http://127.0.0.1:1", 7000],
    ["http://127.0.0.1:2", 5000],
  ]);
  assert.deepEqual(capacityAsked(upstreams(list), 4), {
    raisedStreams: 12_000,
    raisedByAddress: byAddress,
    streams: 12_000,
  });
  assert.equal(capacityAsked(upstreams(list, "server: { workers: 1 }\n"), 1).raisedStreams, 12_000);
  assert.equal(capacityAsked(upstreams(list, "server: { workers: 4 }\n"), 4).raisedStreams, 48_000);
});

test("a raised connections.max asks for nothing where HTTP/2 carries the streams, or may", () => {
  const list =
    "a: { endpoints: [ { url: http://127.0.0.1:1 } ], http2: on, connections: { max: 50000 } }, " +
    "b: { endpoints: [ { url: https://models.test } ], connections: { max: 50000 } }";
  assert.equal(capacityAsked(upstreams(list), 4).raisedStreams, 0);
});

test("the demo asks for nothing, however high its bounds are", () => {
  assert.equal(capacityAsked(demoConfig({}, new URL("http://127.0.0.1:1/v1")), 4).streams, 1000);
});
