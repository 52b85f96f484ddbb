import assert from "node:assert/strict";
import { test } from "node:test";

import { faultsOf, LEAST, loaded } from "./config-text.ts";

test("a config with the least it must hold gets the contract's defaults", () => {
  const config = loaded(LEAST);
  assert.deepEqual(config.server, {
    host: "127.0.0.1",
    port: 8080,
    workers: "auto",
    maxBodySizeBytes: 32 * 1024 * 1024,
    drainTimeoutMs: 30_000,
    memoryLimitBytes: "auto",
    tls: undefined,
  });
  assert.deepEqual(config.admin, { host: "127.0.0.1", port: 9090, token: undefined });
  assert.deepEqual(config.streams, {
    heartbeatMs: 15_000,
    maxBufferBytes: 256 * 1024,
    stallTimeoutMs: 30_000,
    coalesceMs: "adaptive",
  });
  assert.equal(config.defaultModel, undefined);
  assert.deepEqual(config.upstreams.get("u"), {
    name: "u",
    dialect: "openai",
    apiKey: undefined,
    missingKeyVariable: undefined,
    endpoints: [{ url: new URL("http://127.0.0.1:1/v1") }],
    http2: "auto",
    responses: "auto",
    apiVersion: undefined,
    connections: { max: 1000, keepAliveMax: 200, keepAliveMs: 30_000 },
    timeouts: { connectMs: 5_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 600_000 },
    maxConcurrency: undefined,
    queue: { maxWaiting: 1000, maxWaitMs: 5_000 },
    limits: undefined,
  });
});

test("every key of the contract's sections is read", () => {
  const config = loaded(
    `
server: { host: "::1", port: 0, workers: 3, memory_limit: 1GiB, max_body_size: 512KiB, drain_timeout: 0s }
admin: { host: localhost, port: 65535, token: \${TOKEN} }
upstreams:
  a:
    dialect: anthropic
    api_key: \${KEY}
    endpoints: [ { url: "https://example.test/v1" }, { url: "http://[::1]:8000" } ]
    http2: on
    connections: { max: 3, keep_alive_max: 0, keep_alive: 250ms }
    timeouts: { connect: 1ms, first_byte: 2s, idle: 3m, total: 4h }
models:
  house: { upstream: a, model: llama-3-8b }
  "x-*": { upstream: a }
default_model: x-1
streams: { heartbeat: off, max_buffer: 1MiB, stall_timeout: 1h, coalesce: 20ms }
`,
    { TOKEN: "t0", KEY: "k0" },
  );
  assert.deepEqual(
    { ...config.server },
    {
      host: "::1",
      port: 0,
      workers: 3,
      maxBodySizeBytes: 524_288,
      drainTimeoutMs: 0,
      memoryLimitBytes: 1_073_741_824,
      tls: undefined,
    },
  );
  assert.deepEqual(config.admin, { host: "localhost", port: 65_535, token: "t0" });
  assert.deepEqual(config.streams, {
    heartbeatMs: 0,
    maxBufferBytes: 1_048_576,
    stallTimeoutMs: 3_600_000,
    coalesceMs: 20,
  });
  const upstream = config.upstreams.get("a")!;
  assert.equal(upstream.apiKey, "k0");
  assert.equal(upstream.dialect, "anthropic");
  assert.equal(upstream.http2, "on");
  assert.deepEqual(
    upstream.endpoints.map(({ url }) => url.href),
    ["https://example.test/v1", "http://[::1]:8000/"],
  );
  assert.deepEqual(upstream.connections, { max: 3, keepAliveMax: 0, keepAliveMs: 250 });
  assert.deepEqual(upstream.timeouts, { connectMs: 1, firstByteMs: 2_000, idleMs: 180_000, totalMs: 14_400_000 });
  assert.deepEqual(config.models.resolve("house"), {
    name: "house",
    upstream,
    model: "llama-3-8b",
    price: undefined,
  });
  assert.equal(config.models.resolve("x-anything")?.name, "x-*");
  assert.equal(config.defaultModel, "x-1");
});

test("slashes at the end of a URL's path are taken off", () => {
  const config = loaded(LEAST.replace("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1//"));
  assert.equal(config.upstreams.get("u")?.endpoints[0]?.url.href, "http://127.0.0.1:1/v1");
});

test("numbers may come from the environment, and keys of digits stay as they are written", () => {
  const config = loaded(`${LEAST}server: { port: \${PORT} }\nadmin: { token: 0123 }\n`, { PORT: "81" });
  assert.equal(config.server.port, 81);
  assert.equal(config.admin.token, "0123");
});

test("a value from the environment cannot add to the config's structure", () => {
  const text = LEAST.replace("upstream: u }", 'upstream: u, model: "${MODEL}" }');
  const model = '", upstream: evil }';
  assert.equal(loaded(text, { MODEL: model }).models.resolve("m")?.model, model);
  assert.equal(loaded(text.replaceAll('"${MODEL}"', "${MODEL}"), { MODEL: model }).models.resolve("m")?.model, model);
});

test("a section without content has its defaults", () => {
  assert.equal(loaded(`${LEAST}server:\nstreams: ~\n`).server.port, 8080);
});

test("anchors and aliases share settings between upstreams", () => {
  const config = loaded(`
upstreams:
  a: { endpoints: [ { url: http://h:1 } ], timeouts: &slow { total: 1h } }
  b: { endpoints: [ { url: http://h:2 } ], timeouts: *slow }
models: { m: { upstream: b } }
`);
  assert.equal(config.upstreams.get("b")?.timeouts.totalMs, 3_600_000);
});

test("upstreams and models may be called like members of Object", () => {
  const config = loaded(`
upstreams: { constructor: { endpoints: [ { url: http://h:1 } ] } }
models: { toString: { upstream: constructor }, hasOwnProperty: { upstream: constructor } }
`);
  assert.equal(config.models.resolve("toString")?.upstream.name, "constructor");
  assert.equal(config.models.resolve("valueOf"), undefined);
});

test("a byte order mark and CRLF line ends are no matter", () => {
  const text = `\uFEFF${LEAST.replaceAll("\n", "\r\n")}`;
  assert.equal(loaded(text).models.names().join(","), "m");
  assert.deepEqual(faultsOf(`\uFEFFx: 1\r\n${LEAST}y: 1`), ["1:1: unknown key `x`", "4:1: unknown key `y`"]);
});
