/**
 * Watches that a stream stays within what was reserved for it, and reserves more while there is more: for limits with
 * `enforce: stream`.
 *
 * More is reserved in portions, since each is a step in the ledger; where a portion is not to be had, a smaller one, so that the
 * last of a limit can be used.
 */
import type { Price } from "../config/snapshot.ts";
import type { Refusal, Reservation } from "./limiter.ts";
import type { Use } from "./measures.ts";
import type { RequestLimits } from "./plan.ts";

/** Output tokens of one portion; at least a quarter of what was there before. */
const LEAST_PORTION = 256;
/** What a stream may go on for where nobody can tell at the moment. */
const GRACE = 64;

interface StreamMeterOptions {
  readonly reservation: Reservation;
  readonly limits: RequestLimits;
  /** What was reserved. */
  readonly reserved: Use;
  readonly price: Price | undefined;
}

/** See the file's comment. */
export class StreamMeter {
  readonly #options: StreamMeterOptions;
  /** What is reserved: output tokens. */
  #reserved: number;
  /** How far it may go before the ledger is asked. */
  #bound: number;

  constructor(options: StreamMeterOptions) {
    this.#options = options;
    this.#reserved = options.reserved.outputTokens;
    this.#bound = options.limits.endStreams ? this.#reserved : Infinity;
  }

  /**
   * Says how far the stream has come. To be called with each read; nearly always one comparison.
   *
   * @param outputTokens so far.
   * @returns `null`: it goes on. A shortage: it has used up a limit, and is to be ended. `refill`: it goes on for now; ask for more,
   * end it if there is none.
   */
  meter(outputTokens: number, nowMs: number): Exclude<Refusal, { readonly kind: "busy" }> | null {
    if (outputTokens <= this.#bound) return null;
    let portion = Math.max(LEAST_PORTION, Math.ceil(this.#reserved / 4));
    for (;;) {
      const target = Math.max(this.#reserved + portion, Math.ceil(outputTokens));
      const refusal = this.#extendTo(target, nowMs);
      if (refusal === null) {
        this.#reserved = target;
        this.#bound = target;
        return null;
      }
      if (refusal.kind !== "shortage") {
        this.#bound = outputTokens + GRACE;
        return refusal.kind === "refill" ? refusal : null;
      }
      // What has been sent is the least that has to be had.
      if (this.#reserved + portion <= outputTokens || portion === 1) return refusal;
      portion = Math.ceil(portion / 4);
    }
  }

  #extendTo(outputTokens: number, nowMs: number): Refusal | null {
    const { reservation, limits, reserved, price } = this.#options;
    const more = limits.more({ ...reserved, outputTokens: this.#reserved }, { ...reserved, outputTokens }, price);
    return reservation.extend(more, nowMs);
  }
}
