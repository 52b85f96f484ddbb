/** How HTTP/1.1 connections are reused, given back and closed, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { isFailure } from "../../src/upstream/exchange.ts";
import { ExchangeRecorder, GET, TestHttp1Endpoint, complete } from "../support/exchange-recorder.ts";
import { LAST_CHUNK, STREAM_HEAD, chunk, response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";

const OK = response(200, "{}");

function answerOk(request: ReceivedRequest): void {
  request.socket.write(OK);
}

test("uses one connection for requests that come one after the other", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url);
  for (let i = 0; i < 5; i++) {
    const { calls, status, body } = await complete(endpoint);
    assert.deepEqual(calls, ["sent", "head", "body", "flush", "end"]);
    assert.deepEqual([status, body.toString()], [200, "{}"]);
  }
  assert.deepEqual([upstream.accepted, endpoint.connections, endpoint.outstanding], [1, 1, 0]);
});

test("opens a connection for each request under way and counts them", async () => {
  await using upstream = await startScripted(() => {
    if (upstream.requests.length === 3) for (const { socket } of upstream.requests) socket.write(OK);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorders = [1, 2, 3].map(() => new ExchangeRecorder().open(endpoint));
  assert.deepEqual([endpoint.outstanding, endpoint.connections], [3, 3]);
  await Promise.all(recorders.map((recorder) => recorder.ended()));
  assert.deepEqual([endpoint.outstanding, endpoint.connections, upstream.accepted], [0, 3, 3]);
});

test("keeps no more idle connections than keep_alive_max", async () => {
  await using upstream = await startScripted(() => {
    if (upstream.requests.length === 4) for (const { socket } of upstream.requests) socket.write(OK);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url, { keepAliveMax: 2 });
  const recorders = [1, 2, 3, 4].map(() => new ExchangeRecorder().open(endpoint));
  await Promise.all(recorders.map((recorder) => recorder.ended()));
  assert.equal(endpoint.connections, 2);
});

test("keeps no connection at all when keep_alive_max is 0", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url, { keepAliveMax: 0 });
  await complete(endpoint);
  assert.equal(endpoint.connections, 0);
  await upstream.allClosed();
});

test("closes an idle connection after keep_alive, and then no timer is left", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url, { keepAliveMs: 20 });
  await complete(endpoint);
  await upstream.allClosed();
  assert.deepEqual([endpoint.connections, endpoint.wheel.size], [0, 0]);
});

test("does not use a connection once the peer's own keep-alive time, less a second, is over", async () => {
  let nowMs = 0;
  await using upstream = await startScripted((request) => {
    request.socket.write(response(200, "{}", { "keep-alive": "max=100, timeout=5" }));
  });
  using endpoint = new TestHttp1Endpoint(upstream.url, { now: () => nowMs });
  await complete(endpoint);
  nowMs = 3999;
  await complete(endpoint);
  assert.equal(upstream.accepted, 1);
  nowMs += 4000;
  await complete(endpoint);
  assert.equal(upstream.accepted, 2);
  assert.equal(endpoint.connections, 1);
});

test("uses the connection that was used last", async () => {
  await using upstream = await startScripted((request) => {
    if (request.index > 0) answerOk(request);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const first = new ExchangeRecorder().open(endpoint, { ...GET, path: "/first" });
  const second = new ExchangeRecorder().open(endpoint, { ...GET, path: "/second" });
  await Promise.all([first.heard("sent"), second.heard("sent")]);
  while (upstream.requests.length < 2) await new Promise(setImmediate);
  const [last, earlier] = ["/first", "/second"].map((path) => {
    return upstream.requests.find(({ head }) => head.startsWith(`GET ${path} `))!;
  });
  answerOk(earlier!);
  await second.ended();
  answerOk(last!);
  await first.ended();
  await complete(endpoint);
  assert.equal(upstream.requests.at(-1)!.socket, last!.socket);
});

test("says saturated when every connection is in use, and takes requests again afterwards", async () => {
  await using upstream = await startScripted(() => {});
  using endpoint = new TestHttp1Endpoint(upstream.url, { max: 1 });
  const first = new ExchangeRecorder().open(endpoint);
  const refused = endpoint.open(GET, new ExchangeRecorder());
  assert.ok(isFailure(refused));
  assert.deepEqual([refused.kind, refused.safeToRetry], ["saturated", false]);
  first.abort();
  const second = new ExchangeRecorder().open(endpoint);
  await second.heard("sent");
  assert.deepEqual([first.violations, endpoint.connections], [[], 1]);
});

test("gives a connection of its own to a request that asks for a fresh one", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url);
  await complete(endpoint);
  await complete(endpoint, { fresh: true });
  assert.deepEqual([upstream.accepted, endpoint.connections], [2, 2]);
});

test("closes an idle connection to make room for a fresh one", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url, { max: 1 });
  await complete(endpoint);
  await complete(endpoint, { fresh: true });
  assert.deepEqual([upstream.accepted, endpoint.connections], [2, 1]);
});

test("closes a connection that says a byte more than its answer", async () => {
  await using upstream = await startScripted((request) => {
    request.socket.write(Buffer.concat([OK, Buffer.from("H")]));
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  await complete(endpoint);
  await upstream.allClosed();
  assert.equal(endpoint.connections, 0);
});

test("closes an idle connection on which anything comes", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(upstream.url);
  await complete(endpoint);
  upstream.requests[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
  await upstream.allClosed();
  assert.equal(endpoint.connections, 0);
  assert.equal((await complete(endpoint)).body.toString(), "{}");
});

for (const [what, close] of [
  ["ends", (socket: net.Socket) => socket.end()],
  ["is reset", (socket: net.Socket) => socket.resetAndDestroy()],
] as const) {
  test(`forgets an idle connection that ${what}`, async () => {
    await using upstream = await startScripted(answerOk);
    using endpoint = new TestHttp1Endpoint(upstream.url);
    await complete(endpoint);
    close(upstream.requests[0]!.socket);
    await upstream.allClosed();
    while (endpoint.connections > 0) await new Promise(setImmediate);
    await complete(endpoint);
    assert.equal(upstream.accepted, 2);
  });

  test(`a reused connection that ${what} before any byte may be retried, one used for the first time not`, async () => {
    await using upstream = await startScripted((request) => {
      if (request.index === 0 && upstream.accepted === 1) answerOk(request);
      else close(request.socket);
    });
    using endpoint = new TestHttp1Endpoint(upstream.url);
    await complete(endpoint);
    const reused = new ExchangeRecorder().open(endpoint);
    assert.equal(await reused.ended(), "disconnected");
    assert.equal(reused.failure!.safeToRetry, true);
    const fresh = new ExchangeRecorder().open(endpoint, GET, { fresh: true });
    assert.equal(await fresh.ended(), "disconnected");
    assert.equal(fresh.failure!.safeToRetry, false);
    assert.deepEqual([...reused.violations, ...fresh.violations, endpoint.connections], [0]);
  });

  test(`a reused connection that ${what} after the first byte may not be retried`, async () => {
    await using upstream = await startScripted((request) => {
      if (request.index === 0) return answerOk(request);
      request.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", () => void close(request.socket));
    });
    using endpoint = new TestHttp1Endpoint(upstream.url);
    await complete(endpoint);
    const reused = new ExchangeRecorder().open(endpoint);
    assert.equal(await reused.ended(), "disconnected");
    assert.equal(reused.failure!.safeToRetry, false);
  });
}

test("retire closes what is idle, lets what is under way finish, and takes nothing new", async () => {
  await using upstream = await startScripted((request) => {
    if (upstream.requests.length === 1) answerOk(request);
    else request.socket.write(STREAM_HEAD);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  await complete(endpoint);
  const running = new ExchangeRecorder().open(endpoint, GET, { fresh: true });
  await running.heard("head");
  assert.equal(endpoint.connections, 2);
  endpoint.retire();
  assert.equal(endpoint.connections, 1);
  const refused = endpoint.open(GET, new ExchangeRecorder());
  assert.ok(isFailure(refused));
  assert.equal(refused.kind, "closed");
  upstream.requests.at(-1)!.socket.write(Buffer.concat([chunk("x"), Buffer.from(LAST_CHUNK)]));
  assert.equal(await running.ended(), "end");
  assert.deepEqual([endpoint.connections, endpoint.wheel.size, running.violations], [0, 0, []]);
  await upstream.allClosed();
});

test("destroy fails what is under way with closed, even from sinks that open again", async () => {
  await using upstream = await startScripted((request) => {
    if (upstream.requests.length === 1) answerOk(request);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  await complete(endpoint);
  const running = [1, 2, 3].map(() => new ExchangeRecorder().open(endpoint, GET, { fresh: true }));
  const reopened: unknown[] = [];
  for (const recorder of running) {
    recorder.hook = (call) => {
      if (call === "fail") reopened.push(endpoint.open(GET, new ExchangeRecorder()));
    };
  }
  endpoint.destroy();
  for (const { failure, violations } of running) assert.deepEqual([failure?.kind, violations], ["closed", []]);
  for (const opened of reopened) assert.equal((opened as { kind?: string }).kind, "closed");
  assert.deepEqual([endpoint.connections, endpoint.outstanding, endpoint.wheel.size], [0, 0, 0]);
  await upstream.allClosed();
});

test("says unreachable when the connection is refused", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  using endpoint = new TestHttp1Endpoint(`http://127.0.0.1:${port}`);
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "unreachable");
  assert.deepEqual(
    [recorder.failure!.detail, recorder.failure!.safeToRetry, recorder.calls],
    ["ECONNREFUSED", false, ["fail"]],
  );
  assert.deepEqual([endpoint.connections, endpoint.wheel.size], [0, 0]);
});

test("says connect_timeout when the TLS handshake is never answered, and closes the socket", async () => {
  await using silent = await startScripted(() => {});
  using endpoint = new TestHttp1Endpoint(silent.url.replace("http:", "https:"), { connectTimeoutMs: 30 });
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "connect_timeout");
  assert.deepEqual([recorder.calls, endpoint.connections, endpoint.wheel.size], [["fail"], 0, 0]);
  await silent.allClosed();
});

test("after a thousand mixed exchanges no connection, timer or count is left over", async () => {
  await using upstream = await startScripted(({ socket, body }) => {
    const kind = body.toString();
    if (kind === "ok") socket.write(OK);
    else if (kind === "reset") socket.resetAndDestroy();
    else if (kind === "half") socket.end(STREAM_HEAD);
    else if (kind === "garbage") socket.write("<html>");
    else if (kind === "stream") socket.write(STREAM_HEAD + chunk("x").toString());
  });
  using endpoint = new TestHttp1Endpoint(upstream.url, { max: 50, keepAliveMs: 20 });
  const expected = { ok: "end", reset: "disconnected", half: "disconnected", garbage: "protocol" } as const;
  const run = async (worker: number): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      const kind = (["ok", "ok", "reset", "half", "garbage", "stream"] as const)[(i + worker) % 6]!;
      const request = { method: "POST", path: "/", headers: [], body: [Buffer.from(kind)] } as const;
      const recorder = new ExchangeRecorder().open(endpoint, request);
      if (kind === "stream") {
        await recorder.heard("flush");
        recorder.abort();
      } else assert.equal(await recorder.ended(), expected[kind]);
      assert.deepEqual(recorder.violations, []);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, worker) => run(worker)));
  await upstream.allClosed();
  assert.deepEqual([endpoint.connections, endpoint.outstanding, endpoint.wheel.size], [0, 0, 0]);
});
