/**
 * The counters that the loops of a process share. Each loop writes to a row of its own; whoever wants the whole adds up the rows.
 *
 * No total is kept: a thread can end between any two instructions, and a total could not be set right after that, while the
 * row of a loop that is gone is simply cleared. Its share of everything comes back with that, at once and exactly once.
 */
import { BoardMemory, countOf, HEADER, PROCESS_GAUGES, ROW, ROW_GAUGES } from "./layout.ts";
import type { ProcessGauge, RowGauge } from "./layout.ts";
import { BoardRow } from "./row.ts";

interface BoardSize {
  /** Loops that can have a row at a time: those that run, and those that end while others already run. 1–1024. */
  readonly rows: number;
  /** Counters in a row (columns.ts). 1–1,048,576; each costs 4 bytes a row. */
  readonly columns: number;
}

/** See the file's comment. Claiming and clearing rows is one thread's work, the supervisor's. */
export class Board {
  readonly memory: BoardMemory;

  constructor(memory: BoardMemory) {
    this.memory = memory;
  }

  /** A new board, all zero. @throws RangeError where the size is out of range. */
  static create(size: BoardSize): Board {
    return new Board(BoardMemory.create(size.rows, size.columns));
  }

  /** The board that another thread has made. @throws TypeError where `buffer` holds none of this version. */
  static attach(buffer: SharedArrayBuffer): Board {
    return new Board(new BoardMemory(buffer));
  }

  /** What to send to another thread for it to {@link attach}. */
  get buffer(): SharedArrayBuffer {
    return this.memory.buffer;
  }

  /**
   * Gives a free row to a loop, the first there is.
   *
   * @param owner the loop's number, 1 or more.
   * @throws Error where no row is free; RangeError where `owner` is out of range.
   */
  claimRow(owner: number): BoardRow {
    const { cells, rows } = this.memory;
    if (!(Number.isInteger(owner) && owner > 0 && owner < 2 ** 31)) throw new RangeError(`owner: ${owner}`);
    for (let index = 0; index < rows; index++) {
      const at = this.memory.rowAt(index);
      if (Atomics.compareExchange(cells, at + ROW.owner, 0, owner) !== 0) continue;
      // Before anything is written to the row, or a sum could miss it.
      if (Atomics.load(cells, HEADER.rowsUsed) <= index) Atomics.store(cells, HEADER.rowsUsed, index + 1);
      return new BoardRow(this.memory, index);
    }
    throw new Error(`all ${rows} rows of the board are taken`);
  }

  /**
   * Gives back all that a loop had. Only after its thread has ended (its `exit` event): while it runs, a write of its that
   * has just begun could land in the cleared row. Does nothing to a free row. O(columns).
   */
  clearRow(index: number): void {
    const { cells, rowCells } = this.memory;
    const at = this.memory.rowAt(index);
    if (Atomics.load(cells, at + ROW.owner) === 0) return;
    // First, so that leases and rows that are still about are void before the counts are gone.
    Atomics.add(cells, at + ROW.generation, 1);
    // Floats too: a zero is all zero bits.
    for (let cell = at + ROW.doing; cell < at + rowCells; cell++) {
      // Pages that were never written to stay unwritten, and cost no memory.
      if (Atomics.load(cells, cell) !== 0) Atomics.store(cells, cell, 0);
    }
    // Last: from here on it can be claimed.
    Atomics.store(cells, at + ROW.owner, 0);
  }

  /** The row `index`, for its owner or a reader. @throws RangeError where there is none. */
  row(index: number): BoardRow {
    return new BoardRow(this.memory, index);
  }

  /** The rows that belong to a loop now. */
  claimedRows(): BoardRow[] {
    const used = Atomics.load(this.memory.cells, HEADER.rowsUsed);
    return Array.from({ length: used }, (_, index) => this.row(index)).filter(({ owner }) => owner !== 0);
  }

  /**
   * A column's count over all rows. Each row is read at its own moment, so while others write this is the count of no one
   * moment; where a cap hangs on it, see slots.ts. O(rows). @throws RangeError where there is no such column.
   */
  sum(column: number): number {
    const { cells, rowCells } = this.memory;
    const first = this.memory.columnAt(column);
    const end = first + cells[HEADER.rowsUsed]! * rowCells;
    let sum = 0;
    for (let at = first; at < end; at += rowCells) sum += countOf(cells[at]!);
    return sum;
  }

  /** A gauge of the loops, over all of them. O(rows). */
  total(gauge: RowGauge): number {
    const { cells, floats, rowCells } = this.memory;
    const first = this.memory.rowAt(0) / 2 + ROW_GAUGES[gauge];
    const end = first + (cells[HEADER.rowsUsed]! * rowCells) / 2;
    let total = 0;
    for (let at = first; at < end; at += rowCells / 2) total += floats[at]!;
    return total;
  }

  /** Writes a gauge of the process; the supervisor's alone. */
  set(gauge: ProcessGauge, value: number): void {
    this.memory.floats[PROCESS_GAUGES[gauge]] = value;
  }

  /** Reads a gauge of the process. */
  get(gauge: ProcessGauge): number {
    return this.memory.floats[PROCESS_GAUGES[gauge]]!;
  }
}
