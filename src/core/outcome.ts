/**
 * How a request can end: one closed list for the access log and the metrics, with who ended it.
 */

/** Outcome → who ended the request. */
export const OUTCOMES = {
  /** The whole answer was delivered. */
  completed: "upstream",
  /** Refused here: nothing was sent upstream. */
  refused: "gateway",
  /** The upstream answered with an error status, which was passed on. */
  upstream_status: "upstream",
  /** No usable answer: not reached, not in time, not understood. Nothing of one was delivered. */
  upstream_failed: "upstream",
  /** The answer broke off, fell silent or reported an error after part of it was delivered. */
  upstream_cut: "upstream",
  /** The client left before the end. */
  client_gone: "client",
  /** The client took nothing for `streams.stall_timeout` and was cut off. */
  client_stalled: "client",
  /** A limit with `enforce: stream` was used up in the middle, and the stream was ended there, as one that reached its length. */
  limited: "gateway",
  /** `timeouts.total` ran out. */
  timed_out: "gateway",
  /** The drain's time ran out before the end. */
  drained: "gateway",
  /** A fault of the gateway. */
  internal: "gateway",
} as const satisfies Record<string, "client" | "gateway" | "upstream">;

/** How a request ended. */
export type Outcome = keyof typeof OUTCOMES;
