/** Real threads that block themselves. Beats and samples are late on a busy machine, so what is promised is what, not when. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Watchdog } from "../../../src/supervisor/watchdog.ts";
import type { BlockReport } from "../../../src/supervisor/watchdog.ts";
import { BlockingLoop } from "../../support/blocking-loop.ts";
import type { Task } from "../../support/blocking-loop.ts";
import { waitUntil } from "../../support/wait-until.ts";

const FILE = "test/support/blocking-loop.ts";
/** For a report that must not come: more than a report of a block that is over takes. */
const SILENCE_MS = 300;

class Watched {
  readonly reports: BlockReport[] = [];
  readonly watchdog = new Watchdog({ onBlocked: (report) => this.reports.push(report) });
  readonly loops: readonly BlockingLoop[];

  constructor(loops: readonly BlockingLoop[]) {
    this.loops = loops;
  }

  get loop(): BlockingLoop {
    return this.loops[0]!;
  }

  /**
   * Blocks the first loop until one report of it is as expected: a watchdog that gets no core meanwhile learns of a block only
   * when it is over, or can't tell it from a suspended machine.
   */
  async blockUntil(task: Task, amount: number, isExpected: (report: BlockReport) => boolean): Promise<void> {
    for (let tries = 0; tries < 5 && !this.reports.some(isExpected); tries++) {
      this.reports.length = 0;
      await this.loop.block(task, amount);
      await delay(SILENCE_MS);
    }
    assert.ok(this.reports.some(isExpected), JSON.stringify(this.reports));
  }
}

function names(report: BlockReport, name: string): boolean {
  return report.stack?.some((frame) => frame.function === name && frame.file === FILE) === true;
}

async function watched(t: TestContext, names = ["loop 1"], parseObjects = 0): Promise<Watched> {
  const loops = await Promise.all(names.map((name) => BlockingLoop.start(name, parseObjects)));
  const all = new Watched(loops);
  t.after(async () => {
    all.watchdog.close();
    await Promise.all(loops.map(({ worker }) => worker.terminate()));
  });
  await Promise.all(loops.map((loop) => all.watchdog.watch(loop)));
  return all;
}

test("names the function and the file that held a loop up for 120 ms, each time and once each time", async (t) => {
  const { loop, reports } = await watched(t);
  for (let round = 1; round <= 3; round++) {
    // A watchdog that gets no core meanwhile can't tell it from a suspended machine, and says nothing.
    for (let tries = 0; tries < 10 && reports.length < round; tries++) {
      await loop.block("spin", 120);
      await delay(SILENCE_MS);
    }
    const { stack, blockedMs, isOver, ...rest } = reports[round - 1]!;
    const frame = stack?.find((frame) => frame.function === "spinFor");
    assert.deepEqual({ file: frame?.file, isOver, loop: rest.loop }, { file: FILE, isOver: true, loop: "loop 1" });
    assert.ok(frame!.line > 1);
    assert.ok(blockedMs > 50, `${blockedMs}`);
    assert.equal(reports.length, round);
  }
});

test("names the caller of a backtracking regular expression", async (t) => {
  const all = await watched(t);
  await all.blockUntil("backtrack", 24, (report) => names(report, "backtrackOver"));
});

test("names the caller of a builtin that nothing can interrupt, and what the loop noted before it", async (t) => {
  const all = await watched(t, ["loop 1"], 800_000);
  await all.blockUntil("parse", 0, (report) => names(report, "parseText") && report.doing === "parse");
});

test("names what a loop waits for without using the processor", async (t) => {
  const all = await watched(t);
  await all.blockUntil("wait", 400, (report) => names(report, "waitFor"));
});

test("falls back to what the loop noted where there is no profiler", async (t) => {
  await using loop = await BlockingLoop.start("loop 1");
  const all = new Watched([loop]);
  t.after(() => all.watchdog.close());
  await all.watchdog.watch({
    name: "loop 1",
    lastBeatMs: () => loop.lastBeatMs(),
    heldMs: () => loop.heldMs(),
    doing: () => loop.doing(),
    startCpuProfile: () => Promise.reject(new Error("not here")),
  });
  await all.blockUntil("spin", 300, ({ stack, doing }) => stack === null && doing === "spin");
});

test("reports a loop that does not come back once, while it is still blocked", async (t) => {
  const all = await watched(t);
  all.loop.order("spin", 60_000);
  await waitUntil(() => all.reports.length > 0, "reported");
  assert.ok(names(all.reports[0]!, "spinFor"), JSON.stringify(all.reports));
  const [{ isOver, blockedMs, doing }] = all.reports as [BlockReport];
  assert.deepEqual([isOver, doing], [false, "spin"]);
  assert.ok(blockedMs >= 2000, `${blockedMs}`);
  await delay(SILENCE_MS);
  assert.equal(all.reports.length, 1);
});

test("reports each of two loops that are blocked at once", async (t) => {
  const { loops, reports } = await watched(t, ["loop 1", "loop 2"]);
  const isNamed = (loop: string, name: string): boolean =>
    reports.length === 2 && reports.some((report) => report.loop === loop && names(report, name));
  const areNamed = (): boolean => isNamed("loop 1", "spinFor") && isNamed("loop 2", "waitFor");
  for (let tries = 0; tries < 5 && !areNamed(); tries++) {
    reports.length = 0;
    await Promise.all([loops[0]!.block("spin", 500), loops[1]!.block("wait", 500)]);
    await delay(SILENCE_MS);
  }
  assert.ok(areNamed(), JSON.stringify(reports));
});

test("says nothing, and rejects nothing, of a loop that is ended while it is blocked", async (t) => {
  const { loop, loops, reports, watchdog } = await watched(t, ["loop 1", "loop 2"]);
  const other = loops[1]!;
  loop.order("spin", 60_000);
  other.order("spin", 60_000);
  await waitUntil(() => loop.doing() === "spin" && other.doing() === "spin");
  // One is ended before the watchdog knows of the block, one while its profile is being fetched, and nobody unwatches it.
  await loop.worker.terminate();
  watchdog.unwatch(loop);
  await waitUntil(() => reports.length > 0);
  await other.worker.terminate();
  await delay(SILENCE_MS);
  assert.deepEqual(
    reports.map(({ loop }) => loop),
    ["loop 2"],
  );
});

describe("a loop that nothing blocks", { concurrency: true }, () => {
  test("says nothing of a loop that waits for events", async (t) => {
    const { reports } = await watched(t);
    await delay(1000);
    assert.deepEqual(reports, []);
  });

  test("says nothing of a loop that is ended and still watched", async (t) => {
    const { loop, reports } = await watched(t);
    await loop.worker.terminate();
    await delay(2500);
    assert.deepEqual(reports, []);
  });

  test("says nothing of a loop that has not begun to beat, nor of one that can't be profiled because it has ended", async (t) => {
    const reports: BlockReport[] = [];
    const watchdog = new Watchdog({ blockedAfterMs: 20, onBlocked: (report) => reports.push(report) });
    t.after(() => watchdog.close());
    const startCpuProfile = (): Promise<never> => Promise.reject(new Error("ended"));
    await watchdog.watch({ name: "loop 1", lastBeatMs: () => 0, heldMs: () => 0, doing: () => null, startCpuProfile });
    await delay(SILENCE_MS);
    assert.deepEqual(reports, []);
  });

  test(
    "says nothing when the whole process was suspended, and does not keep it alive",
    { timeout: 20_000 },
    async (t) => {
      const script = fileURLToPath(new URL("../../support/watched-process.ts", import.meta.url));
      const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
      t.after(() => child.kill("SIGKILL"));
      const lines: string[] = [];
      const output = createInterface(child.stdout).on("line", (line) => lines.push(line));
      await once(output, "line");
      for (let round = 0; round < 2; round++) {
        child.kill("SIGSTOP");
        await delay(400);
        child.kill("SIGCONT");
        await delay(SILENCE_MS);
      }
      assert.deepEqual(lines, ["watching"]);
      // It would have said.
      child.stdin.write("spin\n");
      const [report] = (await once(output, "line")) as [string];
      assert.match(report, /"spinFor"/);
      const exited = once(child, "exit");
      child.stdin.end();
      assert.deepEqual(await exited, [0, null]);
    },
  );
});
