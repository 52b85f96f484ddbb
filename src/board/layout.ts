/**
 * The layout of the board: one SharedArrayBuffer, seen as Int32 cells and as Float64 cells.
 *
 * | byte | type | what | written by |
 * | --- | --- | --- | --- |
 * | 0 | Int32 | magic and version of this layout | the maker |
 * | 4, 8 | Int32 | how many rows, how many columns | the maker |
 * | 12 | Int32 | rows ever claimed: readers look no further | the supervisor |
 * | 64–127 | Float64 | gauges of the process | the supervisor |
 * | 128 | Int32 | the gate, which orders those who take slots (slots.ts) | every loop |
 * | 192 | | row 0; the others follow, each of the same size | |
 * | after the rows | | a line for each column: what is known of it that is no count (admission-cells.ts) | |
 *
 * | byte of a row | type | what | written by |
 * | --- | --- | --- | --- |
 * | 0 | Int32 | owner: a loop's number, 0 = free | the supervisor |
 * | 4 | Int32 | generation: one more with each clearing | the supervisor |
 * | 8 | Int32 | what the loop is doing (phases.ts) | the row's loop |
 * | 16 | Float64 | last beat | the row's loop |
 * | 24–127 | Float64 | gauges of the loop | the row's loop |
 * | 128 + 4c | Int32 | column c: bits 0–29 a count, bit 30 a slot being tried for (slots.ts) | the row's loop |
 *
 * A row has one writer, so no write waits for another's. Rows begin on cache lines, so no two loops write to the same one; and
 * a row is an odd number of lines long, because the same column of all rows, which a sum reads, would otherwise fall into the
 * same few sets of the cache: over 64 rows of 256 lines a sum took 360 ns, of 257 lines 125.
 *
 * Int32 cells are written with `Atomics`. Sums read them plainly: V8 calls a builtin for each `Atomics.load`, 8 ns, and a sum
 * over 64 rows took 540 ns with it and takes 80 without. A plain read of an Int32 is never torn; where its place in the order
 * matters, an atomic operation before it sees to that. Float64 cells are plain altogether: each stands for itself, and an
 * aligned one is written whole by every processor that Node runs on.
 */

/** "HWB" and the version: one more with each change of the layout. */
const MAGIC = 0x48_57_42_03;
const LINE_CELLS = 16;
const HEADER_CELLS = 3 * LINE_CELLS;
const MAX_ROWS = 1024;
const MAX_COLUMNS = 1 << 20;

/** Int32 cells of the header. */
export const HEADER = { magic: 0, rows: 1, columns: 2, rowsUsed: 3, gate: 32 } as const;

/** Float64 cells of the header: what is known of the process as a whole. */
export const PROCESS_GAUGES = {
  /** Resident memory, bytes. */
  rssBytes: 8,
} as const;

/** Int32 cells of a row, from its beginning. */
export const ROW = { owner: 0, generation: 1, doing: 2, columns: 32 } as const;

/** Float64 cell of a row, from its beginning: when its loop last beat. */
export const ROW_BEAT = 2;

/** Float64 cells of a row, from its beginning: what its loop says of itself. */
export const ROW_GAUGES = {
  /** Connections of clients. */
  clientSockets: 3,
  /** 0 normal, 1 soft, 2 hard. */
  pressure: 4,
  /** How long the loop was held up before its last beat, milliseconds. */
  heldMs: 5,
  /** Calls under way. */
  streams: 8,
  /** Bytes that wait for slow clients. */
  bufferedBytes: 9,
  /** Sockets open, of both sides. */
  openSockets: 10,
  /** Event-loop delay over the last interval, microseconds: the median, … */
  delayP50Us: 11,
  /** … the 99th percentile … */
  delayP99Us: 12,
  /** … and the longest. */
  delayMaxUs: 13,
  /** Share of the last interval in which the loop was busy, 0–1. */
  utilisation: 14,
  /** Used heap of the loop's isolate, bytes. */
  heapBytes: 15,
} as const;

/** Float64 cells of a column's line, from its beginning. */
export const COLUMN_FLOATS = { cap: 0, notBefore: 1 } as const;

/** Int32 cells of a column's line, from its beginning. */
export const COLUMN_CELLS = { waiting: 4 } as const;

/** A gauge of the process. */
export type ProcessGauge = keyof typeof PROCESS_GAUGES;

/** A gauge of a loop. */
export type RowGauge = keyof typeof ROW_GAUGES;

/** The bit of a column's cell that is up while the row's loop tries for a slot of this column; such counts are never negative. */
export const TRYING_BIT = 30;
export const TRYING = 1 << TRYING_BIT;

/** A column's cell without what is not part of the count. −2^29 to 2^29 − 1. */
export function countOf(cell: number): number {
  return (cell << 2) >> 2;
}

/** The board's buffer with both views of it, and where in them things are. */
export class BoardMemory {
  readonly buffer: SharedArrayBuffer;
  readonly cells: Int32Array;
  readonly floats: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Int32 cells from one row to the next. */
  readonly rowCells: number;

  /** @throws TypeError where `buffer` holds no board of this version. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.cells = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.rows = this.cells[HEADER.rows] ?? 0;
    this.columns = this.cells[HEADER.columns] ?? 0;
    this.rowCells = cellsPerRow(this.columns);
    if (this.cells[HEADER.magic] !== MAGIC || buffer.byteLength !== sizeBytes(this.rows, this.columns)) {
      throw new TypeError("this buffer does not hold a board of this version");
    }
  }

  /**
   * A new board, all zero.
   *
   * @param rows 1–1024.
   * @param columns 1–1,048,576.
   * @throws RangeError outside of these.
   */
  static create(rows: number, columns: number): BoardMemory {
    if (!Number.isInteger(rows) || rows < 1 || rows > MAX_ROWS) throw new RangeError(`rows: ${rows}`);
    if (!Number.isInteger(columns) || columns < 1 || columns > MAX_COLUMNS) throw new RangeError(`columns: ${columns}`);
    const buffer = new SharedArrayBuffer(sizeBytes(rows, columns));
    const cells = new Int32Array(buffer);
    cells[HEADER.magic] = MAGIC;
    cells[HEADER.rows] = rows;
    cells[HEADER.columns] = columns;
    return new BoardMemory(buffer);
  }

  /** The first Int32 cell of row `row`. @throws RangeError where there is none. */
  rowAt(row: number): number {
    if (!(row >= 0 && row < this.rows)) throw new RangeError(`the board has no row ${row}`);
    return HEADER_CELLS + row * this.rowCells;
  }

  /** The Int32 cell of `column` in row 0; one row on is `rowCells` on. @throws RangeError where there is none. */
  columnAt(column: number): number {
    if (!(column >= 0 && column < this.columns)) throw new RangeError(`the board has no column ${column}`);
    return HEADER_CELLS + ROW.columns + column;
  }

  /** The first Int32 cell of the line of `column`. @throws RangeError where there is none. */
  columnLineAt(column: number): number {
    if (!(column >= 0 && column < this.columns)) throw new RangeError(`the board has no column ${column}`);
    return HEADER_CELLS + this.rows * this.rowCells + column * LINE_CELLS;
  }
}

function cellsPerRow(columns: number): number {
  return (Math.ceil((ROW.columns + columns) / LINE_CELLS) | 1) * LINE_CELLS;
}

function sizeBytes(rows: number, columns: number): number {
  return (HEADER_CELLS + rows * cellsPerRow(columns) + columns * LINE_CELLS) * Int32Array.BYTES_PER_ELEMENT;
}
