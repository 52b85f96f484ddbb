/**
 * What this process has leased of an account and not given back, by sub-window: kept to be said again to a Redis that has lost
 * it. Bounded: sub-windows that no longer count are dropped, so about 62 are there.
 */
import { SLICE_MS } from "./timing.ts";

/** See the file's comment. */
export class History {
  readonly #windowMs: number;
  readonly #stepMs: number;
  readonly #amounts = new Map<number, number>();

  constructor(windowMs: number, stepMs: number) {
    this.#windowMs = windowMs;
    this.#stepMs = stepMs;
  }

  /** Adds what was leased in a sub-window, or takes off what was given back (below 0). */
  add(mark: number, amount: number): void {
    const next = (this.#amounts.get(mark) ?? 0) + amount;
    if (next > 0) this.#amounts.set(mark, next);
    else this.#amounts.delete(mark);
  }

  /** Drops what no longer counts. @param newest the sub-window of now, as Redis counts. */
  prune(newest: number): void {
    const first = newest - Math.ceil((this.#windowMs + SLICE_MS) / this.#stepMs) - 1;
    for (const mark of this.#amounts.keys()) if (mark < first) this.#amounts.delete(mark);
  }

  get isEmpty(): boolean {
    return this.#amounts.size === 0;
  }

  /** Sub-window and amount of each. */
  entries(): readonly (readonly [mark: number, amount: number])[] {
    return [...this.#amounts];
  }
}
