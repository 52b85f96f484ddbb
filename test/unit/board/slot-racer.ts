/** A thread that, round after round, goes for a slot at the same moment as the others, and notes who got one. */
import { workerData } from "node:worker_threads";
import { Board } from "../../../src/board/board.ts";
import { takeSlot } from "../../../src/board/slots.ts";

export interface SlotRacerData {
  readonly buffer: SharedArrayBuffer;
  readonly row: number;
  readonly cap: number;
  readonly racers: number;
  /** Int32: the barrier, then how many got a slot in each round. */
  readonly results: SharedArrayBuffer;
}

const { buffer, row: index, cap, racers, results } = workerData as SlotRacerData;
const cells = new Int32Array(results);
const board = Board.attach(buffer);
const row = board.row(index);
let barriers = 0;

for (let round = 1; round < cells.length; round++) {
  awaitAll();
  const slot = takeSlot(board, row, 0, cap);
  if (slot !== null) Atomics.add(cells, round, 1);
  awaitAll();
  slot?.release();
}

/** Spins for a moment, so that all go on in the same nanoseconds, and then sleeps, for on fewer cores they cannot. */
function awaitAll(): void {
  const wanted = ++barriers * racers;
  if (Atomics.add(cells, 0, 1) + 1 === wanted) return void Atomics.notify(cells, 0);
  for (let spin = 0; ; spin++) {
    const arrived = Atomics.load(cells, 0);
    if (arrived >= wanted) return;
    if (spin > 2000) Atomics.wait(cells, 0, arrived, 1);
  }
}
