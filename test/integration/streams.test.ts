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
const HEARTBEAT = ": \n\n";

/** Keeps the request; the test answers it when it likes. */
function collect(): {
  held: ReceivedRequest[];
  script: (request: ReceivedRequest) => void;
  next(): Promise<ReceivedRequest>;
} {
  const held: ReceivedRequest[] = [];
  return {
    held,
    script: (request) => void held.push(request),
    async next() {
      await waitUntil(() => held.length > 0);
      return held.shift()!;
    },
  };
}

test("a token event leaves at once, and the head with the first of them", async () => {
  const requests = collect();
  await using upstream = await startScripted(requests.script);
  await using gateway = await startGateway(configFor(upstream.url));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  const { socket } = await requests.next();
  socket.write(STREAM_HEAD);
  for (const text of ["a", "b", "c"]) {
    socket.write(chunk(tokenEvent(text)));
    // Each arrives before the next is sent.
    await client.until(tokenEvent(text));
  }
  socket.write(chunk(DONE_EVENTS));
  socket.write(LAST_CHUNK);
  const answer = await client.answer();
  assert.equal(answer.body, ["a", "b", "c"].map(tokenEvent).join("") + DONE_EVENTS);
  assert.equal(answer.header("content-type"), "text/event-stream; charset=utf-8");
  assert.equal(answer.header("cache-control"), "no-cache, no-transform");
  assert.equal(answer.header("x-accel-buffering"), "no");
  assert.equal(answer.header("x-headwaiter-upstream"), "up");
  assert.equal(answer.header("x-headwaiter-attempts"), "1");
});

test("events that are cut anywhere, also within a character and a CRLF, come out byte for byte", async () => {
  const body = `: hi\r\n\r\n${tokenEvent("über 😀 漢")}${tokenEvent("b").replaceAll("\n", "\r\n")}${DONE_EVENTS}`;
  const bytes = Buffer.from(body);
  await using upstream = await startScripted(({ socket }) => {
    socket.setNoDelay(true);
    socket.write(STREAM_HEAD);
    for (const byte of bytes) socket.write(chunk(Buffer.from([byte])));
    socket.write(LAST_CHUNK);
  });
  await using gateway = await startGateway(configFor(upstream.url));
  const answer = await post(`${gateway.url}${CHAT}`, STREAM);
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes));
  assert.equal((await gateway.access()).outcome, "completed");
});

test("heartbeats come only while the stream is silent, and only between events", async () => {
  const requests = collect();
  await using upstream = await startScripted(requests.script);
  await using gateway = await startGateway(configFor(upstream.url, { rest: "streams: { heartbeat: 100ms }" }));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  const { socket } = await requests.next();
  // Before the first byte too, once there is a head.
  socket.write(STREAM_HEAD);
  await client.until(HEARTBEAT);
  const event = tokenEvent("a");
  socket.write(chunk(event.slice(0, 20)));
  await client.until(event.slice(0, 20));
  const before = client.received;
  // Nothing announces a heartbeat that does not come: three intervals.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(client.received, before);
  socket.write(chunk(event.slice(20)));
  await waitUntil(() => client.received.lastIndexOf(HEARTBEAT) > client.received.lastIndexOf(event.slice(20)));
  const timer = setInterval(() => socket.write(chunk(tokenEvent("b"))), 10);
  await waitUntil(() => client.received.split(tokenEvent("b")).length > 30);
  clearInterval(timer);
  const busy = client.received.slice(
    client.received.indexOf(tokenEvent("b")),
    client.received.lastIndexOf(tokenEvent("b")),
  );
  assert.ok(!busy.includes(HEARTBEAT));
});

test("the raw prompt endpoint gets no heartbeats", async () => {
  const requests = collect();
  await using upstream = await startScripted(requests.script);
  await using gateway = await startGateway(configFor(upstream.url, { rest: "streams: { heartbeat: 20ms }" }));
  const answering = post(`${gateway.url}/api/v1/stream`, '{"prompt":"hi"}');
  const { socket } = await requests.next();
  socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  const answer = await answering;
  await new Promise((resolve) => setTimeout(resolve, 200));
  socket.write(chunk(DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal(await answer.text(), tokenEvent("a") + DONE_EVENTS);
});

test("a client that does not read stops its own upstream alone, within its buffer", async () => {
  const event = tokenEvent("x".repeat(60_000));
  let floodedBytes = 0;
  await using upstream = await startScripted(({ socket, body }) => {
    socket.write(STREAM_HEAD);
    if (!body.includes("flood")) return void socket.write(chunk(tokenEvent("a") + DONE_EVENTS) + LAST_CHUNK);
    const piece = chunk(event);
    const more = (): void => {
      while (!socket.destroyed) {
        floodedBytes += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", more);
      }
    };
    return more();
  });
  const streams = "streams: { max_buffer: 64KiB, heartbeat: off }";
  await using gateway = await startGateway(configFor(upstream.url, { rest: streams }));
  const frozen = Array.from({ length: 20 }, () => rawClient(gateway.port));
  for (const client of frozen) {
    client.send(rawPost(CHAT, chat({ stream: true, user: "flood" })));
    await client.until("data: ");
    client.socket.pause();
  }
  let seen = -1;
  // All come to a stand.
  await waitUntil(() => {
    const still = floodedBytes === seen;
    seen = floodedBytes;
    return still;
  });
  const other = await post(`${gateway.url}${CHAT}`, STREAM);
  assert.equal(await other.text(), tokenEvent("a") + DONE_EVENTS);
  assert.equal(gateway.loop.calls, 20);
  for (const client of frozen) client.socket.destroy();
  await waitUntil(() => gateway.loop.calls === 0);
  assert.equal(gateway.accessLines.filter((line) => line.outcome === "client_gone").length, 20);
});

test("an error event of the upstream's passes as it is, and the stream is not counted as completed", async () => {
  const error = 'data: {"error":{"message":"overloaded","type":"server_error","code":null}}\n\n';
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk(tokenEvent("a") + error).toString() + LAST_CHUNK);
  });
  await using gateway = await startGateway(configFor(upstream.url));
  assert.equal(await (await post(`${gateway.url}${CHAT}`, STREAM)).text(), tokenEvent("a") + error);
  const line = await gateway.access();
  assert.deepEqual([line.outcome, line.code], ["upstream_cut", "upstream_error"]);
});

test("a JSON answer to a streaming request passes as the whole answer that it is", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, '{"id":"c"}')));
  await using gateway = await startGateway(configFor(upstream.url));
  const answer = await post(`${gateway.url}${CHAT}`, STREAM);
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(await answer.text(), '{"id":"c"}');
});

test("a large JSON answer passes in pieces, its usage is read, and one that breaks off is cut for the client too", async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 };
  const whole = JSON.stringify({ data: Array.from({ length: 100_000 }, (_, i) => i), usage });
  let cut = false;
  await using upstream = await startScripted(({ socket }) => {
    const bytes = response(200, whole);
    if (cut) socket.end(bytes.subarray(0, -100));
    else socket.write(bytes);
  });
  await using gateway = await startGateway(configFor(upstream.url));
  assert.equal(await (await post(`${gateway.url}/v1/embeddings`, chat())).text(), whole);
  const line = await gateway.access();
  assert.deepEqual([line.tokensIn, line.tokensOut, line.tokensFrom], [3, 0, "upstream"]);
  cut = true;
  for (const version of ["1.1", "1.0"]) {
    using client = rawClient(gateway.port);
    client.send(rawPost("/v1/embeddings", chat()).replace("HTTP/1.1", `HTTP/${version}`));
    let reset = false;
    client.socket.on("error", () => (reset = true));
    await client.closed;
    assert.ok(client.received.length > 100_000);
    assert.ok(version === "1.1" ? !client.received.endsWith(LAST_CHUNK) : reset, "never a clean-looking end");
  }
  assert.equal((await gateway.access((l) => l.outcome === "upstream_cut")).code, "upstream_disconnected");
});

const DEPARTURES: readonly (readonly [when: string, body: string, written: string])[] = [
  ["before the head of its stream", STREAM, ""],
  ["between head and first byte", STREAM, STREAM_HEAD],
  ["in the middle of its stream", STREAM, STREAM_HEAD + chunk(tokenEvent("a") + tokenEvent("b")).toString()],
  ["before a whole answer", chat(), ""],
  ["in the middle of a whole answer", chat(), response(200, '{"id":"c"}').toString().slice(0, -4)],
];
for (const [when, body, written] of DEPARTURES) {
  test(`a client that leaves ${when} frees its upstream at once`, async () => {
    const requests = collect();
    await using upstream = await startScripted(requests.script);
    await using gateway = await startGateway(configFor(upstream.url));
    const client = rawClient(gateway.port);
    client.send(rawPost(CHAT, body));
    const { socket } = await requests.next();
    if (written !== "") socket.write(written);
    if (written.includes("data: ")) await client.until(tokenEvent("b"));
    const leftMs = performance.now();
    client.socket.destroy();
    await upstream.allClosed();
    // Generous, for a busy machine; what it takes at scale is the benchmark's to say.
    assert.ok(performance.now() - leftMs < 1000);
    const line = await gateway.access();
    assert.deepEqual([line.outcome, line.endedBy], ["client_gone", "client"]);
    if (written.includes("data: ")) assert.deepEqual([line.tokensOut, line.tokensFrom], [2, "counted"]);
    assert.equal(gateway.loop.calls, 0);
    assert.equal(gateway.loop.timers, 0);
  });
}

test("a client that closes only its sending side counts as gone", async () => {
  const requests = collect();
  await using upstream = await startScripted(requests.script);
  await using gateway = await startGateway(configFor(upstream.url));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await requests.next();
  client.socket.end();
  await upstream.allClosed();
  assert.equal((await gateway.access()).outcome, "client_gone");
});

test("a client that leaves with requests waiting behind one under way: none of them is begun", async () => {
  const requests = collect();
  await using upstream = await startScripted(requests.script);
  await using gateway = await startGateway(configFor(upstream.url));
  const client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM) + rawPost(CHAT, STREAM).repeat(5));
  await requests.next();
  client.socket.destroy();
  await upstream.allClosed();
  await gateway.access();
  assert.equal(upstream.requests.length, 1);
  assert.equal(gateway.accessLines.length, 1);
  assert.equal(gateway.loop.calls, 0);
});

test("a client that leaves in the middle of its upload: nothing is sent upstream, and its call is settled", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(configFor(upstream.url));
  const client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat()).slice(0, -4));
  await waitUntil(() => gateway.loop.calls === 1);
  client.socket.destroy();
  const line = await gateway.access();
  assert.deepEqual([line.outcome, line.status, line.upstream], ["client_gone", 0, null]);
  assert.equal(upstream.accepted, 0);
});

test("usage of the upstream's own is what is logged, and said to be", async () => {
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":22,"total_tokens":33}}\n\n';
  await using upstream = await startScripted(({ socket }) => {
    socket.write(
      STREAM_HEAD +
        chunk(tokenEvent("a") + DONE_EVENTS.replace("data: [DONE]", `${usage}data: [DONE]`)).toString() +
        LAST_CHUNK,
    );
  });
  await using gateway = await startGateway(configFor(upstream.url));
  await (await post(`${gateway.url}${CHAT}`, STREAM)).text();
  const line = await gateway.access();
  assert.deepEqual([line.tokensIn, line.tokensOut, line.tokensFrom], [11, 22, "upstream"]);
  assert.ok(line.ttftMs !== null && line.ttftMs <= line.durationMs);
});

test("nothing is put behind the API's own end, however the connection ends then", async () => {
  const whole = tokenEvent("a") + DONE_EVENTS;
  await using upstream = await startScripted(({ socket }) => void socket.end(STREAM_HEAD + chunk(whole).toString()));
  await using gateway = await startGateway(configFor(upstream.url));
  const answer = await post(`${gateway.url}/v1/chat/completions`, chat({ stream: true }));
  assert.equal(await answer.text(), whole);
  assert.partialDeepStrictEqual(await gateway.access(), { outcome: "completed", code: null });
});
