/** Who waits for a lease, and what the answer can be. */
import { TimerEntry } from "../../core/timer-wheel.ts";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import type { Charge, Shortage } from "../limiter.ts";
import { CALL_DEADLINE_MS } from "./redis-link.ts";

/** Redis does not answer, or not in time; or it has lost what it knew and is being told. */
export interface Unavailable {
  readonly kind: "unavailable";
  /** When it is worth asking again, milliseconds. */
  readonly retryInMs: number;
}

/** What became of a lease. Granted: it is with the keeper, for whoever reserves first. */
export type LeaseResult = { readonly kind: "granted" } | Shortage | Unavailable;

/** One that asks for a part of some accounts of one group, for {@link CALL_DEADLINE_MS} at most. Answered exactly once. */
export class LeaseWaiter extends TimerEntry {
  readonly needs: readonly Charge[];
  readonly #wheel: TimerWheel;
  readonly #done: (result: LeaseResult) => void;
  #waits = true;

  constructor(needs: readonly Charge[], wheel: TimerWheel, done: (result: LeaseResult) => void) {
    super();
    this.needs = needs;
    this.#wheel = wheel;
    this.#done = done;
    wheel.arm(this, wheel.nowMs() + CALL_DEADLINE_MS);
  }

  /** Whether it has had no answer yet. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Does nothing from the second time on. */
  answer(result: LeaseResult): void {
    if (!this.#waits) return;
    this.#waits = false;
    this.#wheel.disarm(this);
    this.#done(result);
  }

  override onTimer(): void {
    this.answer({ kind: "unavailable", retryInMs: CALL_DEADLINE_MS });
  }
}
