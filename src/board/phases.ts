/**
 * What a loop can be doing, as it notes on the board before it begins: it is all that is known of a loop that a long builtin
 * blocks (`JSON.parse` of 12 MB), which no profiler interrupts.
 */

/** Index = the number on the board. `idle` is 0, which is what a cleared row says. The rest follows the life of a request. */
export const PHASES = [
  "idle",
  "understand",
  "route",
  "compose",
  "reserve",
  "admit",
  "attempt",
  "relay",
  "settle",
  "reload",
  "drain",
  "metrics",
] as const;

/** One of the list. */
export type Phase = (typeof PHASES)[number];

/** Phase → its number on the board. */
export const PHASE_NUMBERS: Readonly<Record<Phase, number>> = Object.fromEntries(
  PHASES.map((phase, number) => [phase, number]),
) as Record<Phase, number>;
