/** Reserves what a call may use in all limits that hold for it, or refuses it. Nothing of a refused call counts anywhere. */
import { priceOf } from "../config/prices.ts";
import type { Price } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { Refill, Refusal, Reservation } from "../limits/limiter.ts";
import type { Use } from "../limits/measures.ts";
import type { RequestLimits } from "../limits/plan.ts";
import { busyRefusal } from "../limits/refusal.ts";
import { estimateInputTokens } from "../offload/token-estimate.ts";
import { boundInput, boundOutput } from "./bound-use.ts";
import type { Asked } from "./bound-use.ts";
import { CallMeter } from "./call-meter.ts";
import type { Call, Work } from "./call.ts";
import { crash } from "./crash.ts";
import { leaseError, shortageError } from "./limit-errors.ts";
import type { LeaseTicket } from "./limits-desk.ts";
import { refuse } from "./refuse.ts";
import { settle } from "./settle.ts";

/** Between the answer of who keeps the whole and the second try another request may have been faster. */
const MOST_TRIES = 4;
/** For the main thread's answer, which asks Redis for 50 ms at most. */
const LEASE_DEADLINE_MS = 1000;
/** Of a request that no model answers: for what the provider has stored. */
const FREE: Price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0, cachedInputUsdPerMillion: undefined };

/** What a call has reserved. */
export interface Reserved {
  readonly reservation: Reservation;
  readonly limits: RequestLimits;
  readonly use: Use;
  readonly price: Price | undefined;
}

/** Goes on with `next`, which gets what the call may use as far as can be said; or refuses it. */
export function reserve(call: Call, asked: Asked, next: (use: Use) => void): void {
  const { plan } = call.runtime.limits;
  const { tenant, keyId } = call.identity;
  if (!plan.knows({ tenant, keyId })) return refuse(call, new GatewayError("key_invalid"));
  const limits = plan.limitsFor({ tenant, keyId, model: call.model?.name ?? "", upstream: call.upstream!.config.name });
  const outputTokens = boundOutput(call, asked);
  if (limits.limits.length === 0) {
    return next({ inputTokens: estimateInputTokens(asked.sizeBytes), outputTokens });
  }
  call.limits = limits;
  boundInput(call, limits, asked, (inputTokens) => {
    const price = call.model === null ? FREE : priceOf(call.model, call.askedModel, inputTokens);
    const use = { inputTokens, outputTokens };
    new Reserving(call, { limits, use, price }, () => next(use)).try();
  });
}

/** While it waits for more of a shared limit it is the call's work. */
class Reserving extends TimerEntry implements Work {
  readonly #call: Call;
  readonly #what: Omit<Reserved, "reservation">;
  readonly #next: () => void;
  #ticket: LeaseTicket | null = null;
  #tries = 0;

  constructor(call: Call, what: Omit<Reserved, "reservation">, next: () => void) {
    super();
    this.#call = call;
    this.#what = what;
    this.#next = next;
  }

  try(): void {
    const { limits, use, price } = this.#what;
    const { limiter } = this.#call.runtime.limits;
    this.#tries++;
    const reserved = limiter.reserve(limits.charges(use, price), monotonicMs());
    if (reserved.kind !== "reserved") return this.#refused(reserved);
    this.#call.reserved = { ...this.#what, reservation: reserved };
    if (limits.endStreams) this.#call.meter = new CallMeter(this.#call, reserved, this.#what);
    this.#next();
  }

  abort(): void {
    this.#leave();
    settle(this.#call, "client_gone");
  }

  fail(error: GatewayError, outcome: Outcome): void {
    this.#leave();
    refuse(this.#call, error, outcome);
  }

  /** The main thread's answer is overdue. */
  override onTimer(): void {
    this.fail(leaseError(this.#what.limits, { kind: "unavailable", retryInMs: 0 }), "refused");
  }

  #leave(): void {
    this.#ticket?.cancel();
    this.#call.runtime.wheel.disarm(this);
  }

  #refused(refusal: Refusal): void {
    const call = this.#call;
    if (refusal.kind === "shortage") return refuse(call, shortageError(this.#what.limits, refusal));
    if (refusal.kind === "busy" || this.#tries >= MOST_TRIES) return refuse(call, busyRefusal({ kind: "busy" }));
    this.#ask(refusal);
  }

  #ask({ needs }: Refill): void {
    const call = this.#call;
    const { wheel } = call.runtime;
    call.work = this;
    wheel.arm(this, wheel.nowMs() + LEASE_DEADLINE_MS);
    this.#ticket = call.runtime.limits.lease(needs, (result) => {
      call.work = null;
      wheel.disarm(this);
      try {
        if (result.kind === "granted") this.try();
        else refuse(call, leaseError(this.#what.limits, result));
      } catch (error) {
        crash(call, error);
      }
    });
  }
}
