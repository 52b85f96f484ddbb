import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { Board } from "../../../src/board/board.ts";
import { PROCESS_GAUGES, ROW_GAUGES } from "../../../src/board/layout.ts";
import type { ProcessGauge, RowGauge } from "../../../src/board/layout.ts";
import { PHASES } from "../../../src/board/phases.ts";
import type { BoardRow } from "../../../src/board/row.ts";

const ROW_GAUGE_NAMES = Object.keys(ROW_GAUGES) as RowGauge[];
const PROCESS_GAUGE_NAMES = Object.keys(PROCESS_GAUGES) as ProcessGauge[];

test("what one row says is read through another attachment, and added up over rows", () => {
  const board = Board.create({ rows: 3, columns: 10 });
  const first = board.claimRow(7);
  const second = Board.attach(board.buffer).row(board.claimRow(8).index);
  first.add(0, 2);
  first.add(9, 5);
  second.add(9, 1);
  second.add(9, -1);
  second.add(9, 3);
  first.set("bufferedBytes", 2 ** 40);
  second.set("bufferedBytes", 1);
  second.doing = "relay";
  second.beat(1234.5);
  const reader = Board.attach(board.buffer);
  assert.deepEqual([reader.sum(0), reader.sum(5), reader.sum(9)], [2, 0, 8]);
  assert.deepEqual([reader.row(0).count(9), reader.row(1).count(9), reader.row(2).count(9)], [5, 3, 0]);
  assert.equal(reader.total("bufferedBytes"), 2 ** 40 + 1);
  assert.equal(reader.row(1).get("bufferedBytes"), 1);
  assert.equal(reader.row(1).doing, "relay");
  assert.equal(reader.row(1).lastBeatMs, 1234.5);
  assert.deepEqual(
    reader.claimedRows().map(({ index, owner }) => [index, owner]),
    [
      [0, 7],
      [1, 8],
    ],
  );
});

test("a row that was cleared says nothing more, and is the first to be claimed again", () => {
  const board = Board.create({ rows: 3, columns: 100 });
  const [first, second] = [board.claimRow(1), board.claimRow(2)];
  for (let column = 0; column < 100; column++) for (const row of [first, second]) row.add(column, column + 1);
  for (const gauge of ROW_GAUGE_NAMES) for (const row of [first, second]) row.set(gauge, 5);
  first.doing = "settle";
  first.beat(99);
  board.clearRow(0);
  board.clearRow(0);
  for (let column = 0; column < 100; column++) assert.equal(board.sum(column), column + 1);
  for (const gauge of ROW_GAUGE_NAMES) assert.equal(board.total(gauge), 5);
  assert.deepEqual(
    board.claimedRows().map(({ owner }) => owner),
    [2],
  );
  const third = board.claimRow(3);
  assert.equal(third.index, 0);
  assert.deepEqual([third.doing, third.lastBeatMs, third.count(50), third.get("heapBytes")], ["idle", 0, 0, 0]);
});

test("what is left of a loop whose row was cleared writes nothing into the row of the next", () => {
  const board = Board.create({ rows: 1, columns: 4 });
  const stale = board.claimRow(1);
  stale.add(0, 1);
  board.clearRow(0);
  const write = (row: BoardRow): void => {
    row.add(0, -1);
    row.set("streams", 9);
    row.beat(9);
    row.doing = "drain";
  };
  const free = board.row(0);
  write(stale);
  write(free);
  // The owner's number is the same, as if a loop had been started anew under its name.
  const next = board.claimRow(1);
  next.add(0, 2);
  write(stale);
  write(free);
  assert.deepEqual([stale.current, free.current, next.current], [false, false, true]);
  assert.deepEqual([next.count(0), next.get("streams"), next.lastBeatMs, next.doing], [2, 0, 0, "idle"]);
});

test("each cell of the layout is its own: writing one changes no other", () => {
  const board = Board.create({ rows: 3, columns: 33 });
  const rows = [board.claimRow(1), board.claimRow(2), board.claimRow(3)];
  const readAll = (): Map<string, unknown> =>
    new Map<string, unknown>([
      ...PROCESS_GAUGE_NAMES.map((gauge) => [gauge, board.get(gauge)] as const),
      ...rows.flatMap((row) => [
        [`${row.index} owner`, row.owner] as const,
        [`${row.index} current`, row.current] as const,
        [`${row.index} doing`, row.doing] as const,
        [`${row.index} beat`, row.lastBeatMs] as const,
        ...ROW_GAUGE_NAMES.map((gauge) => [`${row.index} ${gauge}`, row.get(gauge)] as const),
        ...Array.from({ length: 33 }, (_, column) => [`${row.index}:${column}`, row.count(column)] as const),
      ]),
    ]);
  const expected = readAll();
  let value = 1000;
  const check = (name: string, write: (value: number) => void): void => {
    write(++value);
    expected.set(name, value);
    assert.deepEqual(readAll(), expected, name);
  };
  for (const gauge of PROCESS_GAUGE_NAMES) check(gauge, (value) => board.set(gauge, value));
  for (const row of rows) {
    check(`${row.index} beat`, (value) => row.beat(value));
    for (const gauge of ROW_GAUGE_NAMES) check(`${row.index} ${gauge}`, (value) => row.set(gauge, value));
    for (let column = 0; column < 33; column++) check(`${row.index}:${column}`, (value) => row.add(column, value));
    for (const phase of PHASES) {
      row.doing = phase;
      assert.deepEqual(readAll(), new Map(expected).set(`${row.index} doing`, phase));
    }
    row.doing = "idle";
  }
});

test("a column or row that is not there is refused, and no other is touched", () => {
  const board = Board.create({ rows: 2, columns: 4 });
  const row = board.claimRow(1);
  board.claimRow(2);
  const before = new Uint8Array(board.buffer).slice();
  for (const column of [-1, 4, NaN, undefined as unknown as number]) {
    assert.throws(() => row.add(column, 1), RangeError);
    assert.throws(() => row.count(column), RangeError);
    assert.throws(() => board.sum(column), RangeError);
  }
  for (const index of [-1, 2, NaN]) {
    assert.throws(() => board.row(index), RangeError);
    assert.throws(() => board.clearRow(index), RangeError);
  }
  for (const owner of [0, -1, 1.5, 2 ** 31]) assert.throws(() => board.claimRow(owner), RangeError);
  assert.throws(() => board.claimRow(3), /all 2 rows of the board are taken/);
  assert.deepEqual(new Uint8Array(board.buffer), before);
});

test("a size out of range makes no board, and a buffer that holds none is not taken for one", () => {
  for (const [rows, columns] of [
    [0, 1],
    [1, 0],
    [1025, 1],
    [1, 2 ** 20 + 1],
    [1.5, 1],
  ] as const) {
    assert.throws(() => Board.create({ rows, columns }), RangeError);
  }
  for (const bytes of [0, 8, 256, 4096]) {
    assert.throws(() => Board.attach(new SharedArrayBuffer(bytes)), TypeError);
  }
});

test("a board is as large as is said: 192 rows of 20,000 counters are 17 MB", () => {
  const { byteLength } = Board.create({ rows: 192, columns: 20_000 }).buffer;
  assert.ok(byteLength > 16e6 && byteLength < 17e6, `${byteLength}`);
});

test("after any adding, claiming and clearing the sums are what a plain model says", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("add" as const), row: fc.nat(3), column: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("take back" as const), row: fc.nat(3), column: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), row: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("claim" as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const board = Board.create({ rows: 4, columns: 3 });
      const model: { row: BoardRow; counts: number[] }[] = [];
      const alive = new Map<number, { row: BoardRow; counts: number[] }>();
      for (const step of steps) {
        if (step.do === "claim") {
          if (alive.size === 4) continue;
          const claimed = { row: board.claimRow(model.length + 1), counts: [0, 0, 0] };
          assert.equal(alive.has(claimed.row.index), false);
          alive.set(claimed.row.index, claimed);
          model.push(claimed);
        } else if (step.do === "clear") {
          board.clearRow(step.row);
          alive.delete(step.row);
        } else {
          // Of all rows ever claimed, those that were cleared included.
          const one = model[step.row % Math.max(1, model.length)];
          if (one === undefined) continue;
          const delta = step.do === "add" ? 1 : -1;
          const isAlive = alive.get(one.row.index) === one;
          if (isAlive && delta < 0 && one.counts[step.column] === 0) continue;
          one.row.add(step.column, delta);
          if (isAlive) one.counts[step.column]! += delta;
        }
        for (let column = 0; column < 3; column++) {
          const expected = [...alive.values()].reduce((sum, { counts }) => sum + counts[column]!, 0);
          assert.equal(board.sum(column), expected);
        }
      }
    }),
  );
});

test("no count is lost when threads add to their rows while others add to theirs", async () => {
  const board = Board.create({ rows: 3, columns: 4 });
  const workers = [1, 2, 3].map((owner) => {
    const workerData = { buffer: board.buffer, row: board.claimRow(owner).index, times: 50_000 * owner };
    return new Worker(new URL("./adder.ts", import.meta.url), { workerData });
  });
  await Promise.all(
    workers.map((worker) => new Promise((resolve, reject) => worker.once("exit", resolve).once("error", reject))),
  );
  assert.deepEqual([board.sum(0), board.sum(1), board.sum(2), board.sum(3)], [300_000, 0, 600_000, 0]);
});
