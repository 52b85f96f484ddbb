/** What the simulated provider counts, and when it saw its clients hang up. */

import { monotonicUs } from "./token.ts";

/** Counts since the start, and two gauges. */
export interface SimStats {
  /** Answers waiting for their first token or under way, in pieces or whole. */
  readonly openStreams: number;
  readonly openSockets: number;
  /** All requests but those for the sim's own routes. */
  readonly requests: number;
  readonly tokensSent: number;
  /** Answers whose client left before the end. */
  readonly cancelled: number;
}

/** A hang-up that was seen. */
export interface SeenCancel {
  /** The stream's `i<number>` directive; `null` without. */
  readonly tag: number | null;
  /** On the host's monotonic clock, microseconds. */
  readonly atUs: number;
}

/** As many hang-ups are remembered, the latest. */
export const MAX_CANCELS = 65_536;

const NO_TAG = -1;

export class Ledger {
  openStreams = 0;
  openSockets = 0;
  requests = 0;
  tokensSent = 0;
  #cancelled = 0;
  /** Rings of the latest hang-ups; hang-up `n` is at `n % MAX_CANCELS`. They grow to that length and stay there. */
  readonly #tags: number[] = [];
  readonly #timesUs: number[] = [];

  addCancel(tag: number | undefined): void {
    const at = this.#cancelled++ % MAX_CANCELS;
    this.#tags[at] = tag ?? NO_TAG;
    this.#timesUs[at] = monotonicUs();
  }

  stats(): SimStats {
    return {
      openStreams: this.openStreams,
      openSockets: this.openSockets,
      requests: this.requests,
      tokensSent: this.tokensSent,
      cancelled: this.#cancelled,
    };
  }

  /** The latest hang-ups, oldest first. @param limit How many at most. */
  cancels(limit = MAX_CANCELS): SeenCancel[] {
    const count = Math.min(limit, this.#timesUs.length);
    return Array.from({ length: count }, (_, index) => {
      const at = (this.#cancelled - count + index) % MAX_CANCELS;
      const tag = this.#tags[at]!;
      return { tag: tag === NO_TAG ? null : tag, atUs: this.#timesUs[at]! };
    });
  }
}
