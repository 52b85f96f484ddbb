/** Budgets that outlive the process: what was used of an account, by the wall clock, because the monotonic one begins anew. */
import { ACCOUNT, SUB_WINDOWS } from "./ledger-memory.ts";
import type { LedgerStep } from "./ledger-step.ts";
import { advance, cellOf, epochAt } from "./windows.ts";

/** What was used of one account. Plain data, as JSON can have it. */
export interface SavedBudget {
  /** The account's. */
  readonly name: string;
  readonly windowMs: number;
  /** The end of a sub-window, milliseconds since 1970, and what was used in it. */
  readonly used: readonly (readonly [endMs: number, amount: number])[];
}

interface Moment {
  /** On the monotonic clock. */
  readonly nowMs: number;
  /** The same on the wall's. */
  readonly wallMs: number;
}

/** The clocks drift apart by milliseconds, by which nothing has changed; by more than this the wall's was set. */
const CLOCK_SET_MS = 1000;

/** Both clocks, always at the same distance, so that what has not changed is saved as the same. */
export class SteadyWallClock {
  readonly #read: () => Moment;
  /** How far the wall's is ahead, milliseconds. */
  #leadMs = NaN;

  /** @param read both clocks as they are. */
  constructor(read: () => Moment) {
    this.#read = read;
  }

  /** The wall's time may be up to a second off. */
  moment(): Moment {
    const { nowMs, wallMs } = this.#read();
    if (!(Math.abs(wallMs - nowMs - this.#leadMs) < CLOCK_SET_MS)) this.#leadMs = Math.round(wallMs - nowMs);
    return { nowMs, wallMs: nowMs + this.#leadMs };
  }
}

/** What of `used` can have been written by {@link readBudget}; a file may have been written by anybody. */
export function plausibleUses({ used }: SavedBudget): SavedBudget["used"] {
  if (!Array.isArray(used)) return [];
  return (used as readonly unknown[]).filter(isUse);
}

function isUse(one: unknown): one is readonly [number, number] {
  if (!Array.isArray(one)) return false;
  const [endMs, amount] = one as readonly unknown[];
  return Number.isFinite(endMs) && Number.isSafeInteger(amount) && (amount as number) > 0;
}

/** What counts in an account. Inside a step. */
export function readBudget(floats: Float64Array, at: number, { nowMs, wallMs }: Moment): SavedBudget["used"] {
  const newest = advance(floats, at, nowMs);
  const subWindowMs = floats[at + ACCOUNT.subWindowMs]!;
  // In whole milliseconds: a fraction's rounding would make another second of what has not changed.
  const leadMs = Math.round(wallMs - nowMs);
  const used: [number, number][] = [];
  for (let epoch = newest - SUB_WINDOWS; epoch <= newest; epoch++) {
    const amount = floats[cellOf(at, epoch)]!;
    if (amount === 0) continue;
    used.push([Math.ceil(((epoch + 1) * subWindowMs + leadMs) / 1000) * 1000, amount]);
  }
  return used;
}

/** Adds what {@link readBudget} has read to an account. Inside a step. */
export function writeBudget(
  floats: Float64Array,
  step: LedgerStep,
  at: number,
  used: SavedBudget["used"],
  { nowMs, wallMs }: Moment,
): void {
  const newest = advance(floats, at, nowMs);
  const sums = new Map<number, number>();
  for (const [endMs, amount] of used) {
    // By its last moment, so that nothing of it counts too short; and where the wall clock was set back, as if it were now.
    const epoch = Math.min(newest, epochAt(floats, at, endMs - 1 - wallMs + nowMs));
    if (epoch >= newest - SUB_WINDOWS) sums.set(epoch, (sums.get(epoch) ?? 0) + amount);
  }
  for (const [epoch, amount] of sums) {
    step.write(cellOf(at, epoch), floats[cellOf(at, epoch)]! + amount);
    step.write(at + ACCOUNT.used, floats[at + ACCOUNT.used]! + amount);
  }
}
