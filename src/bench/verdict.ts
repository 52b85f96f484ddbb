/**
 * What in a result is wrong.
 */

import type { LoadResult } from "./scenario.ts";
import { surgeFaults } from "./surge.ts";

/**
 * The faults of a run, in words; empty when every stream that was asked for was served whole, with every token once and
 * in order.
 */
export function faultsOf(result: LoadResult): string[] {
  const { integrity, streams } = result;
  const faults: string[] = [];
  const count = (number: number, what: string): void => {
    if (number > 0) faults.push(`${number} ${what}`);
  };
  count(integrity.lost, "tokens lost");
  count(integrity.duplicated, "tokens duplicated");
  count(integrity.reordered, "tokens reordered");
  count(streams.outcomes.cut, "streams cut");
  count(streams.outcomes.unreachable, "streams without a connection");
  if (result.surge !== undefined) return [...faults, ...surgeFaults(result.surge)];
  count(streams.outcomes.refused, "streams refused");
  // Those that were hung up or frozen on purpose are not counted as open.
  count(streams.asked - streams.outcomes.stopped - streams.peakOpen, "streams never open together with the others");
  count(result.cancel?.unseen ?? 0, "hang-ups that the sim never saw");
  if (result.units === 0) faults.push(`no ${result.unit} in the steady window`);
  return faults;
}
