/**
 * How fast a queue is worked off: slots granted for each second in which somebody waited, the last {@link MEMORY_MS} counting
 * most. What it says how long a place will take, and when to come back, follows from that.
 *
 * While nobody waits nothing is learnt: an upstream that is asked for less than it can do shows nothing of what it can.
 */

/** After so long a grant counts e times less. Milliseconds with somebody waiting. */
const MEMORY_MS = 10_000;
/** After so long without anybody waiting, what was learnt is about another time. */
const FORGET_MS = 60_000;
/** Fewer grants in less time say nothing: streams that began together end together, and until then none does. */
const ENOUGH = { grants: 3, busyMs: MEMORY_MS / 2 };
/** What a client is asked to wait, before jitter: with it, 1 s to 60 s. */
const LEAST_RETRY_MS = 1000 / 0.75;
const MOST_RETRY_MS = 60_000 / 1.25;

/** See the file's comment. All times on one monotonic clock. */
export class DrainRate {
  /** Decayed. */
  #grants = 0;
  /** Time with somebody waiting, decayed alike. */
  #busyMs = 0;
  #lastMs = 0;
  #busy = false;

  /** Says whether anybody waits from now on. */
  setBusy(busy: boolean, nowMs: number): void {
    if (busy && !this.#busy && nowMs - this.#lastMs > FORGET_MS) this.#grants = this.#busyMs = 0;
    this.#advance(nowMs);
    this.#busy = busy;
  }

  /** Somebody who waited has got a slot. */
  granted(nowMs: number): void {
    this.#advance(nowMs);
    this.#grants++;
  }

  /**
   * How long those before a place will take, at least as far as can be said: few grants say little, so the rate is taken at
   * the upper end of what fits them (twice the standard error of a count; for none, the rule of three). Nobody should be
   * turned away for a guess. Nor is the first in line, whom nobody is before.
   *
   * @param ahead how many are before it.
   * @returns milliseconds.
   */
  waitAtLeastMs(ahead: number, nowMs: number): number {
    this.#advance(nowMs);
    if (this.#grants < ENOUGH.grants && this.#busyMs < ENOUGH.busyMs) return 0;
    return (ahead * this.#busyMs) / (this.#grants + 2 * Math.sqrt(this.#grants) + 3);
  }

  /**
   * How long to ask a client to wait that would be behind `ahead` others: until these have gone, with a jitter of a quarter so
   * that clients who were refused together don't come back together.
   *
   * @param random 0–1.
   * @returns milliseconds, 1,000 to 60,000.
   */
  retryAfterMs(ahead: number, nowMs: number, random: number = Math.random()): number {
    this.#advance(nowMs);
    // One grant more than there were: it is what everybody waits for.
    const waitMs = ((ahead + 1) * this.#busyMs) / (this.#grants + 1);
    const boundedMs = Math.min(MOST_RETRY_MS, Math.max(LEAST_RETRY_MS, waitMs));
    return boundedMs * (0.75 + random / 2);
  }

  #advance(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#lastMs);
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    if (!this.#busy || elapsedMs === 0) return;
    const kept = Math.exp(-elapsedMs / MEMORY_MS);
    this.#grants *= kept;
    this.#busyMs = this.#busyMs * kept + MEMORY_MS * (1 - kept);
  }
}
