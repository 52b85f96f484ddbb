/** Sizes as people write them: `64KiB`, `20MiB`. */

const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** No number that makes sense as a size is longer; the bound keeps a pasted file from being converted. */
const MAX_LENGTH = 32;

/**
 * Reads a size: a decimal number of 0 or more and, without a space, `B`, `KiB`, `MiB` or `GiB`.
 *
 * @returns Bytes, a whole number (`1.5KiB` is 1536); `undefined` where the text is anything else, has no unit, does not
 * come to whole bytes, or is past what a number holds exactly. `KB` and `MB` are refused: they mean two things.
 */
export function parseSize(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(text);
  if (match === null) return undefined;
  const sizeBytes = Number(match[1]) * BYTES[match[2]!]!;
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}
