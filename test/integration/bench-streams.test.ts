import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { Meter } from "../../src/bench/meter.ts";
import { waitUntil } from "../../src/bench/ramp.ts";
import { RequestClient } from "../../src/bench/request-client.ts";
import { StreamClient } from "../../src/bench/stream-client.ts";
import type { Target } from "../../src/bench/target.ts";
import { monotonicUs, tokenText } from "../../src/sim/token.ts";

const TIMEOUT_MS = 10_000;
const never = new AbortController().signal;

async function withServer(listener: RequestListener, use: (target: Target) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await use({ host: "127.0.0.1", port, basePath: "", model: "sim" });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

const events = (indices: readonly number[]): string =>
  indices.map((index) => `data: {"choices":[{"delta":{"content":"${tokenText(index, monotonicUs())}"}}]}\n\n`).join("");

const DONE = "data: [DONE]\n\n";

/** Opens one stream of four tokens at a server that answers as `listener` does, and waits for its end. */
async function streamFrom(
  listener: RequestListener,
  hangUpAfter = Number.POSITIVE_INFINITY,
): Promise<{ stream: StreamClient; meter: Meter }> {
  const meter = new Meter();
  let stream: StreamClient | undefined;
  await withServer(listener, async (target) => {
    stream = new StreamClient({ target, meter, order: { ttftMs: 0, gapMs: 1, tokens: 4 }, hangUpAfter });
    assert.ok(await waitUntil(() => meter.ended === 1, TIMEOUT_MS, never));
  });
  return { stream: stream!, meter };
}

const answering =
  (...pieces: readonly string[]): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) response.write(piece);
    response.end();
  };

test("calls a stream complete that brings every token once and in order, the end mark and the last chunk", async () => {
  const { stream, meter } = await streamFrom(answering(events([0, 1]), events([2, 3]) + DONE));
  assert.equal(stream.outcome, "complete");
  assert.deepEqual(meter.faults, { lost: 0, duplicated: 0, reordered: 0 });
  assert.equal(meter.tokens, 4);
  assert.equal(meter.ttft.count, 1);
  assert.equal(meter.peakOpen, 1);
  assert.equal(meter.open, 0);
});

test("notices a lost, a duplicated and a reordered token", async () => {
  const lost = await streamFrom(answering(events([0, 2, 3]) + DONE));
  assert.deepEqual(lost.meter.faults, { lost: 1, duplicated: 0, reordered: 0 });
  const duplicated = await streamFrom(answering(events([0, 1, 1, 2, 3]) + DONE));
  assert.deepEqual(duplicated.meter.faults, { lost: 0, duplicated: 1, reordered: 0 });
  const reordered = await streamFrom(answering(events([0, 2, 1, 3]) + DONE));
  assert.deepEqual(reordered.meter.faults, { lost: 0, duplicated: 0, reordered: 1 });
});

test("calls a stream cut that ends cleanly without its end mark, or with tokens missing", async () => {
  const unmarked = await streamFrom(answering(events([0, 1, 2, 3])));
  assert.equal(unmarked.stream.outcome, "cut");
  const short = await streamFrom(answering(events([0, 1]) + DONE));
  assert.equal(short.stream.outcome, "cut");
  assert.equal(short.meter.faults.lost, 2);
});

test("calls a stream cut whose connection ends before the last chunk, and counts its missing tokens as lost", async () => {
  const { stream, meter } = await streamFrom((_request, response) => {
    response.writeHead(200);
    response.write(events([0, 1, 2, 3]) + DONE, () => response.destroy());
  });
  assert.equal(stream.outcome, "cut");
  const early = await streamFrom((_request, response) => {
    response.writeHead(200);
    response.write(events([0]), () => response.destroy());
  });
  assert.equal(early.stream.outcome, "cut");
  assert.equal(early.meter.faults.lost, 3);
  assert.equal(meter.open, 0);
});

test("calls a stream cut when bytes follow its end", async () => {
  const { stream, meter } = await streamFrom((request) => {
    const body = events([0, 1, 2, 3]) + DONE;
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    request.socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}HTTP/1.1 200 OK\r\n`);
  });
  assert.equal(stream.outcome, "cut");
  assert.deepEqual(meter.outcomes, { complete: 0, refused: 0, unreachable: 0, cut: 1, stopped: 0 });
});

test("tells a refusal and a missing server from a cut stream", async () => {
  const refused = await streamFrom((_request, response) => void response.writeHead(429).end("{}"));
  assert.equal(refused.stream.outcome, "refused");
  assert.deepEqual([...refused.meter.causes], [["status 429", 1]]);

  let gone: Target | undefined;
  await withServer(answering(), async (target) => void (gone = target));
  const meter = new Meter();
  const stream = new StreamClient({ target: gone!, meter, order: { ttftMs: 0, gapMs: 1, tokens: 4 } });
  assert.ok(await waitUntil(() => meter.ended === 1, TIMEOUT_MS, never));
  assert.equal(stream.outcome, "unreachable");
});

test("hangs up after as many tokens as told, without calling it a fault", async () => {
  let clientLeft: Promise<unknown> | undefined;
  const { stream, meter } = await streamFrom((_request, response) => {
    response.writeHead(200);
    response.write(events([0, 1, 2]));
    clientLeft = once(response, "close");
  }, 2);
  assert.ok(stream.hungUpUs > 0);
  assert.equal(stream.outcome, "stopped");
  assert.deepEqual(meter.faults, { lost: 0, duplicated: 0, reordered: 0 });
  await clientLeft;
});

test("reads nothing where it is to be frozen", async () => {
  const meter = new Meter();
  let blocked = false;
  const listener: RequestListener = (_request, response) => {
    response.writeHead(200);
    // What the kernel takes for a socket that is not read is far less than what is offered here.
    response.write(Buffer.alloc(64 * 1024 * 1024, "."));
    setTimeout(() => (blocked = response.socket!.writableLength > 0), 300);
  };
  await withServer(listener, async (target) => {
    const stream = new StreamClient({ target, meter, order: { ttftMs: 0, gapMs: 1, tokens: 4 }, frozen: true });
    assert.ok(await waitUntil(() => blocked, TIMEOUT_MS, never));
    assert.equal(meter.open, 0);
    stream.stop();
  });
  assert.equal(meter.outcomes.stopped, 1);
});

test("sends one request after the other over one connection, and checks each answer", async () => {
  const meter = new Meter();
  const connections = new Set<Socket>();
  let served = 0;
  const listener: RequestListener = (request, response) => {
    request.resume();
    connections.add(request.socket);
    served++;
    // The third answer lacks a token.
    const indices = served === 3 ? [0] : [0, 1];
    response.end(JSON.stringify({ content: indices.map((index) => tokenText(index, 1)).join("") }));
  };
  await withServer(listener, async (target) => {
    const client = new RequestClient({
      target,
      meter,
      order: { ttftMs: 0, gapMs: 0, tokens: 2 },
      onAnswered: (answered) => answered.send(),
    });
    assert.ok(await waitUntil(() => meter.answers >= 5, TIMEOUT_MS, never));
    client.stop();
  });
  assert.equal(connections.size, 1);
  assert.equal(meter.faults.lost, 1);
  assert.equal(meter.outcomes.stopped, 1);
  assert.equal(meter.open, 0);
});
