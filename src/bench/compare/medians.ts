/**
 * From the figures of several rounds to one line of the table.
 */

import type { RoundFigures } from "./round.ts";

/** What the table says about one subject. */
export type SubjectOutcome =
  | {
      readonly name: string;
      readonly version: string;
      readonly share: number;
      readonly rounds: readonly (RoundFigures | null)[];
    }
  /** It could not be installed, started or measured. */
  | { readonly name: string; readonly reason: string };

/** The figures that are compared as ratios. */
export type ComparedFigure = "cpuUsPerEvent" | "cpuUsPerRequest" | "rssBytesPerStream";

/** The middle value; the mean of the two middle ones of an even number. `null` of nothing. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median over the rounds that were measured. */
export function medianOf(
  rounds: readonly (RoundFigures | null)[],
  figure: keyof Omit<RoundFigures, "faults">,
): number | null {
  return median(rounds.filter((round) => round !== null).map((round) => round[figure]));
}

/**
 * Median over rounds of the ratio to the baseline in the same round: what the machine did meanwhile, it did to both.
 *
 * @returns `null` where no round has both, or the baseline's figure is 0.
 */
export function medianRatio(
  rounds: readonly (RoundFigures | null)[],
  baseline: readonly (RoundFigures | null)[],
  figure: ComparedFigure,
): number | null {
  const ratios: number[] = [];
  for (const [index, round] of rounds.entries()) {
    const base = baseline[index]?.[figure] ?? 0;
    if (round !== null && base > 0) ratios.push(round[figure] / base);
  }
  return median(ratios);
}
