import assert from "node:assert/strict";
import { test } from "node:test";
import { CALM_SAMPLES } from "../../src/admission/pressure.ts";
import { SAMPLE_INTERVAL_MS } from "../../src/admission/gate.ts";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { TestReadings } from "../support/readings.ts";
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
const ready = (port: number): string => `GET /readyz HTTP/1.1\r\nhost: localhost:${port}\r\n\r\n`;
const healthy = (port: number): string => ready(port).replace("readyz", "healthz");

interface Pressed extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: ScriptedUpstream;
  readonly readings: TestReadings;
  /** Requests that the upstream has and has not answered. */
  readonly held: readonly ReceivedRequest[];
  /** Resolves when the loop has come to `level`. */
  until(level: "normal" | "soft" | "hard"): Promise<void>;
}

/** A gateway whose process is as full as a test says. Its upstream answers what is no stream; streams it holds. */
async function startPressed(rest = ""): Promise<Pressed> {
  const held: ReceivedRequest[] = [];
  const upstream = await startScripted((request) => {
    if (request.body.includes('"stream":true')) held.push(request);
    else request.socket.write(response(200, '{"id":"c"}'));
  });
  const readings = new TestReadings();
  const gateway = await startGateway(configFor(upstream.url, { rest }), {}, undefined, readings.read);
  return {
    gateway,
    upstream,
    readings,
    held,
    until: (level) => waitUntil(() => gateway.loop.gate?.level === level, level),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("a loop in distress refuses new calls in the caller's own shape, and says when to come back", async () => {
  await using pressed = await startPressed();
  const { gateway, readings, upstream } = pressed;
  readings.set({ buffers: 95 });
  await pressed.until("hard");
  using client = rawClient(gateway.port);
  const request = rawPost(CHAT, STREAM, ["x-request-id: mine"]);
  client.send(request);
  const refused = await client.answer();
  assert.equal(refused.status, 503);
  assert.equal(refused.header("x-headwaiter-error"), "overloaded");
  assert.equal(refused.header("x-request-id"), "mine");
  const { error } = JSON.parse(refused.body) as { error: { code: string; type: string; param: null } };
  assert.deepEqual([error.code, error.type, error.param], ["overloaded", "server_error", null]);
  const waitMs = Number(refused.header("retry-after-ms"));
  assert.ok(waitMs >= 1000 && waitMs <= 20_000);
  assert.equal(refused.header("retry-after"), String(Math.ceil(waitMs / 1000)));
  assert.equal(upstream.requests.length, 0);
  assert.equal(gateway.loop.calls, 0);
  assert.equal(gateway.loop.metrics.refused.value("overloaded"), 1);
  assert.equal(gateway.loop.metrics.requests.value("openai", "", "", "refused"), 1);
  assert.deepEqual(gateway.accessLines, [], "no line for each of thousands");
});

test("a refused client is told before it has sent its body", async () => {
  await using pressed = await startPressed();
  pressed.readings.set({ buffers: 95 });
  await pressed.until("hard");
  using waiting = rawClient(pressed.gateway.port);
  const huge = rawPost(CHAT, STREAM, ["expect: 100-continue"]).replace(
    /content-length: \d+/,
    "content-length: 9000000",
  );
  waiting.send(huge.slice(0, huge.indexOf("\r\n\r\n") + 4));
  const refused = await waiting.answer();
  assert.equal(refused.status, 503);
  assert.ok(!waiting.received.includes("100 Continue"));
  assert.equal(refused.header("connection"), "close");
  await waiting.closed;
});

test("in distress the health answer stays, readiness goes, and both come back", async () => {
  await using pressed = await startPressed();
  const { gateway, readings } = pressed;
  const { port } = gateway;
  const ask = async (request: string): Promise<[number, string | undefined]> => {
    using client = rawClient(port);
    client.send(request);
    const answer = await client.answer();
    return [answer.status, answer.header("x-headwaiter-error")];
  };
  assert.deepEqual(await ask(ready(port)), [200, undefined]);
  readings.set({ sockets: 99 });
  await pressed.until("hard");
  assert.deepEqual(await ask(healthy(port)), [200, undefined]);
  assert.deepEqual(await ask(ready(port)), [503, "overloaded"]);
  readings.set({ sockets: 85 });
  await pressed.until("soft");
  assert.deepEqual(await ask(ready(port)), [200, undefined]);
  readings.set({});
  await pressed.until("normal");
  assert.deepEqual(await ask(ready(port)), [200, undefined]);
});

test("a stream that is under way goes on untouched while others are refused", async () => {
  await using pressed = await startPressed();
  const { gateway, readings, held } = pressed;
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await waitUntil(() => held.length === 1);
  const { socket } = held[0]!;
  socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  await client.until(tokenEvent("a"));
  readings.set({ memory: 99, buffers: 99, sockets: 99 });
  await pressed.until("hard");
  assert.equal((await post(gateway.url + CHAT, STREAM)).status, 503);
  socket.write(chunk(tokenEvent("b")));
  await client.until(tokenEvent("b"));
  socket.write(chunk(DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal((await client.answer()).body, tokenEvent("a") + tokenEvent("b") + DONE_EVENTS);
  assert.equal((await gateway.access()).outcome, "completed");
});

test("a loop that falls behind refuses on connections that it keeps, and serves on them when it has caught up", async () => {
  await using pressed = await startPressed();
  const { gateway } = pressed;
  using client = rawClient(gateway.port);
  // Every turn of the loop takes far longer than it may.
  const behind = setInterval(() => {
    for (const endMs = performance.now() + 250; performance.now() < endMs;);
  }, 1);
  try {
    await pressed.until("hard");
    assert.equal(gateway.loop.gate!.reason, "delay");
    client.send(rawPost(CHAT, chat()));
    const refused = await client.answer();
    assert.deepEqual([refused.status, refused.header("connection")], [503, "keep-alive"]);
  } finally {
    clearInterval(behind);
  }
  await pressed.until("normal");
  client.send(rawPost(CHAT, chat()));
  assert.equal((await client.answer()).status, 200);
  using old = rawClient(gateway.port);
  old.send(rawPost(CHAT, chat()).replace("HTTP/1.1", "HTTP/1.0"));
  assert.equal((await old.answer()).header("connection"), "close");
});

test("a refused client loses its connection where connections or memory are what is short", async () => {
  await using pressed = await startPressed();
  const { gateway, readings } = pressed;
  for (const short of [{ buffers: 95 }, { sockets: 99 }]) {
    readings.set(short);
    await pressed.until("hard");
    using client = rawClient(gateway.port);
    client.send(rawPost(CHAT, chat()));
    const refused = await client.answer();
    assert.deepEqual([refused.status, refused.header("connection")], [503, "close"]);
    await client.closed;
    readings.set({});
    await pressed.until("normal");
  }
});

test("under soft pressure everybody is served, and no connection is kept after its answer", async () => {
  await using pressed = await startPressed();
  const { gateway, readings, held } = pressed;
  using early = rawClient(gateway.port);
  early.send(rawPost(CHAT, chat()));
  assert.equal((await early.answer()).header("connection"), "keep-alive");
  readings.set({ sockets: 85 });
  await pressed.until("soft");
  for (const client of [early, rawClient(gateway.port)]) {
    using asking = client;
    asking.send(rawPost(CHAT, chat()));
    const answer = await asking.answer();
    assert.deepEqual([answer.status, answer.header("connection")], [200, "close"]);
    await asking.closed;
  }
  using streaming = rawClient(gateway.port);
  streaming.send(rawPost(CHAT, STREAM));
  await waitUntil(() => held.length === 1);
  held[0]!.socket.write(STREAM_HEAD + chunk(tokenEvent("a") + DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal((await streaming.answer()).header("connection"), "close");
  await streaming.closed;
  readings.set({});
  await pressed.until("normal");
  using late = rawClient(gateway.port);
  late.send(rawPost(CHAT, chat()));
  assert.equal((await late.answer()).header("connection"), "keep-alive");
});

test("when connections are short, those that carry nothing are closed and those that stream are not", async () => {
  await using pressed = await startPressed();
  const { gateway, readings, held } = pressed;
  using idle = rawClient(gateway.port);
  idle.send(rawPost(CHAT, chat()));
  assert.equal((await idle.answer()).status, 200);
  using streaming = rawClient(gateway.port);
  streaming.send(rawPost(CHAT, STREAM));
  await waitUntil(() => held.length === 1);
  held[0]!.socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  await streaming.until(tokenEvent("a"));
  readings.set({ sockets: 99 });
  await idle.closed;
  held[0]!.socket.write(chunk(DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal((await streaming.answer()).body, tokenEvent("a") + DONE_EVENTS);
});

test("each change of the level is one line of the log and is counted, with its reason and how many were refused", async () => {
  await using pressed = await startPressed();
  const { gateway, readings } = pressed;
  const { metrics } = gateway.loop;
  readings.set({ buffers: 95 });
  await pressed.until("hard");
  assert.equal(metrics.pressureLevel.value("hard"), 1);
  assert.equal(metrics.pressureLevel.value("normal"), 0);
  for (let i = 0; i < 3; i++) await (await post(gateway.url + CHAT, chat())).text();
  readings.set({});
  await pressed.until("normal");
  assert.equal(metrics.pressure.value("hard", "buffers"), 1);
  assert.equal(metrics.pressureLevel.value("normal"), 1);
  const lines = gateway.logLines.filter((line) => "from" in line);
  assert.deepEqual(
    lines.map(({ level, from, to, reason, refused }) => [level, from, to, reason, refused]),
    [
      ["warn", "normal", "hard", "buffers", 0],
      ["info", "hard", "normal", "buffers", 3],
    ],
  );
  const lastedMs = lines[1]!["lastedMs"] as number;
  assert.ok(lastedMs >= (CALM_SAMPLES.hard - 1) * SAMPLE_INTERVAL_MS);
});

test("a loop that was given no readings refuses nobody", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  assert.equal(gateway.loop.gate, null);
  assert.equal((await post(gateway.url + CHAT, chat())).status, 200);
});

test("what waits for slow clients is counted, and given back when they leave", async () => {
  const readings = new TestReadings();
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD);
    for (let i = 0; i < 300; i++) socket.write(chunk(tokenEvent("x".repeat(60_000))));
  });
  await using gateway = await startGateway(configFor(upstream.url), {}, undefined, readings.read);
  const clients = [rawClient(gateway.port), rawClient(gateway.port)];
  for (const client of clients) {
    client.send(rawPost(CHAT, STREAM));
    await client.until("data: ");
    client.socket.pause();
  }
  await waitUntil(() => gateway.loop.bufferedBytes > 100_000);
  // A slow client that goes on reading gives back what it takes.
  clients[0]!.socket.resume();
  await waitUntil(() => clients[0]!.received.length > 10_000_000);
  for (const client of clients) client.socket.destroy();
  await waitUntil(() => gateway.loop.calls === 0);
  assert.equal(gateway.loop.bufferedBytes, 0);
});
