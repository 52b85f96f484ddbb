/**
 * The port to limits: what a request is going to use is reserved before it begins, in all accounts that it touches or in none,
 * and settled when it is known what it has used.
 *
 * An *account* is one limit of somebody: tenant acme's tokens per minute, the upstream key's requests per minute. It is known
 * by its index; who has which is the directory's (accounts.ts). Amounts are whole numbers of whatever it counts: requests,
 * tokens, requests under way, micro-dollars.
 *
 * | kind | counts | when the loop that reserved dies |
 * | --- | --- | --- |
 * | `rate` | what was reserved, from the moment it was, for `windowMs` | stays until the window has passed: it may have been used |
 * | `budget` | what is used, for `windowMs`; and what is reserved, until it is settled | what was not settled is given back |
 * | `gauge` | what is reserved, until it is settled | is given back |
 *
 * A *shared* account is one of several processes. What this process may use of it is granted in slices by who keeps the whole
 * (Redis); the answer to who finds too little in them is {@link Refill} and not {@link Shortage}, since nobody here knows
 * whether there is more.
 */

/** So much is to be reserved in an account. Each account at most once in a reservation. */
export interface Charge {
  readonly account: number;
  /** Whole, 0 or more; 0 is never refused. */
  readonly amount: number;
}

/** There is too little left. Nothing was reserved. */
export interface Shortage {
  readonly kind: "shortage";
  /** The first in the order of the charges that has too little. */
  readonly account: number;
  /** What was asked of it. */
  readonly asked: number;
  readonly limit: number;
  /** What is left of it now, 0 or more. */
  readonly remaining: number;
  /**
   * How long until what was asked is free, if nobody else takes it and all that is under way stays as it is, milliseconds.
   * `null` where time alone does not free it: a gauge, a budget that is held by requests under way, or more than the limit.
   */
  readonly freeInMs: number | null;
}

/** The slices of these accounts that this process holds are too small. Nothing was reserved: get more, and try again. */
export interface Refill {
  readonly kind: "refill";
  /** What is missing: at least so much more is needed. */
  readonly needs: readonly Charge[];
}

/** The accounts were locked for too long: a loop died a moment ago, or the processor has far too much to do. Nothing was reserved. */
export interface Busy {
  readonly kind: "busy";
}

/** Why nothing was reserved. */
export type Refusal = Shortage | Refill | Busy;

/** What a request has reserved, until it is settled; the charges' order is the order of all amounts here. */
export interface Reservation extends Disposable {
  readonly kind: "reserved";
  /** Whether it is not settled yet. */
  readonly held: boolean;
  /** What is reserved by charge, extensions included. */
  readonly amounts: readonly number[];
  /**
   * Reserves more, in all accounts or in none; a stream that has used up what it had. What was reserved before counts as used.
   *
   * @param more by charge; whole, 0 or more.
   * @returns `null` where it was reserved.
   */
  extend(more: readonly number[], nowMs: number): Refusal | null;
  /**
   * Says what was used, and gives back the rest, where it was reserved. Where more was used than reserved, the difference
   * counts from now on, whatever the limit. Does nothing from the second time on, or once its loop counts as dead. Never throws.
   *
   * @param used by charge; what is missing, or no number of 0 or more, counts as reserved. Fractions are rounded up.
   */
  settle(used: readonly number[], nowMs: number): void;
  /** Settles as if nothing had been used: the request was refused after all, or never left. */
  release(): void;
}

/** How an account stands, for those who ask; a moment later it may be otherwise. */
export interface Standing {
  readonly limit: number;
  /** 0 or more. Of a shared account: as far as this process knows. */
  readonly remaining: number;
  /** How long until the whole limit is free, if nothing more is used, milliseconds. 0 for a gauge. */
  readonly resetInMs: number;
}

/**
 * One loop's access to all accounts. Every call returns at once, or after {@link Busy}'s few milliseconds.
 * All times are of the monotonic clock (src/core/monotonic-clock.ts).
 */
export interface Limiter {
  /**
   * Reserves all charges or none, in one step: no other loop sees a part of it.
   *
   * @throws {RangeError} where an account does not exist, or an amount is not a whole number of 0 or more.
   */
  reserve(charges: readonly Charge[], nowMs: number): Reservation | Refusal;
  /** @throws {RangeError} where the account does not exist. */
  peek(account: number, nowMs: number): Standing;
}

/** A part of a shared account that this process may use for a while. */
export interface Slice {
  readonly account: number;
  /** Whole, 1 or more. */
  readonly amount: number;
  /**
   * Names the part of the shared count that it was taken from (Redis's sub-window), to give the rest back there. A number
   * other than 0; slices of one account with the same mark are put together.
   */
  readonly mark: number;
  /** Not to be used from this time on, monotonic milliseconds. */
  readonly expiresMs: number;
}

/** What goes back to the shared count, or on to it. */
export interface SliceReturn {
  readonly account: number;
  /** Of the slice that it was taken from. 0: of none, it was used beyond what was reserved, and counts from now on. */
  readonly mark: number;
  /** Above 0: was not used. Below 0 (where `mark` is 0): was used and has not been counted yet. */
  readonly amount: number;
}

/** The main thread's access to the slices of shared accounts. Nothing of it is for a loop. */
export interface SliceKeeper {
  /**
   * Puts a slice to those that the process has.
   *
   * @returns Whether there was room for it; where not, it is to be given back.
   */
  grant(slice: Slice): boolean;
  /**
   * Takes out what is to go back: what is left of slices that have expired, what was settled in such slices since, and what was
   * used beyond. To be called a few times a second.
   */
  collect(nowMs: number): SliceReturn[];
  /** What is left in slices that can still be used. */
  available(account: number, nowMs: number): number;
  /**
   * Sets how much of a shared gauge the loops of this process may hold together. Where they hold more, nobody gets any until they
   * hold less.
   *
   * @returns `granted`, or what is held where that is more.
   */
  setGranted(account: number, granted: number): number;
  /** What the loops of this process hold of a gauge now. */
  held(account: number): number;
}
