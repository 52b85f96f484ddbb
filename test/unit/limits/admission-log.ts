/**
 * What threads were let in with, kept apart from the ledger: for each thread a list of times and amounts in shared memory, which
 * outlives it.
 */

const CAPACITY = 20_000;
const ENTRY = { atMs: 0, amount: 1, cells: 2 } as const;

export interface Admitted {
  readonly atMs: number;
  readonly amount: number;
}

export class AdmissionLog {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Float64Array;

  constructor(threads: number | SharedArrayBuffer) {
    const cells = typeof threads === "number" ? threads * CAPACITY * ENTRY.cells : 0;
    this.buffer = typeof threads === "number" ? new SharedArrayBuffer(8 * cells) : threads;
    this.#cells = new Float64Array(this.buffer);
  }

  /** Notes that `thread` was let in. @returns whether there is room for more. */
  add(thread: number, index: number, { atMs, amount }: Admitted): boolean {
    const cell = (thread * CAPACITY + index) * ENTRY.cells;
    this.#cells[cell + ENTRY.amount] = amount;
    // Last: an entry without it is none.
    this.#cells[cell + ENTRY.atMs] = atMs;
    return index + 1 < CAPACITY;
  }

  /** All of all threads, by time. */
  all(): Admitted[] {
    const all: Admitted[] = [];
    for (let cell = 0; cell < this.#cells.length; cell += ENTRY.cells) {
      const atMs = this.#cells[cell + ENTRY.atMs]!;
      if (atMs !== 0) all.push({ atMs, amount: this.#cells[cell + ENTRY.amount]! });
    }
    return all.sort((a, b) => a.atMs - b.atMs);
  }
}

/** The most that was let in within any stretch of `windowMs`. @param admitted by time. */
export function mostInAnyWindow(admitted: readonly Admitted[], windowMs: number): number {
  let first = 0;
  let sum = 0;
  let most = 0;
  for (const { atMs, amount } of admitted) {
    sum += amount;
    for (; admitted[first]!.atMs < atMs - windowMs; first++) sum -= admitted[first]!.amount;
    most = Math.max(most, sum);
  }
  return most;
}
