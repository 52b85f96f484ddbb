/** Why a model stopped, in Anthropic's words (https://platform.claude.com/docs/en/api/handling-stop-reasons). */
import type { StopReason } from "../common.ts";

/** `refusal` is said where Anthropic's classifiers step in, which is what others call filtered; the model itself refuses in plain text. */
const READ: Readonly<Record<string, StopReason>> = {
  end_turn: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  stop_sequence: "stop_sequence",
  tool_use: "tool_calls",
  refusal: "filtered",
};

const WRITTEN: Readonly<Record<StopReason, string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  tool_calls: "tool_use",
  filtered: "refusal",
  refusal: "refusal",
};

/** @param stopReason as an upstream wrote it. What is not known is a plain stop. */
export function readStopReason(stopReason: unknown): StopReason {
  return typeof stopReason === "string" && Object.hasOwn(READ, stopReason) ? READ[stopReason]! : "stop";
}

/** How an answer's end is written: the fields that `message` and `message_delta` share. */
export interface WrittenStop {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly stop_details: { readonly type: "refusal"; readonly category: null; readonly explanation: null } | null;
}

/** @param calledTools whether the answer has tool calls: some upstreams call that a plain stop, callers of this API wait for `tool_use`. */
export function writeStop(stopReason: StopReason, stopSequence: string | undefined, calledTools: boolean): WrittenStop {
  const written = stopReason === "stop" && calledTools ? "tool_use" : WRITTEN[stopReason];
  return {
    stop_reason: written,
    stop_sequence: stopReason === "stop_sequence" ? (stopSequence ?? null) : null,
    stop_details: written === "refusal" ? { type: "refusal", category: null, explanation: null } : null,
  };
}
