/** The times that slices and slots live by, and what they cost. */

/**
 * How long a slice may be used, milliseconds from when it was asked for. Redis counts what it leases for a window, this, and one
 * sub-window, since it may be used that late: of a minute's limit 60 of 63 can be used steadily. Longer would cost more of
 * it, shorter more calls.
 */
export const SLICE_MS = 2000;

/** A window is counted in so many steps. */
const STEPS = 60;

/** How often all that is not asked for by a request is looked at, milliseconds. */
export const TURN_MS = 100;

/** Least time between two calls for one tenant that no request waits for, milliseconds: giving back, filling up. */
export const REST_MS = 250;

/** What is leased for requests to come is what they take in so long, milliseconds: a busy tenant costs one or two calls a second. */
export const REFILL_MS = 1000;

/** A process that was not heard of for so long is not one of those that share, milliseconds. */
export const PEER_MS = 10_000;

/** How long a process is remembered, milliseconds: longer than the longest window, 30 days, counts. */
export const REMEMBER_MS = 32 * 86_400_000;

/**
 * After Redis has come back as another, with nothing in it: how long nobody gets anything, milliseconds, while all processes say what
 * they have leased. Several times what one that is alive takes to connect again.
 */
export const SETTLE_MS = 2000;

/** How long a lease of slots lasts, milliseconds: that much later a dead process's slots are free. */
export const SLOTS_MS = 3000;

/** How often leases of slots are renewed, milliseconds; while others ask in vain, every turn. */
export const SLOTS_RENEW_MS = 1000;

/** Milliseconds of a sub-window. @param windowMs a minute, an hour, a day, 30 days. */
export function stepMsOf(windowMs: number): number {
  return Math.ceil(windowMs / STEPS);
}
