/**
 * The sliding window of an account: a ring of sub-windows, of which everything counts that overlaps the last `windowMs`.
 *
 * What was used in sub-window `n` counts until sub-window `n + 61` begins, which is at least 60 whole sub-windows after it was
 * used. So in any stretch of `windowMs`, wherever it begins, no more is let in than the limit; the price is that it counts up to
 * a sixtieth of the window longer than it had to.
 */
import { ACCOUNT, RING, SUB_WINDOWS } from "./ledger-memory.ts";

/** The number of the sub-window that a time falls into. Below 0 for what was before the clock began. */
export function epochAt(floats: Float64Array, at: number, timeMs: number): number {
  return Math.floor(timeMs / floats[at + ACCOUNT.subWindowMs]!);
}

/** The cell of a sub-window. */
export function cellOf(at: number, epoch: number): number {
  const slot = epoch % RING;
  return at + ACCOUNT.ring + (slot < 0 ? slot + RING : slot);
}

/**
 * Lets go what does not count any more. Inside a step, before any write of it to this account; not in the journal, for whoever
 * dies in the middle leaves what counts no more as it was, or gone, and the next one does it again.
 *
 * @returns the number of the present sub-window.
 */
export function advance(floats: Float64Array, at: number, nowMs: number): number {
  const epoch = epochAt(floats, at, nowMs);
  const last = floats[at + ACCOUNT.epoch]!;
  if (epoch <= last) return last;
  if (floats[at + ACCOUNT.used] !== 0) {
    const passed = Math.min(epoch - last, RING);
    for (let n = 1; n <= passed; n++) floats[cellOf(at, last + n)] = 0;
    let used = 0;
    for (let cell = at + ACCOUNT.ring; cell < at + ACCOUNT.ring + RING; cell++) used += floats[cell]!;
    floats[at + ACCOUNT.used] = used;
  }
  // Last: until then it has to be done again.
  floats[at + ACCOUNT.epoch] = epoch;
  return epoch;
}

/** What counts at `nowMs`, for a reader outside of a step: of the last moment or the next. */
export function usedAt(floats: Float64Array, at: number, nowMs: number): number {
  const oldest = epochAt(floats, at, nowMs) - SUB_WINDOWS;
  const last = floats[at + ACCOUNT.epoch]!;
  if (oldest + SUB_WINDOWS <= last) return floats[at + ACCOUNT.used]!;
  let used = 0;
  for (let epoch = Math.max(oldest, last - SUB_WINDOWS); epoch <= last; epoch++) used += floats[cellOf(at, epoch)]!;
  return used;
}

/**
 * How long until `amount` more of what counts at `nowMs` has passed, milliseconds; `null` where so much does not count. For a
 * reader outside of a step.
 */
export function passesInMs(floats: Float64Array, at: number, amount: number, nowMs: number): number | null {
  const last = floats[at + ACCOUNT.epoch]!;
  const oldest = Math.max(epochAt(floats, at, nowMs), last) - SUB_WINDOWS;
  let passed = 0;
  for (let epoch = oldest; epoch <= last; epoch++) {
    passed += floats[cellOf(at, epoch)]!;
    if (passed >= amount) return Math.max(0, (epoch + RING) * floats[at + ACCOUNT.subWindowMs]! - nowMs);
  }
  return null;
}

/** How long until nothing of what counts at `nowMs` counts any more, milliseconds; 0 where nothing does. For a reader outside of a step. */
export function emptyInMs(floats: Float64Array, at: number, nowMs: number): number {
  const last = floats[at + ACCOUNT.epoch]!;
  const oldest = epochAt(floats, at, nowMs) - SUB_WINDOWS;
  for (let epoch = last; epoch >= Math.max(oldest, last - SUB_WINDOWS); epoch--) {
    if (floats[cellOf(at, epoch)] === 0) continue;
    return Math.max(0, (epoch + RING) * floats[at + ACCOUNT.subWindowMs]! - nowMs);
  }
  return 0;
}
