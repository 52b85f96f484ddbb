import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { MessageChannel, Worker } from "node:worker_threads";
import { GatheredOutput } from "../../../src/observe/gathered-output.ts";
import { LogGatherer } from "../../../src/observe/log-gatherer.ts";
import { PortSink } from "../../../src/observe/port-sink.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { ClosedPipe } from "./closed-pipe.ts";
import type { LogThreadData } from "./log-thread.ts";
import { UnreadPipe } from "./unread-pipe.ts";

/** Longer than any test. */
const NEVER_MS = 60_000;

/** A log that can be read back. */
class LogFile implements Disposable {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), "headwaiter-log-"));
  readonly fd = fs.openSync(path.join(this.#folder, "log"), "w");

  /** Those that are whole. */
  lines(): string[] {
    return fs.readFileSync(path.join(this.#folder, "log"), "utf8").split("\n").slice(0, -1);
  }

  /** Its lines, when there are so many. */
  async untilThere(count: number): Promise<string[]> {
    await waitUntil(() => this.lines().length >= count);
    return this.lines();
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.fd);
    fs.rmSync(this.#folder, { recursive: true });
  }
}

function startThread(
  output: GatheredOutput,
  data: Omit<LogThreadData, "port" | "intervalMs">,
  intervalMs = NEVER_MS,
): Worker {
  const { port1, port2 } = new MessageChannel();
  output.receive(port1);
  const workerData: LogThreadData = { ...data, port: port2, intervalMs };
  return new Worker(new URL("log-thread.ts", import.meta.url), { workerData, transferList: [port2] });
}

/** Thread → its lines' numbers; throws where a line is not one. */
function numbersOf(lines: readonly string[]): Map<number, number[]> {
  const numbers = new Map<number, number[]>();
  for (const line of lines) {
    const { thread, n } = JSON.parse(line) as { thread: number; n: number };
    numbers.set(thread, [...(numbers.get(thread) ?? []), n]);
  }
  return numbers;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

test("lines of several threads are all there, each whole, in the order of its thread", async () => {
  using file = new LogFile();
  const output = new GatheredOutput(file.fd);
  const threads = [1, 2, 3].map((thread) => startThread(output, { thread, lines: 3000, end: "flush" }));
  const ended = Promise.all(threads.map((thread) => once(thread, "exit")));
  for (let n = 0; n < 3000; n++) {
    output.write(`${JSON.stringify({ thread: 0, n })}\n`);
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  void output.flush();
  const numbers = numbersOf(await file.untilThere(4 * 3000));
  for (const thread of [0, 1, 2, 3]) assert.deepEqual(numbers.get(thread), upTo(3000), `thread ${thread}`);
});

test("a thread that dies of an error leaves all its lines, and the log goes on", async () => {
  using file = new LogFile();
  const output = new GatheredOutput(file.fd);
  const thread = startThread(output, { thread: 1, lines: 2000, end: "die" });
  const exited = new Promise((resolve) => thread.once("exit", resolve));
  const [error] = (await once(thread, "error")) as [Error];
  assert.equal(error.message, "as the test wants it");
  await exited;
  output.write(`${JSON.stringify({ thread: 0, n: 0 })}\n`);
  void output.flush();
  const numbers = numbersOf(await file.untilThere(2001));
  assert.deepEqual(numbers.get(1), upTo(2000));
  assert.deepEqual(numbers.get(0), [0]);
});

test("a thread that is ended from outside leaves what it had handed over", async () => {
  using file = new LogFile();
  const output = new GatheredOutput(file.fd);
  const thread = startThread(output, { thread: 1, lines: 2000, end: "hang" });
  await once(thread, "message");
  await thread.terminate();
  void output.flush();
  assert.deepEqual(numbersOf(await file.untilThere(2000)).get(1), upTo(2000));
});

test("a reader that does not read bounds each thread on its own; lines lost are counted, none is torn", async () => {
  await using pipe = new UnreadPipe();
  const output = new GatheredOutput(pipe.fd);
  const total = 25_000;
  const threads = [1, 2].map((thread) => startThread(output, { thread, lines: total, end: "hang" }, 10));
  await Promise.all(threads.map((thread) => once(thread, "message")));
  let lost = 0;
  let written = 0;
  await pipe.lines((line) => {
    const record = JSON.parse(line) as { readonly n?: number; readonly lines?: number };
    if (record.n === undefined) lost += record.lines!;
    else written++;
    return lost + written === 2 * total;
  });
  assert.ok(lost > 0 && written > 2 * 10_000, `${lost} lost`);
  await Promise.all(threads.map((thread) => thread.terminate()));
});

test("a reader that has gone ends neither the threads nor their flush", async () => {
  using pipe = new ClosedPipe();
  const output = new GatheredOutput(pipe.fd);
  const thread = startThread(output, { thread: 1, lines: 30_000, end: "flush" });
  const [code] = (await once(thread, "exit")) as [number];
  assert.equal(code, 0);
  await output.flush();
});

test("memory crosses and comes back: a chunk is lent, not copied", async () => {
  using file = new LogFile();
  const output = new GatheredOutput(file.fd);
  const { port1, port2 } = new MessageChannel();
  output.receive(port1);
  const sink = new PortSink(port2);
  const memory = new ArrayBuffer(4096);
  const lines = new Uint8Array(memory, 0, 4);
  lines.set(Buffer.from("abc\n"));
  const awake = setTimeout(() => {}, NEVER_MS);
  const back = new Promise<ArrayBuffer>((resolve) => sink.put(lines, { reclaim: resolve }));
  assert.ok(memory.detached);
  assert.equal((await back).byteLength, 4096);
  clearTimeout(awake);
  assert.deepEqual(file.lines(), ["abc"]);
  port1.close();
});

test("a port that closes is no fault on either side", async () => {
  using file = new LogFile();
  const output = new GatheredOutput(file.fd);
  const { port1, port2 } = new MessageChannel();
  output.receive(port1);
  const gatherer = new LogGatherer(new PortSink(port2), NEVER_MS);
  gatherer.write("before\n");
  gatherer.handOver();
  const closed = once(port1, "close");
  port2.close();
  await closed;
  gatherer.write("after\n");
  gatherer.handOver();
  output.write("main\n");
  await output.flush();
  assert.deepEqual(file.lines(), ["before", "main"]);
});
