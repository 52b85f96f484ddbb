/**
 * Beginning many things at an even rate, and waiting for them, with an end to every wait.
 */

import { setTimeout as sleep } from "node:timers/promises";

/** Small enough that a burst of it fits any listen backlog, large enough to cost nothing. */
const RAMP_TICK_MS = 10;
const POLL_MS = 20;

/**
 * Calls `begin(0)` … `begin(count − 1)`, evenly spread at `perSecond`.
 *
 * @throws the signal's reason when aborted.
 */
export async function ramp(
  count: number,
  perSecond: number,
  begin: (index: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  let begun = 0;
  while (begun < count) {
    const due = Math.min(count, Math.floor(((performance.now() - startMs) / 1000) * perSecond) + 1);
    // Never more than a tenth of a second's worth at once, however long this process was held up.
    const stop = Math.min(due, begun + Math.max(1, Math.ceil(perSecond / 10)));
    while (begun < stop) begin(begun++);
    if (begun < count) await sleep(RAMP_TICK_MS, undefined, { signal });
  }
}

/**
 * Waits until `reached()`.
 *
 * @returns whether it was reached before `timeoutMs` had passed.
 * @throws the signal's reason when aborted.
 */
export async function waitUntil(reached: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!reached()) {
    if (performance.now() >= deadlineMs) return false;
    await sleep(POLL_MS, undefined, { signal });
  }
  return true;
}
