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
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const STREAM = chat({ stream: true });
const BIG = tokenEvent("x".repeat(60_000));

const config = (url: string, timeouts: string, streams = "heartbeat: off"): string =>
  configFor(url, { upstream: `timeouts: { ${timeouts} }`, rest: `streams: { ${streams} }` });

/** The first request of a connection is answered at once, so that the next finds an idle connection. */
function afterFirst(script: (request: ReceivedRequest) => void): (request: ReceivedRequest) => void {
  return (request) => (request.index === 0 ? void request.socket.write(response(200, "{}")) : script(request));
}

/** Sends events until the peer takes no more, and so on whenever it does. */
function flood({ socket }: ReceivedRequest, limitBytes = Infinity): void {
  socket.write(STREAM_HEAD);
  const piece = chunk(BIG);
  let sent = 0;
  const more = (): void => {
    while (!socket.destroyed && sent < limitBytes) {
      sent += BIG.length;
      if (!socket.write(piece)) return void socket.once("drain", more);
    }
    if (!socket.destroyed) socket.write(Buffer.concat([chunk(DONE_EVENTS), Buffer.from(LAST_CHUNK)]));
  };
  more();
}

async function assertServesAgain(gatewayUrl: string, upstream: ScriptedUpstream): Promise<void> {
  await upstream.allClosed();
  const next = await post(`${gatewayUrl}${CHAT}`, chat());
  assert.equal(next.status, 200);
  await next.arrayBuffer();
}

test("connect: an endpoint whose handshake does not end in time gets 504 upstream_connect_timeout", async () => {
  // Takes the connection and never speaks TLS.
  await using upstream = await startScripted(() => {});
  const secure = upstream.url.replace("http:", "https:");
  await using gateway = await startGateway(config(secure, "connect: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(answer.status, 504);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_connect_timeout");
  assert.equal((await gateway.access()).outcome, "upstream_failed");
  await upstream.allClosed();
});

test("first byte: an upstream that does not answer gets 504 upstream_first_byte_timeout and is hung up on", async () => {
  let silent = true;
  await using upstream = await startScripted(({ socket }) => void (silent || socket.write(response(200, "{}"))));
  await using gateway = await startGateway(config(upstream.url, "first_byte: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(answer.status, 504);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_first_byte_timeout");
  silent = false;
  await assertServesAgain(gateway.url, upstream);
});

test("first byte: the same on a connection that carried a request before", async () => {
  await using upstream = await startScripted(afterFirst(() => {}));
  await using gateway = await startGateway(config(upstream.url, "first_byte: 100ms, total: 3s"));
  await (await post(`${gateway.url}${CHAT}`, chat())).arrayBuffer();
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(upstream.accepted, 1);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_first_byte_timeout");
  await assertServesAgain(gateway.url, upstream);
});

test("first byte: a head without a body counts as silence", async () => {
  await using upstream = await startScripted(({ socket, body }) => {
    socket.write(body.includes('"stream":true') ? STREAM_HEAD : response(200, "{}"));
  });
  await using gateway = await startGateway(config(upstream.url, "first_byte: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, STREAM);
  assert.equal(answer.status, 504);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_first_byte_timeout");
  await assertServesAgain(gateway.url, upstream);
});

test("idle: an upstream that falls silent ends the stream with an error event, and its tokens are counted", async () => {
  await using upstream = await startScripted(({ socket, body }) => {
    if (!body.includes('"stream":true')) socket.write(response(200, "{}"));
    else socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), chunk(tokenEvent("a")), chunk(tokenEvent("b"))]));
  });
  await using gateway = await startGateway(config(upstream.url, "idle: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, STREAM);
  assert.equal(answer.status, 200);
  const text = await answer.text();
  assert.ok(text.startsWith(tokenEvent("a") + tokenEvent("b")));
  assert.match(text, /^data: \{"error":\{.*"code":"upstream_idle_timeout"\}\}\n\n$/m);
  assert.ok(!text.includes("[DONE]"));
  const line = await gateway.access();
  assert.deepEqual([line.outcome, line.code, line.tokensFrom], ["upstream_cut", "upstream_idle_timeout", "counted"]);
  assert.equal(line.tokensOut, 2);
  await assertServesAgain(gateway.url, upstream);
});

test("idle: half a JSON body that falls silent gets 504", async () => {
  await using upstream = await startScripted(({ socket, index }) => {
    const whole = response(200, '{"id":"c"}');
    socket.write(index === 0 && upstream.requests.length === 1 ? whole.subarray(0, -3) : whole);
  });
  await using gateway = await startGateway(config(upstream.url, "idle: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(answer.status, 504);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_idle_timeout");
  await assertServesAgain(gateway.url, upstream);
});

test("idle: a client's pause is not the upstream's silence, and its silence after the pause is", async () => {
  let requests = 0;
  await using upstream = await startScripted((request) => {
    requests++;
    if (!request.body.includes('"stream":true')) return void request.socket.write(response(200, "{}"));
    const { socket } = request;
    socket.write(STREAM_HEAD);
    // Much, and then nothing more.
    for (let i = 0; i < 120; i++) socket.write(chunk(BIG));
    return undefined;
  });
  await using gateway = await startGateway(config(upstream.url, "idle: 200ms, total: 4s"));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await client.until("data: ");
  client.socket.pause();
  // Nothing announces that a timer did not fire: three times the timeout.
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(gateway.accessLines.length, 0);
  client.socket.resume();
  await client.until("upstream_idle_timeout");
  assert.equal((await gateway.access()).code, "upstream_idle_timeout");
  assert.equal(requests, 1);
});

test("total: a request that takes too long before its answer gets 504 total_timeout", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(config(upstream.url, "total: 100ms"));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(answer.status, 504);
  assert.equal(answer.headers.get("x-headwaiter-error"), "total_timeout");
  assert.equal((await gateway.access()).outcome, "timed_out");
  await upstream.allClosed();
});

test("total: a stream that goes on too long ends with an error event", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD);
    const timer = setInterval(() => socket.write(chunk(tokenEvent("a"))), 10);
    socket.once("close", () => clearInterval(timer));
  });
  await using gateway = await startGateway(config(upstream.url, "total: 200ms"));
  const text = await (await post(`${gateway.url}${CHAT}`, STREAM)).text();
  assert.match(text, /"code":"total_timeout"\}\}\n\n$/);
  assert.equal((await gateway.access()).outcome, "timed_out");
  await upstream.allClosed();
});

test("total: runs out also while the client is blocked; the upstream is freed, and the client gets the rest if it reads", async () => {
  await using upstream = await startScripted((request) => flood(request));
  await using gateway = await startGateway(config(upstream.url, "total: 400ms"));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await client.until("data: ");
  client.socket.pause();
  await upstream.allClosed();
  client.socket.resume();
  await client.until(LAST_CHUNK);
  assert.match(client.received, /"code":"total_timeout"\}\}\n\n\r\n0\r\n\r\n$/);
  assert.equal((await gateway.access()).outcome, "timed_out");
});

test("a blocked client that reads again gets every byte, in order", async () => {
  const limitBytes = 20_000_000;
  await using upstream = await startScripted((request) => flood(request, limitBytes));
  await using gateway = await startGateway(config(upstream.url, "total: 30s"));
  const answer = await post(`${gateway.url}${CHAT}`, STREAM);
  // Not reading yet: the upstream comes to a stand.
  const [socket] = upstream.open;
  await waitUntil(() => socket!.writableNeedDrain);
  const text = await answer.text();
  assert.equal(text, BIG.repeat(Math.ceil(limitBytes / BIG.length)) + DONE_EVENTS);
  assert.equal((await gateway.access()).outcome, "completed");
});

test("a client that takes nothing for the stall timeout is cut, and its upstream freed", async () => {
  await using upstream = await startScripted((request) => flood(request));
  await using gateway = await startGateway(config(upstream.url, "total: 30s", "stall_timeout: 150ms, heartbeat: off"));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await client.until("data: ");
  client.socket.pause();
  const line = await gateway.access();
  assert.deepEqual([line.outcome, line.endedBy], ["client_stalled", "client"]);
  await upstream.allClosed();
  client.socket.resume();
  await client.closed;
  assert.ok(!client.received.endsWith(LAST_CHUNK));
  assert.equal(gateway.loop.timers, 0);
});

test("a client that stops reading after the upstream's end is cut as well", async () => {
  const limitBytes = 12_000_000;
  await using upstream = await startScripted((request) => flood(request, limitBytes));
  const streams = "stall_timeout: 200ms, max_buffer: 64MiB, heartbeat: off";
  await using gateway = await startGateway(config(upstream.url, "total: 30s", streams));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await client.until("data: ");
  client.socket.pause();
  assert.equal((await gateway.access()).outcome, "client_stalled");
  await waitUntil(() => gateway.loop.calls === 0);
  client.socket.resume();
  await client.closed;
});
