/**
 * What all threads know of an upstream's slots besides how many are taken: how many there may be, since when the upstream may
 * be asked, and whether anybody waits. It stands in the line of the column that counts the slots (layout.ts).
 */
import type { BoardMemory } from "./layout.ts";
import { COLUMN_CELLS, COLUMN_FLOATS } from "./layout.ts";

/** For one double as the bits that it is made of. Of doubles that are 0 or more, the larger has the larger bits. */
const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** See the file's comment. */
export class AdmissionCells {
  readonly #cells: Int32Array;
  readonly #floats: Float64Array;
  readonly #bits: BigInt64Array;
  readonly #waiting: number;
  readonly #cap: number;
  readonly #notBefore: number;

  /** @throws RangeError where there is no such column. */
  constructor(memory: BoardMemory, column: number) {
    const at = memory.columnLineAt(column);
    this.#cells = memory.cells;
    this.#floats = memory.floats;
    this.#bits = new BigInt64Array(memory.buffer);
    this.#waiting = at + COLUMN_CELLS.waiting;
    this.#cap = at / 2 + COLUMN_FLOATS.cap;
    this.#notBefore = at / 2 + COLUMN_FLOATS.notBefore;
  }

  /** Slots there may be; `Infinity` where nobody has set a cap. */
  get cap(): number {
    const oneMore = this.#floats[this.#cap]!;
    return oneMore === 0 ? Infinity : oneMore - 1;
  }

  /** The main thread's alone. */
  set cap(slots: number) {
    this.#floats[this.#cap] = slots + 1;
  }

  /** Until when the upstream is not to be asked, on the monotonic clock that all threads share; 0: it never said so. */
  get notBeforeMs(): number {
    return this.#floats[this.#notBefore]!;
  }

  /** Of several that speak at once, the latest time holds. Any thread's. @param untilMs 0 or more. */
  raiseNotBefore(untilMs: number): void {
    double[0] = untilMs;
    const wanted = bits[0]!;
    let seen = Atomics.load(this.#bits, this.#notBefore);
    while (seen < wanted) {
      const found = Atomics.compareExchange(this.#bits, this.#notBefore, seen, wanted);
      if (found === seen) return;
      seen = found;
    }
  }

  /** How many requests wait in the queue. Ordered with what is read and written before and after it, slots above all. */
  get waiting(): number {
    return Atomics.load(this.#cells, this.#waiting);
  }

  /** The main thread's alone. */
  set waiting(requests: number) {
    Atomics.store(this.#cells, this.#waiting, requests);
  }

  /** Forgets everything: the column goes to another name. The main thread's alone. */
  clear(): void {
    this.#floats[this.#cap] = 0;
    this.waiting = 0;
    Atomics.store(this.#bits, this.#notBefore, 0n);
  }
}
