/** Why the model stopped, in Gemini's words (https://ai.google.dev/api/generate-content#FinishReason) and in ours. */
import type { StopReason } from "../common.ts";

/**
 * @param finishReason Gemini's. @param hasToolCalls Gemini has no reason of its own for them.
 * @returns `filtered` for whatever is neither a natural end nor a limit: safety, recitation, malformed calls, and reasons to
 * come. Such an answer is not whole, and none of them may look as if it were.
 */
export function readStopReason(finishReason: string, hasToolCalls: boolean): StopReason {
  if (finishReason === "STOP") return hasToolCalls ? "tool_calls" : "stop";
  // CONTINUATION: the limit of one request is reached, and the caller could ask for more.
  if (finishReason === "MAX_TOKENS" || finishReason === "CONTINUATION") return "length";
  return "filtered";
}

/** Gemini has one name for all that is natural, and none for a refusal of the model's own. */
const FINISH_REASONS: Readonly<Record<StopReason, string>> = {
  stop: "STOP",
  stop_sequence: "STOP",
  tool_calls: "STOP",
  length: "MAX_TOKENS",
  filtered: "SAFETY",
  refusal: "SAFETY",
};

/** @returns Gemini's name. */
export function writeStopReason(stopReason: StopReason): string {
  return FINISH_REASONS[stopReason];
}
