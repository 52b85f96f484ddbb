/**
 * Something done at an even rate, on a timer of a millisecond.
 */

const TICK_MS = 1;
/** However long this process was held up, no more is made up for at once. */
const MAX_CATCH_UP_MS = 20;

/**
 * Calls `act` so many times a second until it is stopped.
 *
 * @param perSecond 1–1,000,000; above 1,000 several calls come together.
 * @returns stops it.
 */
export function pace(perSecond: number, act: () => void): () => void {
  let lastMs = performance.now();
  let due = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    due += (Math.min(nowMs - lastMs, MAX_CATCH_UP_MS) / 1000) * perSecond;
    lastMs = nowMs;
    for (; due >= 1; due--) act();
  }, TICK_MS);
  return () => clearInterval(timer);
}
