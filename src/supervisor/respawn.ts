/** How long to wait before a loop that died is started again. */

/** After its first death: its clients find the other loops meanwhile, and most causes are gone with the request. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
/** A loop that has lived so long has not died of the same cause again. */
const FORGET_AFTER_MS = 60_000;

/** One loop's deaths. Each that comes soon after the one before doubles the wait. */
export class RespawnDelay {
  #deaths = 0;

  /** @param livedMs how long the loop had run. @returns how long to wait, milliseconds. */
  afterDeath(livedMs: number): number {
    if (livedMs >= FORGET_AFTER_MS) this.#deaths = 0;
    const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#deaths);
    this.#deaths++;
    return delayMs;
  }
}
