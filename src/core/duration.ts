/** Durations as people write them: `250ms`, `5s`, `10m`. */

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** No number that makes sense as a duration is longer; the bound keeps a pasted file from being converted. */
const MAX_LENGTH = 32;

/**
 * Reads a duration: a decimal number of 0 or more and, without a space, `ms`, `s`, `m` or `h`.
 *
 * @returns Milliseconds, possibly with a fraction (`0.5ms`); `undefined` where the text is anything else. The unit is
 * not optional: `30` is refused, since half of the people mean seconds by it.
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * MILLISECONDS[match[2]!]!;
}
