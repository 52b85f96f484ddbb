/** Writes a whole answer as a chat completion. */
import type { AssistantPart, CommonAnswer } from "../common.ts";
import type { AnswerContext } from "../translation.ts";
import { writeCallSignature } from "./call-signature.ts";
import { writeLogprobs } from "./logprobs.ts";
import { signedDetail } from "./reasoning-details.ts";
import { writeStop } from "./stop-reason.ts";
import { writeUsage } from "./usage.ts";
import { urlOf } from "./write-content.ts";

/** See `FrontTranslation.writeAnswer`. */
export function writeAnswer(answer: CommonAnswer, { model }: AnswerContext): Readonly<Record<string, unknown>> {
  const usage = writeUsage(answer.usage ?? {});
  const hasRefusal = answer.parts.some(({ kind }) => kind === "refusal");
  return {
    id: answer.id,
    object: "chat.completion",
    created: answer.createdSeconds,
    model,
    choices: [
      {
        index: 0,
        message: writeMessage(answer.parts),
        logprobs: writeLogprobs(answer.logprobs),
        finish_reason: writeStop(answer.stopReason, hasRefusal),
      },
    ],
    ...(usage === undefined ? {} : { usage }),
  };
}

/** @returns a picture of the model's. */
export function writeImage(source: Parameters<typeof urlOf>[0]): object {
  return { type: "image_url", image_url: { url: urlOf(source) } };
}

function writeMessage(parts: readonly AssistantPart[]): object {
  const content = joined(parts, "text");
  const refusal = joined(parts, "refusal");
  const thoughts = joined(parts, "reasoning");
  const calls = parts.flatMap((part) => {
    if (part.kind !== "tool_call") return [];
    const called = { name: part.name, arguments: part.arguments };
    return [{ id: part.id, type: "function", function: called, ...writeCallSignature(part) }];
  });
  const details = parts.flatMap((part) => {
    if (part.kind !== "reasoning" || part.signature === undefined) return [];
    return [signedDetail(part.signature, { text: part.text })];
  });
  const images = parts.flatMap((part) => (part.kind === "image" ? [writeImage(part.source)] : []));
  return {
    role: "assistant",
    content: content === "" && (calls.length > 0 || refusal !== "") ? null : content,
    refusal: refusal === "" ? null : refusal,
    ...(thoughts === "" ? {} : { reasoning_content: thoughts }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(images.length === 0 ? {} : { images }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function joined(parts: readonly AssistantPart[], kind: "text" | "refusal" | "reasoning"): string {
  return parts.map((part) => (part.kind === kind ? part.text : "")).join("");
}
