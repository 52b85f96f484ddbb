/**
 * A cap over all loops that is exact: of `cap` slots never more are out, not even by one and not for a moment, and no lock.
 *
 * **How.** A loop that wants a slot raises a flag in its row's cell (`TRYING`), then adds up the column over all rows. Where all
 * that is held and all that is tried for, its own flag included, is within the cap, it turns its flag into a count by one
 * addition, and has a slot. Otherwise it lowers the flag.
 *
 * **Never too many.** Suppose at some moment more than `cap` are out. Each of the loops that hold them raised its flag, then
 * passed the gate (one cell, to which each adds 1 for no other purpose than the order), then added up. Take the one that passed
 * last. What the others had written before they passed, their flags among it, happened before its sum by the rules of
 * ECMAScript's memory model, for each read from the gate what the one before had written. Each of these slots was by then in
 * its row, as a flag or as a count, and stayed there: so the last one's sum has them all and its own, more than the cap, and
 * it was not let in. A row that is claimed meanwhile is within `rowsUsed` before its loop begins. While loops have different
 * caps, as during a reload, the largest is what holds.
 *
 * **Threads that die.** All that a loop has, slots and flag, is in its row, and one store of a zero takes it back. There is
 * nothing else: no total that could be left one too high, no lock that could stay closed.
 *
 * **Who is turned away.** Flags and counts are told apart, so a refusal is not the effect of two that tried at once. Of loops
 * in each other's way the one in the lowest row stays, the others lower their flags and wait for how it goes, which takes
 * as long as one sum. A slot is refused when the counts alone reach the cap; else only after {@link MAX_LOOKS} sums, which is a
 * loop whose thread the kernel stopped, or that died, within those nanoseconds: until it goes on, or its row is cleared,
 * the one slot it tried for stays out of reach. (A sum reads each row at its own moment: a slot that moves from one loop to
 * another meanwhile can be seen twice, and refuse the last free one.)
 *
 * The first sum is read without a flag: a loop that is to be refused writes nothing, so under overload the rows stay in the
 * caches of all cores.
 */
import { Lease } from "../core/lease.ts";
import type { Board } from "./board.ts";
import { countOf, HEADER, TRYING, TRYING_BIT } from "./layout.ts";
import type { BoardRow } from "./row.ts";

/** Sums before it gives up: a few microseconds, many times what those in the way need for theirs. */
const MAX_LOOKS = 64;

class Slot extends Lease {
  readonly #row: BoardRow;
  readonly #column: number;

  constructor(row: BoardRow, column: number) {
    super();
    this.#row = row;
    this.#column = column;
  }

  /** Nothing if the row has been cleared since: the slot came back with it. */
  protected override giveBack(): void {
    this.#row.add(this.#column, -1);
  }
}

/**
 * Takes one of the `cap` slots that all loops share. Only on the thread whose row it is.
 *
 * @param row the caller's.
 * @param column counts the slots; nothing else may count in it.
 * @param cap 0 or more; `Infinity` counts without a limit.
 * @returns The slot, or `null` where all are out (or `row` has been cleared: its loop counts as gone). O(rows).
 * @throws RangeError where there is no such column.
 */
export function takeSlot(board: Board, row: BoardRow, column: number, cap: number): Lease | null {
  const { cells, rowCells } = board.memory;
  const first = board.memory.columnAt(column);
  if (!row.current) return null;
  const own = first + row.index * rowCells;
  let trying = false;
  for (let look = 0; look < MAX_LOOKS; look++) {
    if (trying) Atomics.add(cells, HEADER.gate, 1);
    const end = first + cells[HEADER.rowsUsed]! * rowCells;
    let held = 0;
    // One where it is our own.
    let flags = 0;
    for (let at = first; at < end; at += rowCells) {
      const cell = cells[at]!;
      held += countOf(cell);
      flags += cell >>> TRYING_BIT;
    }
    if (held >= cap) break;
    const fits = held + flags + (trying ? 0 : 1) <= cap;
    if (trying && fits) {
      // Made before it is taken: where there is no memory for it, nothing is taken.
      const slot = new Slot(row, column);
      Atomics.add(cells, own, 1 - TRYING);
      return slot;
    }
    const gives = !fits && hasFlagBefore(cells, first, own, rowCells);
    if (!trying && !gives) {
      Atomics.add(cells, own, TRYING);
      trying = true;
    } else if (trying && gives) {
      Atomics.sub(cells, own, TRYING);
      trying = false;
    }
  }
  if (trying) Atomics.sub(cells, own, TRYING);
  return null;
}

/** Whether a row before `own` tries for a slot too. */
function hasFlagBefore(cells: Int32Array, first: number, own: number, rowCells: number): boolean {
  for (let at = first; at < own; at += rowCells) {
    if (Atomics.load(cells, at) >>> TRYING_BIT !== 0) return true;
  }
  return false;
}
