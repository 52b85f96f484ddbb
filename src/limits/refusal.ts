/** A limit's refusal as the caller sees it: which limit, whose, how much is left, when to come back. */
import { GatewayError } from "../core/errors.ts";
import type { Busy, Shortage } from "./limiter.ts";
import { MICRO_USD } from "./measures.ts";
import type { Limit } from "./plan.ts";
import type { LimitOwner } from "./owners.ts";

/** Where time alone frees nothing. */
const UNKNOWN_WAIT_MS = 1000;
/** Nobody is asked to stay away longer: what is held may be given back, and limits may be raised. */
const MOST_WAIT_MS = 3_600_000;

/** @param random 0–1. @default Math.random() */
export function limitRefusal(
  { asked, limit: most, remaining, freeInMs }: Shortage,
  limit: Limit,
  random: number = Math.random(),
): GatewayError {
  const waitMs = Math.min(MOST_WAIT_MS, Math.max(UNKNOWN_WAIT_MS, freeInMs ?? UNKNOWN_WAIT_MS));
  const isUsd = limit.measure === "usd";
  const text = isUsd ? dollars : count;
  const [left, needed] = [text(remaining), text(asked)];
  const owner = ownerText(limit.owner);
  const whole = `${text(most)} ${limit.unit}`;
  const message =
    limit.measure === "concurrency"
      ? `${owner} has ${whole}, and ${left} free. Try again when one of them has ended.`
      : asked > most
        ? `${owner} has ${whole}, and this request alone may need ${needed}. Ask for less output or send less input.`
        : `${owner} has ${whole}; ${left} of it are left, and this request may need ${needed}. ` +
          `Try again in ${waitText(waitMs)}.`;
  // Later and never sooner, so that those who were refused together do not come back together.
  // What is more than the whole limit never fits, however long anybody waits.
  return new GatewayError(codeOf(limit), { message, retryAfterMs: waitMs * (1 + random / 4), retry: asked <= most });
}

/** The ledger could not be asked. @param random 0–1. @default Math.random() */
export function busyRefusal(_: Busy, random: number = Math.random()): GatewayError {
  return new GatewayError("overloaded", {
    retryAfterMs: UNKNOWN_WAIT_MS * (1 + random / 4),
    detail: "the limits were locked for too long",
  });
}

function codeOf({ measure }: Limit): "budget_exhausted" | "concurrency_limited" | "rate_limited" {
  if (measure === "usd") return "budget_exhausted";
  return measure === "concurrency" ? "concurrency_limited" : "rate_limited";
}

function ownerText(owner: LimitOwner): string {
  if (owner.kind === "tenant") return `Tenant ${owner.tenant}`;
  if (owner.kind === "key") return `Key ${owner.keyId}`;
  if (owner.kind === "model") return `Tenant ${owner.tenant} for model ${owner.model}`;
  return `Upstream ${owner.upstream}`;
}

function count(amount: number): string {
  return amount.toLocaleString("en-US");
}

function dollars(micro: number): string {
  return (micro / MICRO_USD).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

function waitText(waitMs: number): string {
  const seconds = Math.ceil(waitMs / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}
