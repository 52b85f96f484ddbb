/** One row of the board: what a loop tells the others of itself. */
import { countOf, ROW, ROW_BEAT, ROW_GAUGES } from "./layout.ts";
import type { BoardMemory, RowGauge } from "./layout.ts";
import { PHASE_NUMBERS, PHASES } from "./phases.ts";
import type { Phase } from "./phases.ts";

/** No row's generation. */
const NEVER = -1;

/**
 * A row as it was claimed, for its loop to write and for anyone to read. Once the row has been cleared nothing that is written
 * here counts any more, so that what outlives its loop's row takes nothing from the next; what is read is the next one's.
 */
export class BoardRow {
  /** Which row, from 0. */
  readonly index: number;
  readonly #memory: BoardMemory;
  readonly #cells: Int32Array;
  readonly #floats: Float64Array;
  readonly #at: number;
  readonly #floatsAt: number;
  readonly #generation: number;

  constructor(memory: BoardMemory, index: number) {
    this.index = index;
    this.#memory = memory;
    this.#cells = memory.cells;
    this.#floats = memory.floats;
    this.#at = memory.rowAt(index);
    this.#floatsAt = this.#at / 2;
    this.#generation = this.owner === 0 ? NEVER : Atomics.load(this.#cells, this.#at + ROW.generation);
  }

  /** The loop's number; 0 when the row is free. */
  get owner(): number {
    return Atomics.load(this.#cells, this.#at + ROW.owner);
  }

  /** Whether the row still belongs to whom it did when this object was made. */
  get current(): boolean {
    return this.#cells[this.#at + ROW.generation] === this.#generation;
  }

  /** Adds to a column's count, which must stay within 0 and 2^29 − 1. @throws RangeError where there is no such column. */
  add(column: number, delta: number): void {
    // A column that is not there would be another row's.
    if (!(column >= 0 && column < this.#memory.columns)) throw new RangeError(`the board has no column ${column}`);
    if (this.current) Atomics.add(this.#cells, this.#at + ROW.columns + column, delta);
  }

  /** This row's count of a column. @throws RangeError where there is no such column. */
  count(column: number): number {
    return countOf(Atomics.load(this.#cells, this.#memory.columnAt(column) + this.index * this.#memory.rowCells));
  }

  /** Notes what begins now. */
  set doing(phase: Phase) {
    if (this.current) Atomics.store(this.#cells, this.#at + ROW.doing, PHASE_NUMBERS[phase]);
  }

  /** What the loop noted last. */
  get doing(): Phase {
    return PHASES[Atomics.load(this.#cells, this.#at + ROW.doing)] ?? "idle";
  }

  /** Says that the loop turns. @param nowMs on the monotonic clock that all threads share (`process.hrtime`). */
  beat(nowMs: number): void {
    if (this.current) this.#floats[this.#floatsAt + ROW_BEAT] = nowMs;
  }

  /** When the loop last beat, monotonic milliseconds; 0 before the first time. */
  get lastBeatMs(): number {
    return this.#floats[this.#floatsAt + ROW_BEAT]!;
  }

  /** Writes a gauge. */
  set(gauge: RowGauge, value: number): void {
    if (this.current) this.#floats[this.#floatsAt + ROW_GAUGES[gauge]] = value;
  }

  /** Reads a gauge. */
  get(gauge: RowGauge): number {
    return this.#floats[this.#floatsAt + ROW_GAUGES[gauge]]!;
  }
}
