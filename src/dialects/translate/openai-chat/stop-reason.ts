/** Why the model stopped, as `finish_reason` and its imitators' fields beside it say. */
import { at } from "../../json-access.ts";
import type { StopReason } from "../common.ts";

/** What a stop says. */
export interface Stop {
  readonly stopReason: StopReason;
  readonly stopSequence?: string;
}

/** What else of an answer a stop depends on. */
export interface Stopped {
  readonly hasCalls: boolean;
  readonly hasRefusal: boolean;
}

const REASONS: ReadonlyMap<unknown, StopReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["model_length", "length"],
  ["max_tokens", "length"],
  ["tool_calls", "tool_calls"],
  ["function_call", "tool_calls"],
  ["content_filter", "filtered"],
]);

const FINISH_REASONS: Readonly<Record<StopReason, string>> = {
  stop: "stop",
  stop_sequence: "stop",
  length: "length",
  tool_calls: "tool_calls",
  filtered: "content_filter",
  refusal: "content_filter",
};

/** The server gave up: Mistral and OpenRouter, DeepSeek, vLLM. */
const FAILURES: ReadonlySet<string> = new Set(["error", "insufficient_system_resource", "abort"]);

/** Whether a choice's `finish_reason` says that the server failed. */
export function isFailure(finishReason: unknown): boolean {
  return typeof finishReason === "string" && FAILURES.has(finishReason);
}

/**
 * @param choice whose `finish_reason` is set.
 * A reason that is not known is a plain stop. Where a certain tool was asked for, OpenAI says `stop` although there are calls.
 */
export function readStop(choice: unknown, { hasCalls, hasRefusal }: Stopped): Stop {
  const stopReason = REASONS.get(at(choice, "finish_reason")) ?? "stop";
  if (stopReason !== "stop") return { stopReason };
  if (hasCalls) return { stopReason: "tool_calls" };
  if (hasRefusal) return { stopReason: "refusal" };
  // vLLM and SGLang tell the stop sequence; both write numbers for the model's own end.
  const sequence = at(choice, "stop_reason") ?? at(choice, "matched_stop");
  if (typeof sequence === "string" && sequence !== "") return { stopReason: "stop_sequence", stopSequence: sequence };
  return { stopReason };
}

/** @param hasRefusal the answer holds the refusal's own words, which is how this API says it. */
export function writeStop(stopReason: StopReason, hasRefusal: boolean): string {
  return stopReason === "refusal" && hasRefusal ? "stop" : FINISH_REASONS[stopReason];
}
