/** Why limits refuse a call, or end its stream, as its client sees it. */
import { GatewayError } from "../core/errors.ts";
import type { Shortage } from "../limits/limiter.ts";
import type { RequestLimits } from "../limits/plan.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";
import { limitRefusal } from "../limits/refusal.ts";
import { jitteredMs } from "./retry-after.ts";

/** One of `limits` is used up. */
export function shortageError(limits: RequestLimits, shortage: Shortage): GatewayError {
  return limitRefusal(shortage, limits.limitOf(shortage.account)!);
}

/** There is no more of a shared limit to be had, or nobody has said so. */
export function leaseError(limits: RequestLimits, result: Exclude<LeaseResult, { kind: "granted" }>): GatewayError {
  if (result.kind === "shortage") return shortageError(limits, result);
  return new GatewayError("overloaded", {
    detail: "who keeps the limits of all processes does not answer",
    retryAfterMs: jitteredMs(Math.max(1000, result.retryInMs)),
  });
}
