/**
 * `npm run bench:board`: nanoseconds per operation of the board, each the median of several rounds.
 *
 * The contended rows run a second thread that does the same to the other row all the while, so they need two free cores.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { Board } from "../../board/board.ts";
import type { BoardRow } from "../../board/row.ts";
import { takeSlot } from "../../board/slots.ts";

const COLUMNS = 4096;
const COLUMN = 1234;
const ROUNDS = 9;
const OPERATIONS = 300_000;
/** What the issue asks of each. */
const TARGET_NS = 100;

const STATE = { ready: 0, stop: 1 } as const;

interface RivalData {
  readonly buffer: SharedArrayBuffer;
  readonly state: SharedArrayBuffer;
  readonly cap: number;
}

if (isMainThread) await main();
else compete(workerData as RivalData);

async function main(): Promise<void> {
  const alone = claimed(1);
  report("add ±1", perOperation(addBoth(alone[1])) / 2);
  report(
    "note a phase",
    perOperation(() => void (alone[1].doing = "relay")),
  );
  for (const rows of [2, 8, 64]) {
    const [board] = claimed(rows);
    report(
      `sum over ${rows} rows`,
      perOperation(() => board.sum(COLUMN)),
    );
  }
  for (const rows of [2, 8, 64]) {
    const [board, row] = claimed(rows);
    report(`take and release, ${rows} rows`, perOperation(takeAndRelease(board, row, 1000)));
    report(`refuse, ${rows} rows`, perOperation(takeAndRelease(board, row, 0)));
  }
  await contended("add ±1, two threads", 1000, ([, row]) => addBoth(row), 2);
  await contended(
    "sum over 2 rows, two threads",
    1000,
    ([board]) =>
      () =>
        board.sum(COLUMN),
  );
  await contended("take and release, two threads", 1000, ([board, row]) => takeAndRelease(board, row, 1000));
  await contended("take and release, two threads, one slot", 1, ([board, row]) => takeAndRelease(board, row, 1));
}

/** A board whose rows all have an owner, and the first of them. */
function claimed(rows: number): [Board, BoardRow] {
  const board = Board.create({ rows, columns: COLUMNS });
  const row = board.claimRow(1);
  for (let owner = 2; owner <= rows; owner++) board.claimRow(owner).add(COLUMN, 3);
  return [board, row];
}

function addBoth(row: BoardRow): () => void {
  return () => {
    row.add(COLUMN, 1);
    row.add(COLUMN, -1);
  };
}

function takeAndRelease(board: Board, row: BoardRow, cap: number): () => void {
  return () => takeSlot(board, row, COLUMN, cap)?.release();
}

/** The median round's nanoseconds. */
function perOperation(operation: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedNs = process.hrtime.bigint();
    for (let i = 0; i < OPERATIONS; i++) operation();
    return Number(process.hrtime.bigint() - startedNs) / OPERATIONS;
  });
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
}

/** Measures `make`'s operation on the first row while another thread takes and releases on the second. */
async function contended(
  name: string,
  cap: number,
  make: (claimed: [Board, BoardRow]) => () => void,
  operationsEach = 1,
): Promise<void> {
  const board = Board.create({ rows: 2, columns: COLUMNS });
  const row = board.claimRow(1);
  board.claimRow(2);
  const state = new SharedArrayBuffer(8);
  const cells = new Int32Array(state);
  const rival = new Worker(new URL(import.meta.url), { workerData: { buffer: board.buffer, state, cap } });
  const exited = new Promise((resolve) => rival.once("exit", resolve));
  await Atomics.waitAsync(cells, STATE.ready, 0).value;
  report(name, perOperation(make([board, row])) / operationsEach);
  Atomics.store(cells, STATE.stop, 1);
  await exited;
}

function compete({ buffer, state, cap }: RivalData): void {
  const board = Board.attach(buffer);
  const operation = takeAndRelease(board, board.row(1), cap);
  const cells = new Int32Array(state);
  Atomics.store(cells, STATE.ready, 1);
  Atomics.notify(cells, STATE.ready);
  while (Atomics.load(cells, STATE.stop) === 0) operation();
}

function report(name: string, ns: number): void {
  const verdict = ns < TARGET_NS ? "" : `   over ${TARGET_NS}`;
  process.stdout.write(`${name.padEnd(44)}${ns.toFixed(1).padStart(8)} ns${verdict}\n`);
}
