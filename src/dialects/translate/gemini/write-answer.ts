/** Writes a whole `GenerateContentResponse`. */
import type { AssistantPart, CommonAnswer, CommonUsage, StopReason, TokenLogprob } from "../common.ts";
import { argumentsObject } from "../call-arguments.ts";
import type { AnswerContext } from "../translation.ts";
import { writeLogprobs } from "./logprobs.ts";
import { writeStopReason } from "./stop-reason.ts";
import { writeUsage } from "./usage.ts";
import { anySignature, writeAssistantParts } from "./write-parts.ts";
import type { Part } from "./write-parts.ts";

type Json = Readonly<Record<string, unknown>>;

const QUOTED_CHARACTERS = 200;

/** See {@link FrontTranslation.writeAnswer}. */
export function writeAnswer(answer: CommonAnswer, { model }: AnswerContext): Json {
  const { parts, bad } = withoutBadCalls(answer.parts);
  const written = writeAssistantParts(parts, anySignature);
  return {
    candidates: [writeLastCandidate(written, answer.stopReason, bad, answer.logprobs)],
    ...writeTail(answer.usage, { id: answer.id, model: answer.model || model }),
  };
}

/**
 * The candidate that ends an answer. One that was stopped for its content has none, as with Gemini itself.
 *
 * @param bad a call that could not be written.
 */
export function writeLastCandidate(
  parts: readonly Part[],
  stopReason: StopReason,
  bad: string | undefined,
  logprobs?: readonly TokenLogprob[],
): Json {
  const reason = bad !== undefined && stopReason !== "length" ? "MALFORMED_FUNCTION_CALL" : writeStopReason(stopReason);
  const isWhole = reason === "STOP" || reason === "MAX_TOKENS";
  const told = parts.length > 0 || !isWhole ? parts : [{ text: "" }];
  return {
    ...(told.length > 0 ? { content: { parts: told, role: "model" } } : {}),
    finishReason: reason,
    ...(reason === "MALFORMED_FUNCTION_CALL" ? { finishMessage: `Malformed function call: ${bad}` } : {}),
    ...(stopReason === "refusal" ? { finishMessage: "The model refused to answer." } : {}),
    index: 0,
    ...(logprobs === undefined || logprobs.length === 0 ? {} : { logprobsResult: writeLogprobs(logprobs) }),
  };
}

/** What stands behind the candidates. */
export function writeTail(
  usage: Partial<CommonUsage> | undefined,
  { id, model }: { readonly id: string; readonly model: string },
): Json {
  return {
    ...(usage === undefined ? {} : { usageMetadata: writeUsage(usage) }),
    modelVersion: model,
    responseId: id,
  };
}

/** A call whose arguments are no JSON object can't be written: Gemini's are an object. @returns what is told of it. */
export function badCall(name: string, json: string): string | undefined {
  return argumentsObject(json) === undefined ? `${name}(${json.slice(0, QUOTED_CHARACTERS)})` : undefined;
}

function withoutBadCalls(parts: readonly AssistantPart[]): {
  parts: readonly AssistantPart[];
  bad: string | undefined;
} {
  const bad = parts.flatMap((part) => (part.kind === "tool_call" ? [badCall(part.name, part.arguments)] : []));
  if (bad.every((one) => one === undefined)) return { parts, bad: undefined };
  return {
    parts: parts.filter((part) => part.kind !== "tool_call" || badCall(part.name, part.arguments) === undefined),
    bad: bad.find((one) => one !== undefined),
  };
}
