import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import * as fc from "fast-check";
import { chat, configFor, startGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import { TestReadings } from "../support/readings.ts";
import { recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import {
  DONE_EVENTS,
  LAST_CHUNK,
  STREAM_HEAD,
  chunk,
  startScripted,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const STREAM = chat({ stream: true });
/** So long that nothing which waits for it comes by accident. */
const LONG = "streams: { coalesce: 1s, heartbeat: off }";

interface Open extends AsyncDisposable {
  readonly client: RawClient;
  /** The upstream's side, after the head. */
  readonly socket: Socket;
  readonly gateway: Awaited<ReturnType<typeof startGateway>>;
}

/** A stream that has had its first token event, `a`. */
async function openStream(rest: string, readings?: TestReadings): Promise<Open> {
  const sockets: Socket[] = [];
  const upstream = await startScripted(({ socket }) => void sockets.push(socket.setNoDelay(true)));
  const gateway = await startGateway(configFor(upstream.url, { rest }), {}, undefined, readings?.read);
  const client = rawClient(gateway.port);
  client.send(rawPost(CHAT, STREAM));
  await waitUntil(() => sockets.length === 1);
  const socket = sockets[0]!;
  socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  // Never later than at once, however long the others may wait.
  const beganMs = performance.now();
  await client.until(tokenEvent("a"));
  assert.ok(performance.now() - beganMs < 900);
  return {
    client,
    socket,
    gateway,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Writes each piece in a chunk of its own, far enough apart to be read one by one. */
async function writeApart(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(chunk(piece));
    await sleep(5);
  }
}

/** The chunks in which the body came. */
function chunksOf(received: string): string[] {
  const chunks: string[] = [];
  for (let at = received.indexOf("\r\n\r\n") + 4; at < received.length;) {
    const data = received.indexOf("\r\n", at) + 2;
    const size = Number.parseInt(received.slice(at, data), 16);
    chunks.push(received.slice(data, data + size));
    at = data + size + 2;
  }
  return chunks;
}

const [a, b, c, d] = ["a", "b", "c", "d"].map(tokenEvent) as [string, string, string, string];

test("token events leave together, and at once with the end", async () => {
  await using open = await openStream(LONG);
  await writeApart(open.socket, [b, c, d]);
  assert.ok(!open.client.received.includes(b), "it waits for the others");
  const endedMs = performance.now();
  open.socket.write(chunk(DONE_EVENTS));
  await open.client.until("[DONE]");
  open.socket.write(LAST_CHUNK);
  await open.client.answer();
  assert.ok(performance.now() - endedMs < 900);
  assert.deepEqual(chunksOf(open.client.received), [a, b + c + d + DONE_EVENTS, ""]);
});

test("they leave without the end, too, when they have waited for as long as they may", async () => {
  await using open = await openStream("streams: { coalesce: 100ms, heartbeat: off }");
  const beganMs = performance.now();
  open.socket.write(chunk(b));
  await open.client.until(b);
  assert.ok(performance.now() - beganMs >= 95);
  open.socket.write(chunk(c));
  await open.client.until(c);
  assert.deepEqual(chunksOf(open.client.received), [a, b, c]);
});

test("an error is not kept waiting, and comes behind what was", async () => {
  await using open = await openStream(LONG);
  await writeApart(open.socket, [b, c]);
  const brokenMs = performance.now();
  open.socket.destroy();
  const { body } = await open.client.answer();
  assert.ok(performance.now() - brokenMs < 900);
  assert.ok(body.startsWith(a + b + c) && body.includes("upstream_disconnected"));
  await open.gateway.access((line) => line.outcome === "upstream_cut");
});

test("an error event of the upstream's is not kept waiting either", async () => {
  await using open = await openStream(LONG);
  const error = 'data: {"error":{"message":"overloaded","type":"server_error","code":null}}\n\n';
  await writeApart(open.socket, [b]);
  const failedMs = performance.now();
  open.socket.write(chunk(error));
  await open.client.until(error);
  assert.ok(performance.now() - failedMs < 900);
});

test("a heartbeat takes along what waits", async () => {
  await using open = await openStream("streams: { coalesce: 1s, heartbeat: 100ms }");
  const beganMs = performance.now();
  open.socket.write(chunk(b));
  await open.client.until(`${b}: \n\n`);
  assert.ok(performance.now() - beganMs < 900);
  assert.equal(open.gateway.loop.resources.coalescer.size, 0, "nothing of it waits any more");
});

test("what waits is bounded by the stream's buffer", async () => {
  await using open = await openStream("streams: { coalesce: 1s, heartbeat: off, max_buffer: 1KiB }");
  const events = Array.from({ length: 20 }, (_, i) => tokenEvent(String(i)));
  const beganMs = performance.now();
  await writeApart(open.socket, events);
  await open.client.until(tokenEvent("15"));
  assert.ok(performance.now() - beganMs < 900);
  for (const one of chunksOf(open.client.received)) assert.ok(one.length < 512);
});

test("a client that leaves takes what waits for it along", async () => {
  await using open = await openStream(LONG);
  const { coalescer } = open.gateway.loop.resources;
  open.socket.write(chunk(b));
  await waitUntil(() => coalescer.size === 1);
  assert.ok(open.gateway.loop.bufferedBytes >= b.length);
  open.client.socket.destroy();
  await waitUntil(() => open.gateway.loop.calls === 0);
  assert.equal(coalescer.size, 0);
  assert.equal(open.gateway.loop.bufferedBytes, 0);
});

test("adaptive: at once while all is well, together under pressure, at once again when it ends", async () => {
  const readings = new TestReadings();
  await using open = await openStream("streams: { heartbeat: off }", readings);
  const { gate, resources } = open.gateway.loop;
  assert.equal(resources.coalescer.waitMs, 0);
  readings.set({ sockets: 85 });
  await waitUntil(() => gate!.level === "soft");
  // Connections are short, not time: fewer writes would help nobody.
  if (!gate!.timeIsShort) assert.equal(resources.coalescer.waitMs, 0);
  const busy = setInterval(() => {
    for (const endMs = performance.now() + 30; performance.now() < endMs;);
  }, 1);
  await waitUntil(() => resources.coalescer.waitMs > 0);
  const { waitMs } = resources.coalescer;
  assert.ok(waitMs <= 50);
  const beganMs = performance.now();
  open.socket.write(chunk(b));
  await open.client.until(b);
  assert.ok(performance.now() - beganMs >= waitMs - 2);
  clearInterval(busy);
  readings.set({});
  await waitUntil(() => gate!.level === "normal" && resources.coalescer.waitMs === 0);
  open.socket.write(chunk(c));
  await open.client.until(c);
  open.socket.write(chunk(d));
  await open.client.until(d);
  assert.deepEqual(chunksOf(open.client.received), [a, b, c, d]);
});

test("off: never, whatever the pressure; a reload changes it for streams under way", async () => {
  const readings = new TestReadings();
  await using open = await openStream("streams: { coalesce: off }", readings);
  const { gateway } = open;
  readings.set({ sockets: 85 });
  await waitUntil(() => gateway.loop.gate!.level === "soft");
  assert.equal(gateway.loop.resources.coalescer.waitMs, 0);
  gateway.reload(configFor("http://127.0.0.1:9", { rest: "streams: { coalesce: 300ms }" }));
  assert.equal(gateway.loop.resources.coalescer.waitMs, 300);
  const beganMs = performance.now();
  open.socket.write(chunk(b));
  await open.client.until(b);
  assert.ok(performance.now() - beganMs >= 295);
});

/** Replays `wire` in pieces of `sizes` bytes, some of them apart. @returns the body as the client got it. */
async function replay(port: number, path: string): Promise<Buffer> {
  using client = rawClient(port);
  client.send(rawPost(path, STREAM));
  return Buffer.from((await client.answer()).body, "latin1");
}

test("recorded streams come out byte for byte", { skip: skipRecorded }, async () => {
  const streams = recordedStreams("openai");
  let sent = streams[0]!;
  await using upstream = await startScripted(async ({ socket }) => {
    socket.write(STREAM_HEAD);
    const size = Math.max(100, Math.ceil(sent.wire.length / 12));
    for (let at = 0; at < sent.wire.length; at += size) {
      socket.write(chunk(sent.wire.subarray(at, at + size)));
      await sleep(1);
    }
    socket.write(LAST_CHUNK);
  });
  await using gateway = await startGateway(configFor(upstream.url, { rest: "streams: { coalesce: 4ms }" }));
  for (sent of streams) assert.ok((await replay(gateway.port, sent.path)).equals(sent.wire), sent.name);
});

const piece = fc.record({ size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constant(40_000)), apart: fc.boolean() });

test("whatever comes in whatever pieces, with a client that reads or stops, it is the same bytes in order", async () => {
  let pieces: readonly { size: number; apart: boolean }[] = [];
  let bytes = Buffer.alloc(0);
  await using upstream = await startScripted(async ({ socket }) => {
    socket.setNoDelay(true).write(STREAM_HEAD);
    let at = 0;
    for (const { size, apart } of pieces) {
      if (at < bytes.length) socket.write(chunk(bytes.subarray(at, at + size)));
      at += size;
      if (apart) await sleep(1);
    }
    if (at < bytes.length) socket.write(chunk(bytes.subarray(at)));
    socket.write(LAST_CHUNK);
  });
  const rest = "streams: { coalesce: 3ms, heartbeat: 2ms, max_buffer: 16KiB }";
  await using gateway = await startGateway(configFor(upstream.url, { rest }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.nat(60), fc.boolean(), async (given, events, stops) => {
      pieces = given;
      const text = Array.from({ length: events }, (_, i) => tokenEvent(`${i}${"x".repeat(i % 7 === 0 ? 9000 : 3)}`));
      bytes = Buffer.from(text.join("") + DONE_EVENTS);
      using client = rawClient(gateway.port);
      client.send(rawPost(CHAT, STREAM));
      if (stops) {
        client.socket.pause();
        await sleep(5);
        client.socket.resume();
      }
      const { body } = await client.answer();
      assert.equal(body.replaceAll(": \n\n", ""), bytes.toString("latin1"));
    }),
    { numRuns: 60 },
  );
  await waitUntil(() => gateway.loop.calls === 0);
  assert.equal(gateway.loop.bufferedBytes, 0);
  assert.equal(gateway.loop.resources.coalescer.size, 0);
});
