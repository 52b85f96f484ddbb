/** Requests, answers and their flow over the HTTP/2 transport against node:http2's server. */
import assert from "node:assert/strict";
import type http2 from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { isFailure } from "../../src/upstream/exchange.ts";
import { STREAM_WINDOW_BYTES } from "../../src/upstream/http2/settings.ts";
import { FixtureEndpoint, GET, post } from "../unit/upstream/http2/fixture-endpoint.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";
import { Http2Upstream, answer } from "../support/http2-upstream.ts";

test("sends pseudo-header fields from its address, its own fields, the request's, and the body", async () => {
  let seen: http2.IncomingHttpHeaders = {};
  const received: Buffer[] = [];
  await using upstream = await Http2Upstream.listen({}, (stream, headers) => {
    seen = headers;
    stream.on("data", (bytes: Buffer) => received.push(bytes));
    stream.on("end", () => answer(stream, headers));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { headers: ["authorization", "Bearer key"] });
  const { sink } = endpoint.begin(post([Buffer.from("{"), Buffer.from("}")], "/chat/completions?a=b"));
  await sink.heard("end");
  assert.deepEqual(
    { ...seen },
    {
      ":method": "POST",
      ":scheme": "http",
      ":authority": upstream.url.host,
      ":path": "/v1/chat/completions?a=b",
      authorization: "Bearer key",
      "content-type": "application/json",
      "content-length": "2",
      ...Object.fromEntries(Object.getOwnPropertySymbols(seen).map((symbol) => [symbol, Reflect.get(seen, symbol)])),
    },
  );
  assert.equal(Buffer.concat(received).toString(), "{}");
  assert.equal(sink.body.toString(), "done");
});

test("refuses a request that names a pseudo-header field, and sends nothing", async () => {
  let streams = 0;
  await using upstream = await Http2Upstream.listen({}, (stream, headers) => {
    streams++;
    answer(stream, headers);
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const waited = endpoint.begin({ ...GET, headers: [":authority", "elsewhere"] });
  await waited.sink.heard("fail");
  assert.equal(waited.sink.failure?.kind, "protocol");
  const refused = endpoint.open({ ...GET, headers: [":path", "/elsewhere"] }, new RecordingSink());
  assert.ok(isFailure(refused));
  await endpoint.begin().sink.heard("end");
  assert.equal(streams, 1);
  assert.equal(endpoint.outstanding, 0);
});

test("one frozen stream of 20 MB holds up no other, and arrives whole once it goes on", async () => {
  const size = 20 * 1024 * 1024;
  await using upstream = await Http2Upstream.listen({}, (stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/v1/large") stream.end(Buffer.alloc(size, "x"));
    else stream.end(Buffer.alloc(1024 * 1024, "y"));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const frozen = endpoint.begin({ ...GET, path: "/large" });
  await frozen.sink.heard("body");
  frozen.exchange.pause();
  const before = frozen.sink.bodyBytes;
  for (let round = 0; round < 4; round++) {
    const others = Array.from({ length: 10 }, () => endpoint.begin());
    await Promise.all(others.map(({ sink }) => sink.heard("end")));
    for (const { sink } of others) assert.equal(sink.bodyBytes, 1024 * 1024);
  }
  assert.ok(
    frozen.sink.bodyBytes - before <= 2 * STREAM_WINDOW_BYTES,
    `${frozen.sink.bodyBytes - before} came after the pause`,
  );
  frozen.exchange.resume();
  await frozen.sink.heard("end");
  assert.equal(frozen.sink.bodyBytes, size);
});

test("giving streams up in mid-flow costs the connection none of its window", async () => {
  await using upstream = await Http2Upstream.listen({}, (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(1024 * 1024, "x"));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  // More than the connection's window of 12.5 MiB would be gone.
  for (let round = 0; round < 30; round++) {
    const begun = Array.from({ length: 8 }, () => endpoint.begin());
    await Promise.all(begun.map(({ sink }) => sink.heard("body")));
    for (const { exchange } of begun) exchange.abort();
  }
  const { sink } = endpoint.begin();
  await sink.heard("end");
  assert.equal(sink.bodyBytes, 1024 * 1024);
  assert.equal(upstream.sessions.length, 1);
});

test("sends a large body whole, and large bodies that are held up break no other answer", async () => {
  const size = 1024 * 1024;
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 100 }, (stream, headers) => {
    // Not read: these uploads stand still once their windows are full.
    if (headers[":path"] === "/v1/held") return;
    let received = 0;
    stream.on("data", (bytes: Buffer) => (received += bytes.length));
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(String(received));
    });
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const body = [Buffer.alloc(size, "a"), Buffer.alloc(0), Buffer.alloc(10, "b")];
  const held = Array.from({ length: 98 }, () => endpoint.begin(post(body, "/held")));
  await Promise.all(held.map(({ sink }) => sink.heard("sent")));
  const { sink } = endpoint.begin(post(body));
  await sink.heard("end");
  assert.equal(sink.body.toString(), String(size + 10));
  for (const { exchange } of held) exchange.abort();
});

test("takes an answer that is complete before the request is, and goes on with the session", async () => {
  await using upstream = await Http2Upstream.listen({}, (stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too large");
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const { sink } = endpoint.begin(post([Buffer.alloc(4 * 1024 * 1024)]));
  await sink.heard("end");
  assert.equal(sink.status, 413);
  assert.equal(sink.body.toString(), "too large");
  assert.equal(endpoint.outstanding, 0);
  await endpoint.begin(post([Buffer.from("x")])).sink.heard("end");
  assert.equal(upstream.sessions.length, 1);
});

test("lets go of the body once it is sent, while the answer is still to come", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  await using upstream = await Http2Upstream.listen({}, (stream) => {
    stream.on("end", () => stream.respond({ ":status": 200 }));
    stream.resume();
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const begin = (sizeBytes: number): { readonly sink: RecordingSink; readonly body: WeakRef<Uint8Array> } => {
    const bytes = new Uint8Array(sizeBytes);
    return { sink: endpoint.begin(post([bytes])).sink, body: new WeakRef(bytes) };
  };
  const begun = [begin(1000), begin(1_000_000)];
  await Promise.all(begun.map(({ sink }) => sink.heard("head")));
  const deadlineMs = performance.now() + 5000;
  while (begun.some(({ body }) => body.deref() !== undefined) && performance.now() < deadlineMs) {
    await delay(5);
    collect();
  }
  assert.deepEqual(
    begun.map(({ body }) => body.deref()),
    [undefined, undefined],
  );
  assert.equal(endpoint.outstanding, 2);
});

test("leaves nothing behind after hundreds of requests, given up at any moment", async () => {
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 20 }, (stream) => {
    stream.respond({ ":status": 200 });
    let left = 5;
    const timer = setInterval(() => {
      if (stream.destroyed) return clearInterval(timer);
      if (left-- > 0) stream.write("token ");
      else {
        clearInterval(timer);
        stream.end();
      }
    }, 1);
  });
  using endpoint = new FixtureEndpoint(upstream.url, { keepAliveMs: 20 });
  const begun = Array.from({ length: 600 }, () => endpoint.begin());
  const ending = begun.map(async ({ sink, exchange }, at) => {
    if (at % 3 === 0) return sink.heard("end");
    if (at % 3 === 1) await sink.heard((["sent", "head", "body", "flush"] as const)[at % 4]!);
    exchange.abort();
  });
  await Promise.all(ending);
  while (endpoint.connections > 0) await delay(2);
  assert.equal(endpoint.outstanding, 0);
  assert.equal(endpoint.wheel.size, 0);
  for (const [at, { sink }] of begun.entries()) {
    assert.equal(sink.count("fail"), 0);
    if (at % 3 === 0) assert.equal(sink.body.toString(), "token ".repeat(5));
  }
});
