import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import {
  DONE_EVENTS,
  LAST_CHUNK,
  STREAM_HEAD,
  chunk,
  response,
  startScripted,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const STREAM = chat({ stream: true });

test("a drain refuses new work at once, keeps what is under way, and ends when that has ended", async () => {
  const held: ReceivedRequest[] = [];
  await using upstream = await startScripted((request) => void held.push(request));
  await using gateway = await startGateway(configFor(upstream.url));
  using stream = rawClient(gateway.port);
  stream.send(rawPost(CHAT, STREAM));
  using whole = rawClient(gateway.port);
  whole.send(rawPost(CHAT, chat()));
  using idle = rawClient(gateway.port);
  idle.send("GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n");
  assert.equal((await idle.answer()).status, 200);
  await waitUntil(() => held.length === 2);
  const [streamed, answered] = held[0]!.body.includes("stream") ? held : held.toReversed();
  streamed!.socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  await stream.until(tokenEvent("a"));

  let drained = false;
  const drain = gateway.loop.drain(5000).then(() => (drained = true));
  await idle.closed;
  const ready = await fetch(`${gateway.url}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get("x-headwaiter-error"), "draining");
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
  const refused = await post(gateway.url + CHAT, STREAM);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("x-headwaiter-error"), "draining");
  assert.equal(refused.headers.get("connection"), "close");
  assert.ok(Number(refused.headers.get("retry-after-ms")) >= 1000);
  assert.equal(upstream.requests.length, 2);

  answered!.socket.write(response(200, '{"id":"c"}'));
  assert.equal((await whole.answer()).body, '{"id":"c"}');
  assert.equal(drained, false);
  streamed!.socket.write(chunk(tokenEvent("b") + DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal((await stream.answer()).body, tokenEvent("a") + tokenEvent("b") + DONE_EVENTS);
  await drain;
  await stream.closed;
  assert.deepEqual(
    gateway.accessLines.map((line) => line.outcome),
    ["refused", "completed", "completed"],
  );
  await assert.rejects(fetch(`${gateway.url}/healthz`));
});

test("what is left after the drain's time gets an error: in the stream, as a 503, or during its upload", async () => {
  await using upstream = await startScripted(({ socket, body }) => {
    if (body.includes("stream")) socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  });
  await using gateway = await startGateway(configFor(upstream.url));
  using stream = rawClient(gateway.port);
  stream.send(rawPost(CHAT, STREAM));
  await stream.until(tokenEvent("a"));
  using whole = rawClient(gateway.port);
  whole.send(rawPost(CHAT, chat()));
  using upload = rawClient(gateway.port);
  upload.send(rawPost(CHAT, chat()).slice(0, -3));
  await waitUntil(() => upstream.requests.length === 2 && gateway.loop.calls === 3);
  await gateway.loop.drain(50);
  const { body } = await stream.answer();
  assert.match(body, /\n\ndata: \{"error":\{[^\n]*"code":"draining"\}\}\n\n$/);
  for (const client of [whole, upload]) {
    const answer = await client.answer();
    assert.equal(answer.status, 503);
    assert.equal(answer.header("x-headwaiter-error"), "draining");
  }
  await upstream.allClosed();
  assert.deepEqual(
    gateway.accessLines.map((line) => line.outcome),
    ["drained", "drained", "drained"],
  );
});

test("a drain does not wait for a client that does not read", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD);
    for (let i = 0; i < 300; i++) socket.write(chunk(tokenEvent("x".repeat(60_000))));
  });
  await using gateway = await startGateway(configFor(upstream.url));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await client.until("data: ");
  client.socket.pause();
  await waitUntil(() => [...upstream.open].every((socket) => socket.writableNeedDrain));
  const startMs = performance.now();
  await gateway.loop.drain(50);
  assert.ok(performance.now() - startMs < 3000);
  assert.equal(gateway.loop.calls, 0);
  await upstream.allClosed();
});
