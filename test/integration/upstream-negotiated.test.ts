/** An endpoint over TLS whose protocol the peer chooses, against node's own https and http2 servers. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { test } from "node:test";
import type tls from "node:tls";
import { createEndpoint } from "../../src/upstream/create-endpoint.ts";
import { isFailure } from "../../src/upstream/exchange.ts";
import type { Endpoint } from "../../src/upstream/exchange.ts";
import { ExchangeRecorder, GET, loopResources } from "../support/exchange-recorder.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import { startScripted } from "../support/scripted-upstream.ts";

type Protocol = "http/1.1" | "h2";
type Listener = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void;

interface TlsServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** TCP connections so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: ReadonlySet<tls.TLSSocket>;
}

const answerVersion: Listener = (request, response) => void response.end(request.httpVersion);

async function startServer(protocol: Protocol, listener = answerVersion, port = 0): Promise<TlsServer> {
  const options = { cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY };
  // What the tests use is common to both kinds of request and response.
  const server: https.Server | http2.Http2SecureServer =
    protocol === "h2"
      ? http2.createSecureServer({ ...options, allowHTTP1: false }, listener)
      : https.createServer(options, listener as unknown as Parameters<typeof https.createServer>[1]);
  const open = new Set<tls.TLSSocket>();
  let accepted = 0;
  server.on("connection", () => accepted++);
  server.on("secureConnection", (socket: tls.TLSSocket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.on("sessionError", () => {});
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const bound = (server.address() as net.AddressInfo).port;
  return {
    port: bound,
    url: `https://127.0.0.1:${bound}`,
    get accepted() {
      return accepted;
    },
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

interface Fixture extends Disposable {
  readonly endpoint: Endpoint;
  readonly timers: () => number;
}

function fixture(
  url: string,
  overrides: { trusted?: boolean; connectTimeoutMs?: number; keepAliveMax?: number; max?: number } = {},
): Fixture {
  const { trusted = true, connectTimeoutMs = 10_000, keepAliveMax = 200, max = 200 } = overrides;
  const loop = loopResources();
  const endpoint = createEndpoint({
    url: new URL(url),
    headers: [],
    http2: "auto",
    limits: { max, keepAliveMax, keepAliveMs: 30_000 },
    connectTimeoutMs,
    loop,
    ...(trusted ? { certificateAuthority: LOOPBACK_CERTIFICATE } : {}),
  });
  return { endpoint, timers: () => loop.wheel.size, [Symbol.dispose]: () => endpoint.destroy() };
}

async function answered(endpoint: Endpoint): Promise<string> {
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "end", recorder.failure?.detail ?? "");
  assert.deepEqual(recorder.violations, []);
  return recorder.body.toString();
}

for (const [protocol, version] of [
  ["http/1.1", "1.1"],
  ["h2", "2.0"],
] as const) {
  test(`speaks ${protocol} with a peer that chooses it, over one connection`, async () => {
    await using server = await startServer(protocol);
    using made = fixture(server.url);
    for (let i = 0; i < 3; i++) assert.equal(await answered(made.endpoint), version);
    assert.deepEqual([server.accepted, made.endpoint.connections, made.endpoint.outstanding], [1, 1, 0]);
  });

  test(`asks once for a hundred requests that come together, and serves them all by ${protocol}`, async () => {
    await using server = await startServer(protocol);
    using made = fixture(server.url);
    const recorders = Array.from({ length: 100 }, () => new ExchangeRecorder().open(made.endpoint));
    assert.deepEqual([made.endpoint.connections, made.endpoint.outstanding], [1, 100]);
    for (const recorder of recorders) {
      assert.equal(await recorder.ended(), "end");
      assert.deepEqual([recorder.body.toString(), recorder.violations], [version, []]);
    }
    if (protocol === "h2") assert.equal(server.accepted, 1);
    else assert.ok(server.accepted <= 100, `${server.accepted} connections`);
    assert.equal(made.endpoint.outstanding, 0);
  });

  test(`a request that is aborted while it waits is not sent by ${protocol}, the others are`, async () => {
    const paths: string[] = [];
    await using server = await startServer(protocol, (request, response) => {
      paths.push(request.url);
      answerVersion(request, response);
    });
    using made = fixture(server.url);
    const [kept, aborted, byNeighbour] = ["/kept", "/aborted", "/neighbour"].map((path) => {
      return new ExchangeRecorder().open(made.endpoint, { ...GET, path });
    });
    aborted!.abort();
    // The first to be sent gives up one that is to be sent a moment later.
    kept!.hook = (call) => {
      if (call === "sent") byNeighbour!.abort();
    };
    assert.equal(await kept!.ended(), "end");
    assert.equal(await answered(made.endpoint), version);
    assert.deepEqual(paths, ["/kept", "/x"]);
    for (const recorder of [aborted!, byNeighbour!]) assert.deepEqual([recorder.calls, recorder.violations], [[], []]);
    assert.equal(made.endpoint.outstanding, 0);
  });

  test(`a request that is aborted from its own sent is given up by ${protocol}`, async () => {
    await using server = await startServer(protocol, () => {});
    using made = fixture(server.url);
    const recorder = new ExchangeRecorder();
    recorder.hook = () => recorder.abort();
    recorder.open(made.endpoint);
    await recorder.heard("sent");
    assert.deepEqual([made.endpoint.outstanding, recorder.violations], [0, []]);
  });

  test(`a request that is paused while it waits stays paused over ${protocol}`, async () => {
    const bytes = 8 * 1024 * 1024;
    await using server = await startServer(protocol, (_request, response) => void response.end(Buffer.alloc(bytes)));
    using made = fixture(server.url);
    const recorder = new ExchangeRecorder();
    recorder.keepsBody = false;
    recorder.open(made.endpoint);
    recorder.exchange!.pause();
    await recorder.heard("sent");
    for (let i = 0; i < 50; i++) await new Promise(setImmediate);
    assert.ok(recorder.bodyBytes <= 256 * 1024, `${recorder.bodyBytes} bytes while paused`);
    recorder.exchange!.resume();
    assert.equal(await recorder.ended(), "end");
    assert.equal(recorder.bodyBytes, bytes);
  });

  test(`retire lets requests that wait finish by ${protocol}, then nothing is left`, async () => {
    await using server = await startServer(protocol);
    using made = fixture(server.url);
    const recorders = [1, 2, 3].map(() => new ExchangeRecorder().open(made.endpoint));
    made.endpoint.retire();
    const refused = made.endpoint.open(GET, new ExchangeRecorder());
    assert.ok(isFailure(refused) && refused.kind === "closed");
    for (const recorder of recorders) {
      assert.equal(await recorder.ended(), "end");
      assert.equal(recorder.body.toString(), version);
    }
    while (server.open.size > 0 || made.endpoint.connections > 0) await new Promise(setImmediate);
    assert.equal(made.timers(), 0);
  });

  test(`asks again when the peer that chose ${protocol} is replaced by one that chooses otherwise`, async () => {
    const first = await startServer(protocol);
    using made = fixture(first.url);
    assert.equal(await answered(made.endpoint), version);
    await first[Symbol.asyncDispose]();
    while (made.endpoint.connections > 0) await new Promise(setImmediate);
    await using second = await startServer(protocol === "h2" ? "http/1.1" : "h2", answerVersion, first.port);
    assert.equal(await answered(made.endpoint), protocol === "h2" ? "1.1" : "2.0");
    assert.equal(await answered(made.endpoint), protocol === "h2" ? "1.1" : "2.0");
    assert.equal(second.accepted, 1);
  });
}

test("the connection that asked is used even where none is kept idle", async () => {
  await using server = await startServer("http/1.1");
  using made = fixture(server.url, { keepAliveMax: 0 });
  assert.equal(await answered(made.endpoint), "1.1");
  assert.deepEqual([server.accepted, made.endpoint.connections], [1, 0]);
});

test("requests that waited and find no room are told saturated", async () => {
  await using server = await startServer("http/1.1");
  using made = fixture(server.url, { max: 2 });
  const recorders = [1, 2, 3].map(() => new ExchangeRecorder().open(made.endpoint));
  const ends = await Promise.all(recorders.map((recorder) => recorder.ended()));
  assert.deepEqual(ends, ["end", "end", "saturated"]);
});

test("a certificate that is not trusted makes every waiting request unreachable, and says why", async () => {
  await using server = await startServer("h2");
  using made = fixture(server.url, { trusted: false });
  const recorders = [1, 2, 3].map(() => new ExchangeRecorder().open(made.endpoint));
  for (const recorder of recorders) {
    assert.equal(await recorder.ended(), "unreachable");
    assert.deepEqual([recorder.failure!.detail, recorder.calls], ["DEPTH_ZERO_SELF_SIGNED_CERT", ["fail"]]);
  }
  assert.deepEqual([made.endpoint.connections, made.endpoint.outstanding, made.timers()], [0, 0, 0]);
});

test("a handshake that fails makes the upstream unreachable, and the next request asks again", async () => {
  const server = net.createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end("no TLS")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using made = fixture(`https://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  for (let i = 0; i < 2; i++) {
    const recorder = new ExchangeRecorder().open(made.endpoint);
    assert.equal(await recorder.ended(), "unreachable");
    assert.deepEqual([made.endpoint.connections, made.timers()], [0, 0]);
  }
  server.close();
});

test("a handshake that is never answered ends in connect_timeout for all who wait", async () => {
  await using silent = await startScripted(() => {});
  using made = fixture(silent.url.replace("http:", "https:"), { connectTimeoutMs: 30 });
  const recorders = [1, 2].map(() => new ExchangeRecorder().open(made.endpoint));
  for (const recorder of recorders) assert.equal(await recorder.ended(), "connect_timeout");
  await silent.allClosed();
  assert.deepEqual([silent.accepted, made.endpoint.connections, made.timers()], [1, 0, 0]);
});

test("a sink that fails may abort another that waits, and open again", async () => {
  await using silent = await startScripted(() => {});
  using made = fixture(silent.url.replace("http:", "https:"), { connectTimeoutMs: 30 });
  const first = new ExchangeRecorder().open(made.endpoint);
  const second = new ExchangeRecorder().open(made.endpoint);
  const again = new ExchangeRecorder();
  first.hook = () => {
    second.abort();
    again.open(made.endpoint);
  };
  assert.equal(await first.ended(), "connect_timeout");
  assert.deepEqual([second.calls, second.violations, again.calls], [[], [], []]);
  assert.equal(await again.ended(), "connect_timeout");
});

test("destroy while asking fails all who wait with closed and closes the socket", async () => {
  await using silent = await startScripted(() => {});
  using made = fixture(silent.url.replace("http:", "https:"));
  const recorder = new ExchangeRecorder().open(made.endpoint);
  while (silent.open.size === 0) await new Promise(setImmediate);
  made.endpoint.destroy();
  assert.equal(recorder.failure?.kind, "closed");
  await silent.allClosed();
  assert.deepEqual([made.endpoint.connections, made.timers()], [0, 0]);
});

test("retire while asking for nobody closes the socket", async () => {
  await using silent = await startScripted(() => {});
  using made = fixture(silent.url.replace("http:", "https:"));
  const recorder = new ExchangeRecorder().open(made.endpoint);
  while (silent.open.size === 0) await new Promise(setImmediate);
  recorder.abort();
  made.endpoint.retire();
  await silent.allClosed();
  assert.deepEqual([made.endpoint.connections, made.timers(), recorder.violations], [0, 0, []]);
});

test("http2: off never offers h2, http2: on over https speaks it", async () => {
  await using server = await startServer("h2");
  for (const mode of ["off", "on"] as const) {
    const endpoint = createEndpoint({
      url: new URL(server.url),
      headers: [],
      http2: mode,
      limits: { max: 1, keepAliveMax: 1, keepAliveMs: 1000 },
      connectTimeoutMs: 5000,
      loop: loopResources(),
      certificateAuthority: LOOPBACK_CERTIFICATE,
    });
    const recorder = new ExchangeRecorder().open(endpoint);
    assert.equal(await recorder.ended(), mode === "on" ? "end" : "unreachable");
    endpoint.destroy();
  }
});
