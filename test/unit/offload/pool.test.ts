import assert from "node:assert/strict";
import { test } from "node:test";
import { waitUntil } from "../../support/wait-until.ts";
import { TestPool } from "./test-pool.ts";

test("a thread is started with the first task, and serves those that follow", async () => {
  await using pool = new TestPool();
  assert.equal(pool.pool.threads, 0);
  const first = await pool.run("echo", { text: "a" });
  const second = await pool.run("echo", { text: "b" });
  assert.deepEqual([first.text, second.text], ["a", "b"]);
  assert.equal(first.thread, second.thread);
  assert.equal(pool.pool.threads, 1);
});

test("several threads work at the same time, no more than were asked for", async () => {
  await using pool = new TestPool({ threads: 2 });
  const ends = await Promise.all([1, 2, 3, 4].map(() => pool.run("spin", { ms: 30 })));
  assert.equal(new Set(ends.map(({ thread }) => thread)).size, 2);
  assert.equal(pool.pool.threads, 2);
});

test("bytes with memory of their own are moved there and back, not copied", async () => {
  await using pool = new TestPool();
  const bytes = Buffer.allocUnsafeSlow(300_000).fill("x");
  const { buffer } = bytes;
  const echoed = await pool.run("echo", { bytes });
  assert.equal(buffer.detached, true);
  assert.equal(bytes.length, 0);
  assert.equal(Buffer.from(echoed.bytes!).equals(Buffer.alloc(300_000, "x")), true);
});

test("bytes within larger memory arrive as they were", async () => {
  await using pool = new TestPool();
  const whole = Buffer.allocUnsafeSlow(4000).fill("ab");
  const echoed = await pool.run("echo", { bytes: whole.subarray(1, 2001) });
  assert.equal(Buffer.from(echoed.bytes!).toString(), "ba".repeat(1000));
});

test("a slice of the pool that node shares between small buffers is copied, and its neighbours live", async () => {
  await using pool = new TestPool();
  const bytes = Buffer.from("small");
  const neighbour = Buffer.from("neighbour");
  assert.equal(Buffer.from((await pool.run("echo", { bytes })).bytes!).toString(), "small");
  assert.deepEqual([bytes.toString(), neighbour.toString()], ["small", "neighbour"]);
});

test("so is a large part of that pool", async () => {
  await using pool = new TestPool();
  const bytes = Buffer.from("x".repeat(30_000));
  assert.ok(bytes.length < bytes.buffer.byteLength && bytes.length * 4 > bytes.buffer.byteLength);
  assert.equal((await pool.run("echo", { bytes })).bytes!.length, 30_000);
  assert.equal(bytes.toString(), "x".repeat(30_000));
});

test("a full queue refuses with a value, and leaves the input as it was", async () => {
  await using pool = new TestPool({ maxQueuedTasks: 1 });
  const running = pool.start("spin", { ms: 50 });
  const waiting = pool.start("echo", { text: "waits" });
  const bytes = Buffer.allocUnsafeSlow(1000);
  assert.equal(pool.pool.hasRoom(1), false);
  assert.equal(pool.start("echo", { bytes }).ticket, undefined);
  assert.equal(bytes.length, 1000);
  await Promise.all([running.end, waiting.end]);
  assert.equal(pool.pool.hasRoom(1), true);
  assert.deepEqual(pool.results, ["refused", "ok", "ok"]);
});

test("tasks hold no more bytes than allowed, but a single larger one is taken", async () => {
  await using pool = new TestPool({ maxHeldBytes: 100 });
  const large = pool.start("spin", { ms: 20 }, { sizeBytes: 1000 });
  assert.notEqual(large.ticket, undefined);
  assert.equal(pool.start("echo", {}, { sizeBytes: 1 }).ticket, undefined);
  await large.end;
  const small = pool.start("spin", { ms: 20 }, { sizeBytes: 60 });
  assert.equal(pool.start("echo", {}, { sizeBytes: 41 }).ticket, undefined);
  assert.notEqual(pool.start("echo", {}, { sizeBytes: 40 }).ticket, undefined);
  await small.end;
});

test("a task past its deadline fails, its thread is ended, and another serves the next", async () => {
  await using pool = new TestPool();
  const { thread } = await pool.run("echo", {});
  assert.equal(await pool.failure("spin", { ms: 60_000 }, { deadlineMs: 30 }), "late");
  assert.notEqual((await pool.run("echo", {})).thread, thread);
  assert.deepEqual(pool.gauges, { queued: 0, running: 0 });
});

test("a deadline counts in the queue", async () => {
  await using pool = new TestPool();
  await pool.run("echo", {});
  const running = pool.start("spin", { ms: 100 });
  assert.equal(await pool.failure("echo", {}, { deadlineMs: 20 }), "late");
  assert.ok("output" in (await running.end));
  assert.equal(pool.pool.threads, 1);
});

test("a task that is cancelled in the queue is never begun", async () => {
  await using pool = new TestPool();
  const running = pool.start("spin", { ms: 30 });
  const fatal = pool.start("exit", undefined);
  fatal.ticket!.cancel();
  fatal.ticket!.cancel();
  assert.equal(pool.pool.queued, 0);
  const after = await pool.run("echo", {});
  const end = await running.end;
  assert.ok("output" in end && end.output.thread === after.thread);
  assert.deepEqual(pool.results, ["cancelled", "ok", "ok"]);
});

test("a task that is cancelled under way is forgotten, and its thread goes on", async () => {
  await using pool = new TestPool();
  let told = false;
  const ticket = pool.pool.submit({
    task: "spin",
    input: { ms: 30 },
    sizeBytes: 1,
    deadlineMs: 10_000,
    onOutput: () => void (told = true),
    onFailure: () => void (told = true),
  });
  assert.equal(pool.gauges.running, 1);
  ticket!.cancel();
  await pool.run("echo", {});
  assert.equal(told, false);
  assert.equal(pool.pool.threads, 1);
  assert.deepEqual(pool.results, ["cancelled", "ok"]);
});

test("a task that is cancelled under way and does not end is ended at its deadline", async () => {
  await using pool = new TestPool();
  pool.start("spin", { ms: 60_000 }, { deadlineMs: 50 }).ticket!.cancel();
  assert.equal((await pool.run("echo", { text: "next" })).text, "next");
});

for (const [what, task] of [
  ["exits", "exit"],
  ["throws where nobody catches", "stray"],
  ["runs out of memory", "hoard"],
] as const) {
  test(`a thread that ${what} fails its own task alone, and another takes its place`, async () => {
    await using pool = new TestPool({ maxHeapBytes: 32 * 1024 * 1024 });
    const crash = pool.failure(task, undefined);
    const next = pool.run("echo", { text: "next" });
    assert.equal(await crash, "crashed");
    assert.equal((await next).text, "next");
    assert.deepEqual(pool.gauges, { queued: 0, running: 0 });
  });
}

test("a task that throws fails; its thread is kept", async () => {
  await using pool = new TestPool();
  const { thread } = await pool.run("echo", {});
  const end = await pool.start("throw", undefined).end;
  assert.ok("kind" in end && end.kind === "failed" && /as asked[^]*faulty-thread/.test(end.cause));
  assert.equal((await pool.run("echo", {})).thread, thread);
});

test("what can't be sent fails its task alone, either way", async () => {
  await using pool = new TestPool();
  const echo = { text: (() => 1) as unknown as string };
  assert.equal(await pool.failure("echo", echo), "failed");
  assert.equal(await pool.failure("unsendable", undefined), "failed");
  assert.equal((await pool.run("echo", { text: "next" })).text, "next");
});

test("a thread is replaced after so many tasks", async () => {
  await using pool = new TestPool({ recycleTasks: 2 });
  const threads: number[] = [];
  for (let i = 0; i < 6; i++) threads.push((await pool.run("echo", {})).thread);
  assert.deepEqual(new Set(threads).size, 3);
});

test("a thread that holds too much is replaced", async () => {
  await using pool = new TestPool({ recycleBytes: 64 * 1024 * 1024 });
  const { thread } = await pool.run("hold", { sizeBytes: 1024 });
  assert.equal((await pool.run("hold", { sizeBytes: 80 * 1024 * 1024 })).thread, thread);
  assert.notEqual((await pool.run("echo", {})).thread, thread);
});

test("a thread without work ends after a while", async () => {
  await using pool = new TestPool({ idleMs: 20 });
  await pool.run("echo", {});
  assert.equal(pool.pool.threads, 1);
  await waitUntil(() => pool.pool.threads === 0);
  assert.equal(pool.wheel.size, 0);
  assert.equal((await pool.run("echo", { text: "again" })).text, "again");
});

test("closing fails what waits and what is under way, and takes nothing more", async () => {
  const pool = new TestPool();
  const running = pool.start("spin", { ms: 60_000 });
  const waiting = pool.start("echo", {});
  await pool[Symbol.asyncDispose]();
  assert.deepEqual([await running.end, await waiting.end], [{ kind: "closed" }, { kind: "closed" }]);
  assert.equal(pool.start("echo", {}).ticket, undefined);
  assert.deepEqual([pool.gauges, pool.wheel.size], [{ queued: 0, running: 0 }, 0]);
});
