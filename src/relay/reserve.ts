/**
 * Reserves what a call may use in all limits that hold for it, or refuses it. Nothing of a refused call counts anywhere.
 *
 * Input is bounded by its size where that is small, and counted off the loop where it is not; output by what the caller lets
 * the answer have, or by how long the model's answers have been of late.
 */
import { priceOf } from "../config/prices.ts";
import type { Price } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { Refill, Refusal, Reservation, Shortage } from "../limits/limiter.ts";
import type { Use } from "../limits/measures.ts";
import type { RequestLimits } from "../limits/plan.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";
import { busyRefusal, limitRefusal } from "../limits/refusal.ts";
import { StreamMeter } from "../limits/stream-meter.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import { estimateInputTokens } from "../offload/token-estimate.ts";
import type { Call, Work } from "./call.ts";
import { crash } from "./crash.ts";
import type { LeaseTicket } from "./limits-desk.ts";
import { refuse } from "./refuse.ts";
import { jitteredMs } from "./retry-after.ts";
import { settle } from "./settle.ts";

/** A request of up to this size is taken to have as many tokens as bytes, which is never too few. */
const COUNTED_FROM_BYTES = 8 * 1024;
/** Milliseconds; where the count takes longer the size goes for it. */
const COUNT_DEADLINE_MS = 3000;
/** Between the answer of who keeps the whole and the second try another request may have been faster. */
const MOST_TRIES = 4;
/** For the main thread's answer, which asks Redis for 50 ms at most. */
const LEASE_DEADLINE_MS = 1000;
/** Operations whose answers are no text. */
const WITHOUT_OUTPUT = /embed|countTokens|count_tokens/i;

/** Of a request that no model answers: for what the provider has stored. */
const FREE: Price = { inputUsdPerMillion: 0, outputUsdPerMillion: 0, cachedInputUsdPerMillion: undefined };

/** What is known of a request's size. */
export interface Asked {
  /** Empty where it was translated off the loop. */
  readonly body: Buffer;
  /** Of the body as it came. */
  readonly sizeBytes: number;
  /** A copy for a count, where the body is too large to be copied on the loop. */
  readonly copy: Uint8Array | undefined;
  readonly maxOutputTokens: number | undefined;
  /** How many answers are asked for. */
  readonly answers: number;
}

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
  const outputTokens = outputBound(call, asked);
  if (limits.limits.length === 0) {
    return next({ inputTokens: estimateInputTokens(asked.sizeBytes), outputTokens });
  }
  call.limits = limits;
  inputBound(call, limits, asked, (inputTokens) => {
    const price = call.model === null ? FREE : priceOf(call.model, call.askedModel, inputTokens);
    const use = { inputTokens, outputTokens };
    new Reserving(call, { limits, use, price }, () => next(use)).try();
  });
}

function outputBound(call: Call, { maxOutputTokens, answers }: Asked): number {
  if (WITHOUT_OUTPUT.test(call.kind.route)) return 0;
  return maxOutputTokens ?? answers * call.runtime.limits.bound(call.model?.name ?? "").tokens;
}

function inputBound(call: Call, limits: RequestLimits, asked: Asked, next: (tokens: number) => void): void {
  const { kind } = call;
  // Nobody bills a count of tokens.
  if (kind.kind === "pass" && kind.counts === true) return next(0);
  const bySize = estimateInputTokens(asked.sizeBytes);
  const isMatter = limits.limits.some(({ measure }) => measure !== "requests" && measure !== "concurrency");
  if (!isMatter || bySize <= COUNTED_FROM_BYTES) return next(bySize);
  const copy = asked.copy ?? (asked.sizeBytes <= OFFLOAD_BODY_BYTES ? new Uint8Array(asked.body) : undefined);
  if (copy === undefined) return next(bySize);
  const back = (tokens: number): void => {
    call.work = null;
    try {
      next(tokens);
    } catch (error) {
      crash(call, error);
    }
  };
  const ticket = call.runtime.offload.counts.submit({
    task: "count_tokens",
    input: { body: copy, kind: kind.kind === "prompt" ? "prompt" : kind.dialect.name },
    sizeBytes: copy.length,
    deadlineMs: COUNT_DEADLINE_MS,
    onOutput: ({ tokens }) => {
      // For the access line as well, where it is wanted there.
      if (call.runtime.snapshot.usage.countInput === "exact") call.inputCount = { tokens, cancel() {} };
      back(tokens ?? bySize);
    },
    onFailure: () => back(bySize),
  });
  if (ticket === undefined) return next(bySize);
  call.work = {
    abort: () => {
      ticket.cancel();
      settle(call, "client_gone");
    },
    fail: (error, outcome) => {
      ticket.cancel();
      refuse(call, error, outcome);
    },
  };
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

/** Watches a stream whose limits end it when they are used up. */
export class CallMeter {
  readonly #call: Call;
  readonly #limits: RequestLimits;
  readonly #meter: StreamMeter;
  #ticket: LeaseTicket | null = null;
  #refusal: GatewayError | null = null;

  constructor(call: Call, reservation: Reservation, { limits, use, price }: Omit<Reserved, "reservation">) {
    this.#call = call;
    this.#limits = limits;
    this.#meter = new StreamMeter({ reservation, limits, reserved: use, price });
  }

  /** @param outputTokens so far. @returns why the stream is to be ended; `null`: it goes on. */
  check(outputTokens: number): GatewayError | null {
    if (this.#refusal !== null) return this.#refusal;
    const refusal = this.#meter.meter(outputTokens, monotonicMs());
    if (refusal === null) return null;
    if (refusal.kind === "shortage") return shortageError(this.#limits, refusal);
    this.#ticket ??= this.#call.runtime.limits.lease(refusal.needs, (result) => {
      this.#ticket = null;
      if (result.kind === "shortage") this.#refusal = shortageError(this.#limits, result);
    });
    return null;
  }

  close(): void {
    this.#ticket?.cancel();
  }
}

function shortageError(limits: RequestLimits, shortage: Shortage): GatewayError {
  return limitRefusal(shortage, limits.limitOf(shortage.account)!);
}

function leaseError(limits: RequestLimits, result: Exclude<LeaseResult, { kind: "granted" }>): GatewayError {
  if (result.kind === "shortage") return shortageError(limits, result);
  return new GatewayError("overloaded", {
    detail: "who keeps the limits of all processes does not answer",
    retryAfterMs: jitteredMs(Math.max(1000, result.retryInMs)),
  });
}
