/** A thread that takes and gives back slots at random, until it has done so often enough or is told to stop. */
import { workerData } from "node:worker_threads";
import { Board } from "../../../src/board/board.ts";
import { takeSlot } from "../../../src/board/slots.ts";
import type { Lease } from "../../../src/core/lease.ts";
import { SlotUsage } from "./slot-usage.ts";

export interface SlotTakerData {
  readonly buffer: SharedArrayBuffer;
  readonly usage: SharedArrayBuffer;
  /** 0–3. */
  readonly thread: number;
  readonly row: number;
  readonly column: number;
  readonly cap: number;
  /** The most that it holds. */
  readonly share: number;
  readonly turns: number;
  /** How many threads begin together. */
  readonly together: number;
}

const data = workerData as SlotTakerData;
const { thread, column, cap } = data;
const board = Board.attach(data.buffer);
const row = board.row(data.row);
const usage = new SlotUsage(data.usage);
const held: Lease[] = [];
let given: Lease | undefined;

usage.awaitOthers(data.together);
for (let turn = 0; turn < data.turns && !usage.stopped; turn++) {
  usage.turn(thread);
  if (held.length < data.share && Math.random() < 0.6) {
    const slot = takeSlot(board, row, column, cap);
    if (slot === null) continue;
    usage.enter(thread);
    held.push(slot);
  } else if (held.length > 0) {
    giveBack(held.splice(Math.floor(Math.random() * held.length), 1)[0]!);
  }
}
held.forEach(giveBack);

function giveBack(slot: Lease): void {
  usage.leave(thread);
  slot.release();
  // Once more, and the one before that too.
  slot.release();
  given?.release();
  given = slot;
}
