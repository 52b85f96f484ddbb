/**
 * The text of one simulated token: its place in the stream and when it was sent, so that whoever receives it can check
 * that every token came once and in order, and how long it was under way.
 *
 * `{12@1234567890123} ` is token 12 (from 0), sent at 1234567890123 µs of the host's monotonic clock, which all processes
 * of one machine share.
 */

// The first call sets its clock up lazily, a millisecond late.
performance.now();
const originUs = Number(process.hrtime.bigint() / 1000n) - Math.round(performance.now() * 1000);

/** Microseconds on the host's monotonic clock; comparable between processes of one machine. Whole number. */
export function monotonicUs(): number {
  return originUs + Math.round(performance.now() * 1000);
}

/** The text of token `index` sent at `sentUs`. ASCII, no characters that JSON escapes. */
export function tokenText(index: number, sentUs: number): string {
  return `{${index}@${sentUs}} `;
}
