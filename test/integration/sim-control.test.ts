import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { startSim } from "../../src/sim/server.ts";
import type { Sim } from "../../src/sim/server.ts";
import { monotonicUs } from "../../src/sim/token.ts";

let sim: Sim;

before(async () => {
  sim = await startSim({ ttftMs: 0, gapMs: 1, tokens: 3 });
});

after(() => sim.close());

function chat(prompt: string, stream = true): string {
  return JSON.stringify({ model: "sim", stream, messages: [{ role: "user", content: prompt }] });
}

function ask(prompt: string, stream = true): Promise<Response> {
  return fetch(new URL("/v1/chat/completions", sim.url), { method: "POST", body: chat(prompt, stream) });
}

function rawRequest(body: string): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends `request` over a socket of its own and gives the socket when the first bytes of the answer have come. */
async function open(request: string): Promise<{ socket: Socket; first: string }> {
  const socket = connect(sim.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request);
  const [first] = (await once(socket, "data")) as [Buffer];
  return { socket, first: first.toString("latin1") };
}

/** Polls what has no event of its own here. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadlineMs, "it never came true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const tokenIndexes = (text: string) => [...text.matchAll(/\{(\d+)@\d+\} /g)].map((match) => Number(match[1]));

test("keeps the asked time to first token, gap and count, and never sends early", async () => {
  const startUs = monotonicUs();
  const text = await (await ask("sim:t120:g30:n5")).text();
  const stamps = [...text.matchAll(/@(\d+)\}/g)].map((match) => Number(match[1]));
  assert.equal(stamps.length, 5);
  for (const [index, stamp] of stamps.entries()) assert.ok(stamp - startUs >= 120_000 + index * 30_000 - 1_000);
  const lastUs = stamps[4]! - stamps[0]!;
  assert.ok(lastUs < 2_000_000, `${lastUs} µs for four gaps of 30 ms`);
});

test("holds a whole answer back until its last token would have come", async () => {
  const startMs = performance.now();
  const answer = await (await ask("sim:t50:g10:n11", false)).text();
  assert.ok(performance.now() - startMs >= 149);
  assert.deepEqual(tokenIndexes(answer).length, 11);
});

test("answers the asked error status at once, with retry-after on 429 and 503 only", async () => {
  for (const status of [400, 401, 429, 500, 503, 529]) {
    const response = await ask(`sim:t60000:x${status}`);
    assert.equal(response.status, status);
    assert.equal(response.headers.get("retry-after"), status === 429 || status === 503 ? "1" : null);
    assert.ok(((await response.json()) as { error: object }).error);
  }
});

test("fails the asked share of requests with 500", async () => {
  const broken = await startSim({ ttftMs: 0, errorRate: 1 });
  const response = await fetch(new URL("/v1/messages", broken.url), { method: "POST", body: '{"model":"sim"}' });
  assert.equal(response.status, 500);
  await broken.close();
});

test("pads each token event by the asked bytes", async () => {
  const lengthOf = async (prompt: string) => (await (await ask(prompt)).text()).length;
  assert.equal((await lengthOf("sim:n4:b1000")) - (await lengthOf("sim:n4:b0")), 4_000);
});

test("ends a stream without tokens properly, and one without gaps completely", async () => {
  assert.match(await (await ask("sim:n0")).text(), /"finish_reason":"stop"[^]*\[DONE\]/);
  const indexes = tokenIndexes(await (await ask("sim:g0:n20000")).text());
  assert.deepEqual(
    indexes,
    Array.from({ length: 20_000 }, (_, index) => index),
  );
});

test("refuses to build a whole answer that would not fit in memory", async () => {
  assert.equal((await ask("sim:n100000000", false)).status, 400);
});

test("cuts the connection after the asked tokens, without an end, whole answers without a byte", async () => {
  const { cancelled } = sim.stats();
  for (const tokens of [0, 1, 7, 10]) {
    const socket = connect(sim.port, "127.0.0.1");
    socket.write(rawRequest(chat(`sim:n10:c${tokens}`)));
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    await once(socket, "close");
    assert.equal(tokenIndexes(text).length, tokens);
    assert.doesNotMatch(text, /\[DONE\]|"stop"|\r\n0\r\n/);
  }
  await assert.rejects(ask("sim:c2:n5", false));
  await until(() => sim.stats().openStreams === 0);
  assert.equal(sim.stats().cancelled, cancelled, "a cut is not a hang-up");
});

test("stops a stream the moment its client leaves, and tells when it saw that", async () => {
  const before = sim.stats();
  const { socket } = await open(rawRequest(chat("sim:n100000:g1:i4711")));
  const leftUs = monotonicUs();
  socket.destroy();
  await until(() => sim.stats().cancelled === before.cancelled + 1);
  const { tokensSent, openStreams } = sim.stats();
  assert.equal(openStreams, before.openStreams);

  type Cancels = { cancels: { tag: number | null; atUs: number }[] };
  const { cancels } = (await (await fetch(new URL("/sim/cancels", sim.url))).json()) as Cancels;
  const { atUs } = cancels.find((cancel) => cancel.tag === 4711)!;
  assert.ok(atUs >= leftUs - 1_000 && atUs < leftUs + 5_000_000, `left ${leftUs}, seen ${atUs}`);
  const stats = (await (await fetch(new URL("/sim/stats", sim.url))).json()) as { lastCancelUs: number[] };
  assert.equal(stats.lastCancelUs.at(-1), atUs);
  assert.equal(sim.stats().tokensSent, tokensSent, "tokens were sent to a client that had left");
});

test("counts a client that leaves before the first token, and none that leaves after the last", async () => {
  const before = sim.stats();
  const socket = connect(sim.port, "127.0.0.1");
  socket.write(rawRequest(chat("sim:t60000")));
  await until(() => sim.stats().openStreams === before.openStreams + 1);
  socket.destroy();
  await until(() => sim.stats().cancelled === before.cancelled + 1);
  await (await ask("sim:n2")).text();
  await until(() => sim.stats().openStreams === before.openStreams);
  assert.equal(sim.stats().cancelled, before.cancelled + 1);
});

test("stops writing to a client that does not read, serves the others, and goes on without a gap", async () => {
  const tokens = 1_000;
  const padBytes = 262_144;
  const socket = connect(sim.port, "127.0.0.1");
  socket.pause();
  const sentBefore = sim.stats().tokensSent;
  socket.write(rawRequest(chat(`sim:t0:g0:n${tokens}:b${padBytes}`)));
  let last = -1;
  await until(async () => {
    const before = last;
    last = sim.stats().tokensSent - sentBefore;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return last > 0 && last === before;
  });
  assert.ok(last < tokens / 2, `${last} of ${tokens} tokens of 256 KiB were taken by nobody`);
  assert.deepEqual(tokenIndexes(await (await ask("sim:n3")).text()), [0, 1, 2]);

  let next = 0;
  let tail = "";
  socket.on("data", (bytes: Buffer) => {
    tail += bytes.toString("latin1");
    let end = 0;
    for (const match of tail.matchAll(/\{(\d+)@\d+\} /g)) {
      assert.equal(Number(match[1]), next++);
      end = match.index + match[0].length;
    }
    tail = tail.slice(Math.max(end, tail.length - 64));
  });
  socket.resume();
  await until(() => next === tokens && tail.includes("0\r\n\r\n"));
  socket.destroy();
});

test("keeps the connection usable after a stream, an error and pipelined requests", async () => {
  const pipelined = ["sim:x429", "sim:n2", "sim:n3"].map((prompt) => rawRequest(chat(prompt))).join("");
  const { socket, first } = await open(pipelined);
  let text = first;
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  await until(() => text.split("[DONE]").length === 3);
  assert.deepEqual(tokenIndexes(text), [0, 1, 0, 1, 2]);
  socket.write(rawRequest(chat("sim:n1")));
  await until(() => text.split("[DONE]").length === 4);
  socket.destroy();
});

test("ends the connection after a stream to an HTTP/1.0 client, which knows no chunks", async () => {
  const { socket, first } = await open(rawRequest(chat("sim:n3")).replace("HTTP/1.1", "HTTP/1.0"));
  let text = first;
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  await once(socket, "close");
  assert.doesNotMatch(text, /transfer-encoding/i);
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  assert.match(body, /^(?:data: \{[^\r\n]*\n\n){5}data: \[DONE\]\n\n$/);
});

test("says why it cannot listen, and lets go of everything on close", async () => {
  await assert.rejects(startSim({ port: sim.port }), /EADDRINUSE/);
  const closing = await startSim();
  const body = chat("sim:t0:n100000");
  const response = await fetch(new URL("/v1/chat/completions", closing.url), { method: "POST", body });
  await closing.close();
  await assert.rejects(response.text());
  assert.deepEqual([closing.stats().openSockets, closing.stats().openStreams], [0, 0]);
});
