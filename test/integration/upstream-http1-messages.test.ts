/** Where HTTP/1.1 requests and answers begin and end, byte for byte, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { ExchangeRecorder, TestHttp1Endpoint, complete } from "../support/exchange-recorder.ts";
import { STREAM_HEAD, chunk, response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";

const OK = response(200, "{}");

function answerOk(request: ReceivedRequest): void {
  request.socket.write(OK);
}

test("does not reuse a connection whose answer came while the request was still being written", async () => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.pause();
      socket.write(OK);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using endpoint = new TestHttp1Endpoint(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const slice = new Uint8Array(1024 * 1024);
  const request = { method: "POST", path: "/x", headers: [], body: Array.from({ length: 64 }, () => slice) } as const;
  const recorder = new ExchangeRecorder().open(endpoint, request);
  assert.equal(await recorder.ended(), "end");
  assert.equal(endpoint.connections, 0);
  server.close();
});

test("fails at once when the peer closes its side and never reads the request", async () => {
  const peers: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    peers.push(socket);
    socket.on("error", () => {});
    socket.pause();
    socket.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using endpoint = new TestHttp1Endpoint(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const slice = new Uint8Array(1024 * 1024);
  const request = { method: "POST", path: "/x", headers: [], body: Array.from({ length: 64 }, () => slice) } as const;
  const recorder = new ExchangeRecorder().open(endpoint, request);
  assert.equal(await recorder.ended(), "disconnected");
  assert.deepEqual([recorder.failure!.detail, endpoint.connections], ["closed by the upstream", 0]);
  for (const peer of peers) peer.destroy();
  server.close();
});

test("takes the close for the end of a body without length, and does not reuse the connection", async () => {
  await using upstream = await startScripted((request) => {
    request.socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  assert.equal((await complete(endpoint)).body.toString(), "all of it");
  assert.equal(endpoint.connections, 0);
});

test("a reset is never the end of a body without length", async () => {
  await using upstream = await startScripted((request) => {
    request.socket.write("HTTP/1.1 200 OK\r\n\r\nhalf of it");
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  await recorder.heard("flush");
  upstream.requests[0]!.socket.resetAndDestroy();
  assert.equal(await recorder.ended(), "disconnected");
});

test("a body of announced length or in chunks that breaks off is a failure, not an end", async () => {
  for (const half of [
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
    `${STREAM_HEAD}${chunk("data: x\n\n").toString()}`,
  ]) {
    await using upstream = await startScripted((request) => void request.socket.end(half));
    using endpoint = new TestHttp1Endpoint(upstream.url);
    const recorder = new ExchangeRecorder().open(endpoint);
    assert.equal(await recorder.ended(), "disconnected");
    assert.deepEqual([recorder.violations, recorder.calls.at(-2)], [[], "flush"]);
  }
});

test("skips 1xx answers and reports no flush before there is body", async () => {
  await using upstream = await startScripted(async ({ socket }) => {
    for (const piece of [
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTT",
      "P/1.1 200 OK\r\ncontent-len",
      "gth: 2\r\n",
      "\r\n",
      "ok",
    ]) {
      await new Promise((resolve) => socket.write(piece, resolve));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  assert.deepEqual((await complete(endpoint)).calls, ["sent", "head", "body", "flush", "end"]);
});

test("writes exactly the head and the slices of the body, small and large", async () => {
  await using upstream = await startScripted(answerOk);
  using endpoint = new TestHttp1Endpoint(`${upstream.url}/base/`, {
    headers: ["authorization", "Bearer k", "user-agent", "u"],
  });
  for (const sizes of [[0], [5], [3, 0, 4], [16 * 1024], [16 * 1024 + 1], [1, 100_000, 70_000], [5 * 1024 * 1024, 1]]) {
    const body = sizes.map((size, index) => new Uint8Array(size).fill(65 + index));
    const request = {
      method: "POST",
      path: "/chat?a=b",
      headers: ["content-type", "application/json", "x-a", "\u00e9"],
      body,
    } as const;
    const recorder = new ExchangeRecorder().open(endpoint, request);
    assert.equal(await recorder.ended(), "end");
    const received = upstream.requests.at(-1)!;
    const length = sizes.reduce((sum, size) => sum + size, 0);
    assert.equal(
      received.head,
      `POST /base/chat?a=b HTTP/1.1\r\nhost: ${new URL(upstream.url).host}\r\nauthorization: Bearer k\r\nuser-agent: u\r\n` +
        `content-type: application/json\r\nx-a: \u00e9\r\ncontent-length: ${length}`,
    );
    assert.ok(received.body.equals(Buffer.concat(body)), `sizes ${sizes.join()}`);
  }
  await complete(endpoint);
  assert.match(upstream.requests.at(-1)!.head, /^GET \/base\/x HTTP\/1\.1\r\n(?!.*content-length)/s);
  assert.equal(upstream.accepted, 1);
});
