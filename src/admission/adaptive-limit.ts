/**
 * How many requests an upstream should carry at a time, found from how long first tokens take: a pure controller, fed with
 * what the loops have seen.
 *
 * Times are compared with what the upstream does at its best, per class of input size: a long prompt takes longer and is no sign
 * of anything. The mean of a period is taken over logarithms, so that one that took long does not speak for all. Whole
 * streams are never timed: how long an answer is says nothing of the upstream.
 *
 * - **Grows** while times are near their floor and the cap is in use; by a quarter until something first speaks against it,
 *   then by a twentieth.
 * - **Shrinks** by a tenth when times are twice their floor, by a quarter of what was in use when the upstream refuses.
 * - **A floor** falls when times do, and rises over hours. It is never looked for by letting the upstream run empty. Where the cap
 *   has been halved and times are what they were, it was not the cap that made them so: they are the floor, then. (The
 *   model is another, or others use it, too.)
 * - After a change the times of requests that began before it are let pass.
 */

/** Input tokens at which the next class of sizes begins. */
const CLASS_BOUNDS = [256, 1024, 4096, 16_384, 65_536];
/** How many classes of input size there are. */
export const SIZE_CLASSES = CLASS_BOUNDS.length + 1;

/** Below this many times their floor, first tokens come soon enough for more. */
const NEAR_FLOOR = Math.log(1.5);
/** Above this many times, they come too late. */
const FAR_FROM_FLOOR = Math.log(2);
const FIRST_GROWTH = 1.25;
const GROWTH = 1.05;
const SHRINKAGE = 0.9;
const OVERLOAD_SHRINKAGE = 0.75;
/** Of the cap, in use at some moment: then a larger one would be used, too. */
const IN_USE = 0.8;
/** Times that a decision is made from; fewer where the cap is smaller. */
const ENOUGH = 8;
/** Between two changes, at least; and as long as a first token takes, at most the second of these. */
const LEAST_PERIOD_MS = 500;
const MOST_PERIOD_MS = 10_000;
/** A period's times that are below the floor lower it by this part of the difference: some have luck. */
const FALL = 0.25;
const RISE_MS = 6 * 3_600_000;
/** The cap has been halved, and times have hardly come nearer to the floor: were it the cap, they would be half as long. */
const IN_VAIN = { cap: 0.5, gain: -Math.log(0.75) };
/** Times that are suddenly so much longer than since it began to shrink are another matter. */
const WORSE = Math.log(1.25);
/** What the last period weighs in the mean that is compared for that. */
const RECENT = 0.5;

/** What loops have seen of an upstream. */
export interface UpstreamObservations {
  /** For each class of input size: first tokens that came. */
  readonly firstTokens: readonly number[];
  /** And the sum of the natural logarithms of how long they took, milliseconds. */
  readonly logSums: readonly number[];
  /** Whole answers, to requests that asked for no stream. */
  readonly answers: number;
  /** Refusals for now (429, 503, 529), and answers that did not begin in time. */
  readonly overloads: number;
}

/** @returns the class of a prompt's size, 0 to {@link SIZE_CLASSES} − 1. */
export function sizeClassOf(inputTokens: number): number {
  let found = 0;
  while (found < CLASS_BOUNDS.length && inputTokens >= CLASS_BOUNDS[found]!) found++;
  return found;
}

/** The bounds of a cap; 1 or more. */
export interface CapBounds {
  readonly min: number;
  readonly max: number;
}

/** See the file's comment. */
export class AdaptiveLimit {
  #bounds: CapBounds;
  #cap: number;
  /** Natural logarithm of milliseconds; `undefined` where none of the class has come yet. */
  readonly #floors: (number | undefined)[] = Array.from({ length: SIZE_CLASSES });
  /** Since the last decision. */
  #counts: number[] = zeros();
  #sums: number[] = zeros();
  #answers = 0;
  #overloads = 0;
  #peakInUse = 0;
  /** Nothing has spoken against growing yet. */
  #starting = true;
  /** What is seen until then was begun under another cap. */
  #settlingUntilMs = -Infinity;
  /** Until then the upstream's last refusal has been heeded. */
  #heededUntilMs = -Infinity;
  #decidedMs: number | null = null;
  /** How far from the floor first tokens are, as a moving mean of logarithms. */
  #ratio = 0;
  /** Since it has been shrinking for late first tokens: the cap before, and how late they were at most. */
  #shrinkingFrom: { readonly cap: number; readonly ratio: number } | null = null;

  /** Begins with the least. */
  constructor(bounds: CapBounds) {
    this.#bounds = bounds;
    this.#cap = bounds.min;
  }

  /** Requests that may be under way, within the bounds. A whole number. */
  get cap(): number {
    return Math.floor(this.#cap);
  }

  /** Other bounds hold from now on. */
  set bounds(bounds: CapBounds) {
    this.#bounds = bounds;
    this.#setCap(this.#cap);
  }

  /**
   * Takes what was seen; the cap may then be another.
   *
   * @param inUse requests under way, at this moment or at most since the last.
   * @param nowMs monotonic.
   */
  take(seen: UpstreamObservations, inUse: number, nowMs: number): void {
    this.#decidedMs ??= nowMs;
    this.#peakInUse = Math.max(this.#peakInUse, inUse);
    if (nowMs >= this.#settlingUntilMs) {
      for (let i = 0; i < SIZE_CLASSES; i++) {
        this.#counts[i]! += seen.firstTokens[i] ?? 0;
        this.#sums[i]! += seen.logSums[i] ?? 0;
      }
      this.#answers += seen.answers;
    }
    // Those that come soon after others were of the same moment.
    if (nowMs >= this.#heededUntilMs) this.#overloads += seen.overloads;
    const count = this.#counts.reduce((sum, one) => sum + one, 0);
    const isEnough = count + this.#answers >= Math.min(ENOUGH, this.#cap);
    if (this.#overloads > 0 || (isEnough && nowMs - this.#decidedMs >= LEAST_PERIOD_MS)) this.#decide(count, nowMs);
  }

  #decide(count: number, nowMs: number): void {
    const before = this.cap;
    const ratio = count > 0 ? this.#compare(nowMs - this.#decidedMs!) : 0;
    this.#ratio += (ratio - this.#ratio) * RECENT;
    if (this.#overloads > 0) {
      this.#starting = false;
      this.#heededUntilMs = nowMs + LEAST_PERIOD_MS;
      this.#setCap(Math.min(this.#cap, Math.max(this.#peakInUse, 1)) * OVERLOAD_SHRINKAGE);
    } else if (ratio > FAR_FROM_FLOOR) this.#shrink(ratio);
    else {
      this.#shrinkingFrom = null;
      if (ratio < NEAR_FLOOR && this.#peakInUse >= IN_USE * this.cap) this.#grow();
    }
    const meanMs = count > 0 ? Math.exp(this.#sums.reduce((sum, one) => sum + one, 0) / count) : 0;
    // From the next change on: one that changes nothing has nothing to wait for.
    if (this.cap !== before) {
      this.#settlingUntilMs = nowMs + Math.min(MOST_PERIOD_MS, Math.max(LEAST_PERIOD_MS, meanMs));
    }
    this.#decidedMs = nowMs;
    this.#counts = zeros();
    this.#sums = zeros();
    this.#answers = this.#overloads = this.#peakInUse = 0;
  }

  /** @returns how far first tokens were from their floors, as a logarithm; moves the floors. */
  #compare(elapsedMs: number): number {
    let known = 0;
    let distance = 0;
    this.#counts.forEach((count, i) => {
      const floor = this.#floors[i];
      if (count === 0 || floor === undefined) return;
      known += count;
      distance += this.#sums[i]! - count * floor;
    });
    const ratio = known === 0 ? 0 : distance / known;
    this.#counts.forEach((count, i) => {
      if (count === 0) return;
      const mean = this.#sums[i]! / count;
      const floor = this.#floors[i];
      // A size that comes for the first time is taken to be as late as the others are.
      if (floor === undefined) this.#floors[i] = mean - Math.max(0, ratio);
      else this.#floors[i] = floor + (mean - floor) * (mean < floor ? FALL : 1 - Math.exp(-elapsedMs / RISE_MS));
    });
    return ratio;
  }

  #grow(): void {
    const factor = this.#starting ? FIRST_GROWTH : GROWTH;
    this.#setCap(Math.max(this.#cap * factor, this.#cap + 1));
  }

  #shrink(ratio: number): void {
    this.#starting = false;
    const before = this.#shrinkingFrom;
    if (before === null) this.#ratio = ratio;
    const isAnother = before === null || this.#ratio > before.ratio + WORSE;
    // What is seen first is in part from before.
    const from = isAnother
      ? { cap: this.#cap, ratio: this.#ratio }
      : { cap: before.cap, ratio: Math.max(before.ratio, this.#ratio) };
    this.#shrinkingFrom = from;
    const wasInVain = this.#cap <= from.cap * IN_VAIN.cap && this.#ratio > from.ratio - IN_VAIN.gain;
    // The least that there may be is as good as it gets.
    if (wasInVain || this.#cap <= this.#bounds.min) {
      for (let i = 0; i < SIZE_CLASSES; i++) if (this.#floors[i] !== undefined) this.#floors[i]! += ratio;
      this.#shrinkingFrom = null;
      this.#ratio = 0;
    } else this.#setCap(this.#cap * SHRINKAGE);
  }

  #setCap(cap: number): void {
    this.#cap = Math.min(this.#bounds.max, Math.max(this.#bounds.min, cap));
  }
}

function zeros(): number[] {
  return Array.from({ length: SIZE_CLASSES }, () => 0);
}
