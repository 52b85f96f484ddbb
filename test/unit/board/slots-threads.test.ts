/** Slots over several real threads: what they promise whatever the threads do, and however they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { Board } from "../../../src/board/board.ts";
import { takeSlot } from "../../../src/board/slots.ts";
import type { BoardRow } from "../../../src/board/row.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { SlotRacerData } from "./slot-racer.ts";
import type { SlotTakerData } from "./slot-taker.ts";
import { SlotUsage } from "./slot-usage.ts";

const COLUMN = 2;

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<void>;
}

/** Starts a thread that does not outlive the test, however that goes. */
function start(test: TestContext, script: string, workerData: SlotRacerData | SlotTakerData): Thread {
  const worker = new Worker(new URL(script, import.meta.url), { workerData });
  test.after(() => worker.terminate());
  const ended = new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
  return { worker, ended };
}

/** Takes all that is left, says how many that were, and gives them back. */
function countFree(board: Board, row: BoardRow, column: number, cap: number): number {
  const taken = [];
  for (let slot = takeSlot(board, row, column, cap); slot !== null; slot = takeSlot(board, row, column, cap)) {
    taken.push(slot);
  }
  for (const slot of taken) slot.release();
  return taken.length;
}

for (const [cap, share] of [
  [1, 1],
  [2, 3],
  [7, 4],
  [40, 50],
] as const) {
  test(`of ${cap} slots no more are ever out over four threads, and none when all have given theirs back`, async (t) => {
    const board = Board.create({ rows: 4, columns: 4 });
    const usage = new SlotUsage();
    const shared = {
      buffer: board.buffer,
      usage: usage.buffer,
      column: COLUMN,
      cap,
      share,
      turns: 60_000,
      together: 4,
    };
    const threads = [0, 1, 2, 3].map((thread) =>
      start(t, "./slot-taker.ts", { ...shared, thread, row: board.claimRow(thread + 1).index }),
    );
    await Promise.all(threads.map(({ ended }) => ended));
    assert.equal(usage.highest, cap);
    assert.equal(usage.inUse, 0);
    assert.equal(board.sum(COLUMN), 0);
    assert.equal(countFree(board, board.row(3), COLUMN, cap), cap);
    for (const other of [0, 1, 3]) assert.equal(board.sum(other), 0);
  });
}

for (const [racers, cap, rounds] of [
  [2, 1, 4000],
  [3, 2, 1500],
] as const) {
  test(`when ${racers} threads go for ${cap} free at the same moment, ${cap} get one: nobody loses to a loser`, async (t) => {
    const board = Board.create({ rows: racers, columns: 1 });
    const results = new SharedArrayBuffer(4 * (1 + rounds));
    const threads = Array.from({ length: racers }, (_, i) =>
      start(t, "./slot-racer.ts", { buffer: board.buffer, row: board.claimRow(i + 1).index, cap, racers, results }),
    );
    await Promise.all(threads.map(({ ended }) => ended));
    const winners = [...new Int32Array(results).subarray(1)];
    assert.deepEqual(
      winners.filter((count) => count > cap),
      [],
    );
    // The kernel may stop one in the middle of its try, for longer than the others wait.
    const short = winners.filter((count) => count < cap).length;
    assert.ok(short <= rounds / 100, `${short} of ${rounds} rounds left a slot free`);
    assert.equal(board.sum(0), 0);
  });
}

test("threads that are terminated in the middle of taking leave nothing behind once their rows are cleared", async (t) => {
  const cap = 6;
  const board = Board.create({ rows: 4, columns: 4 });
  const usage = new SlotUsage();
  const launch = (thread: number, owner: number): Thread & { row: number } => {
    const row = board.claimRow(owner).index;
    const shared = {
      buffer: board.buffer,
      usage: usage.buffer,
      column: COLUMN,
      cap,
      share: 4,
      turns: Infinity,
      together: 1,
    };
    return { row, ...start(t, "./slot-taker.ts", { ...shared, thread, row }) };
  };
  const threads = [0, 1, 2].map((thread) => launch(thread, thread + 1));
  let shares = 0;
  for (let death = 0; death < 12; death++) {
    const thread = death % 3;
    const before = usage.turns(thread);
    await waitUntil(() => usage.turns(thread) > before + 500);
    const { row, worker } = threads[thread]!;
    await worker.terminate();
    shares += board.row(row).count(COLUMN);
    // In this order: what the board says is free is taken by the others at once.
    usage.forget(thread);
    board.clearRow(row);
    assert.equal(board.row(row).count(COLUMN), 0);
    threads[thread] = launch(thread, 10 + death);
  }
  assert.ok(shares > 0, "none of those that died held anything");
  for (const thread of [0, 1, 2]) {
    const before = usage.turns(thread);
    await waitUntil(() => usage.turns(thread) > before + 500);
  }
  usage.stop();
  await Promise.all(threads.map(({ ended }) => ended));
  assert.equal(usage.highest, cap);
  assert.equal(usage.inUse, 0);
  assert.equal(board.sum(COLUMN), 0);
  assert.equal(countFree(board, board.claimRow(99), COLUMN, cap), cap);
});
