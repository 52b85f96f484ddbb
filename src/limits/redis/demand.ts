/** How much of an account this process takes in a second, lately. */

/** What is older than this hardly counts, milliseconds. */
const MEMORY_MS = 2000;

/** Who has taken nothing for so long has stopped, milliseconds: what is leased ahead for it would lie there. */
const STOPPED_MS = 500;

/** Changes within so long are one, milliseconds: a rate over an instant says nothing. */
const LEAST_MS = 20;

/** See the file's comment. An average that forgets exponentially; constant in memory. */
export class Demand {
  #ratePerMs = 0;
  #taken = 0;
  #sinceMs: number;
  #tookMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#tookMs = nowMs;
  }

  /** Says how much was taken in all until now; less than before (something came back) counts as nothing. */
  note(takenInAll: number, nowMs: number): void {
    const forMs = nowMs - this.#sinceMs;
    if (forMs < LEAST_MS) return;
    const part = Math.max(0, takenInAll - this.#taken);
    const kept = Math.exp(-forMs / MEMORY_MS);
    this.#ratePerMs = this.#ratePerMs * kept + (part / forMs) * (1 - kept);
    if (part > 0) this.#tookMs = nowMs;
    this.#taken = takenInAll;
    this.#sinceMs = nowMs;
  }

  /** What is going to be taken in `forMs`, if it goes on like this; whole, and 0 for who has stopped. */
  expected(forMs: number): number {
    return this.#sinceMs - this.#tookMs < STOPPED_MS ? Math.floor(this.#ratePerMs * forMs) : 0;
  }
}
