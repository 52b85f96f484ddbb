/**
 * What a request may use as far as can be said before it is sent. Input is bounded by its size where that is small, and counted off
 * the loop where it is not; output by what the caller lets the answer have, or by how long the model's answers have been of late.
 */
import type { RequestLimits } from "../limits/plan.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import { estimateInputTokens } from "../offload/token-estimate.ts";
import type { Call } from "./call.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { settle } from "./settle.ts";

/** A request of up to this size is taken to have as many tokens as bytes, which is never too few. */
const COUNTED_FROM_BYTES = 8 * 1024;
/** Milliseconds; where the count takes longer the size goes for it. */
const COUNT_DEADLINE_MS = 3000;
/** Operations whose answers are no text. */
const WITHOUT_OUTPUT = /embed|countTokens|count_tokens/i;

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

/** What the caller lets the answer have, or how long the model's answers have been of late; tokens. */
export function boundOutput(call: Call, { maxOutputTokens, answers }: Asked): number {
  if (WITHOUT_OUTPUT.test(call.kind.route)) return 0;
  return maxOutputTokens ?? answers * call.runtime.limits.bound(call.model?.name ?? "").tokens;
}

/** Goes on with `next`, which gets the tokens: at once, or from a count off the loop, which is the call's work meanwhile. */
export function boundInput(call: Call, limits: RequestLimits, asked: Asked, next: (tokens: number) => void): void {
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
