import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { ChunkOwner, ChunkSink } from "../../../src/observe/chunk-sink.ts";
import { LogGatherer } from "../../../src/observe/log-gatherer.ts";

const NEVER_MS = 60_000;
const LOST = /^\{"level":"warn","time":\d+,"lines":(\d+),"msg":"log lines were lost/;

/** Keeps what it gets until the test says that it is written. */
class HeldSink implements ChunkSink {
  readonly held: { lines: Uint8Array<ArrayBuffer>; owner: ChunkOwner }[] = [];
  readonly chunks: string[] = [];
  memoryBytes = 0;
  mostMemoryBytes = 0;
  onPut: (() => void) | null = null;

  get text(): string {
    return this.chunks.join("");
  }

  put(lines: Uint8Array<ArrayBuffer>, owner: ChunkOwner): void {
    this.chunks.push(Buffer.from(lines).toString());
    this.held.push({ lines, owner });
    this.memoryBytes += lines.buffer.byteLength;
    this.mostMemoryBytes = Math.max(this.mostMemoryBytes, this.memoryBytes);
    this.onPut?.();
  }

  /** The first of them is written. */
  release(): boolean {
    const first = this.held.shift();
    if (first === undefined) return false;
    this.memoryBytes -= first.lines.buffer.byteLength;
    first.owner.reclaim(first.lines.buffer);
    return true;
  }
}

test("any lines leave whole and in order, whatever they hold and whenever they are written", () => {
  const unit = fc.constantFrom("x", "é", "漢", "\u{1f600}");
  const step = fc.oneof(
    { weight: 10, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
    { weight: 2, arbitrary: fc.tuple(unit, fc.nat(120_000)).map(([unit, count]) => unit.repeat(count)) },
    { weight: 4, arbitrary: fc.constantFrom("written" as const, "due" as const).map((event) => ({ event })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const sink = new HeldSink();
      const output = new LogGatherer(sink, NEVER_MS);
      let written = "";
      for (const step of steps) {
        if (typeof step === "object") {
          if (step.event === "written") sink.release();
          else output.handOver();
        } else {
          output.write(`${step}\n`);
          written += `${step}\n`;
        }
      }
      output.handOver();
      assert.equal(sink.text, Buffer.from(written).toString());
      for (const chunk of sink.chunks) assert.ok(chunk.endsWith("\n"));
    }),
    { numRuns: 60 },
  );
});

test("a line that comes alone leaves by itself, once", async () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, 1);
  const put = new Promise<void>((resolve) => (sink.onPut = resolve));
  const awake = setTimeout(() => {}, NEVER_MS);
  output.write("alone\n");
  assert.deepEqual(sink.chunks, []);
  await put;
  clearTimeout(awake);
  assert.deepEqual(sink.chunks, ["alone\n"]);
});

test("memory goes round: a long log takes no more of it than a short one", () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  const seen = new Set<ArrayBuffer>();
  for (let n = 0; n < 20_000; n++) {
    output.write(`${n} ${"x".repeat(400)}\n`);
    const first = sink.held[0];
    if (first !== undefined) seen.add(first.lines.buffer);
    sink.release();
  }
  assert.ok(sink.chunks.length > 20);
  // One is filled while the other is written.
  assert.equal(seen.size, 2);
});

test("a sink that is behind gets full chunks alone, and what is due as soon as it has caught up", async () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, 1);
  output.write("first\n");
  output.handOver();
  // Its time runs out while the first is not written.
  output.write("second\n");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(sink.chunks, ["first\n"]);
  sink.release();
  assert.deepEqual(sink.chunks, ["first\n", "second\n"]);
});

test("what waits is bounded by 8 MiB of memory; the number of lines lost stands where they are missing", () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  const fill = "x".repeat(400);
  for (let n = 0; n < 50_000; n++) output.write(`${n} ${fill}\n`);
  assert.ok(sink.mostMemoryBytes <= 8 * 1024 * 1024);
  while (sink.release());
  for (let n = 50_000; n < 50_010; n++) output.write(`${n} ${fill}\n`);
  output.handOver();
  const lines = sink.text.split("\n").slice(0, -1);
  const report = lines.findIndex((line) => LOST.test(line));
  const lost = Number(LOST.exec(lines[report]!)![1]);
  assert.ok(lost > 10_000);
  // Each line is its own number until the report, and from there on its number less the lost.
  for (const [i, line] of lines.entries()) {
    if (i !== report) assert.ok(line.startsWith(`${i < report ? i : i - 1 + lost} `), line.slice(0, 50));
  }
  assert.equal(lines.length, 50_010 - lost + 1);
});

test("lines lost are said even if no other line ever comes", () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  for (let n = 0; n < 30_000; n++) output.write(`${"x".repeat(400)}\n`);
  while (sink.release());
  output.handOver();
  assert.match(sink.chunks.at(-1)!, LOST);
});

test("a line longer than what may wait is lost and counted, the next is not", async () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  output.write(`${"x".repeat(9 * 1024 * 1024)}\n`);
  output.write("next\n");
  const flushed = output.flush();
  while (sink.release());
  await flushed;
  const [report, next] = sink.text.split("\n");
  assert.equal(LOST.exec(report!)![1], "1");
  assert.equal(next, "next");
});

test("flush waits for what waits and for what comes meanwhile, and for nothing when there is nothing", async () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  await output.flush();
  output.write("one\n");
  let done = false;
  const flushed = Promise.all([output.flush(), output.flush()]).then(() => (done = true));
  output.write("two\n");
  sink.release();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, false);
  sink.release();
  await flushed;
  assert.equal(sink.text, "one\ntwo\n");
});

test("flush ends after a second when nobody writes", async () => {
  const sink = new HeldSink();
  const output = new LogGatherer(sink, NEVER_MS);
  output.write("one\n");
  const startedMs = performance.now();
  await output.flush();
  assert.ok(performance.now() - startedMs >= 990);
});
