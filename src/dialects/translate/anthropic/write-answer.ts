/** A whole answer as callers of this API get it, a `message`. */
import type { AssistantPart, CommonAnswer, MediaSource } from "../common.ts";
import { dataUrl } from "../base64.ts";
import { argumentsObject } from "../call-arguments.ts";
import type { AnswerContext } from "../translation.ts";
import { writeSignature } from "./signature.ts";
import { writeStop } from "./stop-reason.ts";
import { writeUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * Under which broken arguments stand: the key that Anthropic's documents give them. Without any, the tool would run as if it had been
 * called with none.
 */
const INVALID_JSON = "INVALID_JSON";

/** See {@link FrontTranslation.writeAnswer}. */
export function writeAnswer(answer: CommonAnswer, context: AnswerContext): Json {
  const calledTools = answer.parts.some(({ kind }) => kind === "tool_call");
  return {
    id: answer.id,
    type: "message",
    role: "assistant",
    model: answer.model === "" ? context.model : answer.model,
    content: answer.parts.flatMap(writePart),
    ...writeStop(answer.stopReason, answer.stopSequence, calledTools),
    container: null,
    usage: writeUsage(answer.usage),
  };
}

/** A picture of the model's. The API has no place for one, so it stands in the text, as Markdown has it. */
export function pictureText(source: MediaSource): string {
  return `![image](${source.kind === "url" ? source.url : dataUrl(source)})`;
}

function writePart(part: AssistantPart): Json[] {
  if (part.kind === "tool_call") return writeToolCall(part);
  if (part.kind === "image") return [{ type: "text", text: pictureText(part.source), citations: null }];
  if (part.kind !== "reasoning") return [{ type: "text", text: part.text, citations: null }];
  const { signature, text } = part;
  if (signature?.redacted === true) return [{ type: "redacted_thinking", data: writeSignature(signature, false) }];
  const token = signature === undefined ? "" : writeSignature(signature, false);
  return [{ type: "thinking", thinking: text, signature: token }];
}

function writeToolCall(part: Extract<AssistantPart, { kind: "tool_call" }>): Json[] {
  const input = argumentsObject(part.arguments) ?? { [INVALID_JSON]: part.arguments };
  const call = { type: "tool_use", id: part.id, name: part.name, input };
  if (part.signature === undefined) return [call];
  return [{ type: "redacted_thinking", data: writeSignature(part.signature, true) }, call];
}
