/**
 * Thoughts in chat messages. OpenAI's API never shows any; its imitators send their text as `reasoning_content` (DeepSeek,
 * vLLM, xAI) or `reasoning` (Groq, OpenRouter). Signed thoughts, which their makers want back in a conversation with tools,
 * go as `reasoning_details` beside the text, as OpenRouter has them: callers who send a message back as they got it send
 * these, too.
 *
 * In a stream the text has gone out before its signature comes, so an entry there has no `text` but a `length`, in UTF-16
 * units: how much of `reasoning_content` it covers, from where the one before it ended.
 */
import type { ReasoningPart, ReasoningSignature } from "../common.ts";
import type { Fields } from "../json-pick.ts";

type Family = ReasoningSignature["family"];

const FORMATS: Readonly<Record<Family, string>> = {
  openai: "openai-responses-v1",
  anthropic: "anthropic-claude-v1",
  gemini: "google-gemini-v1",
};
const FAMILIES = Object.keys(FORMATS) as readonly Family[];

/** An entry of `reasoning_details` for signed thoughts. @param length of the text, where that is sent elsewhere. */
export function signedDetail(signature: ReasoningSignature, thoughts: { text: string } | { length: number }): object {
  const format = FORMATS[signature.family];
  if (signature.redacted === true) return { type: "reasoning.encrypted", data: signature.data, format };
  return { type: "reasoning.text", ...thoughts, signature: signature.data, format };
}

/** The thoughts of a message that a caller sends back. */
export function readReasoning(message: Fields): readonly ReasoningPart[] {
  const content = message.string("reasoning_content");
  const text = message.string("reasoning") ?? content ?? "";
  const signed: ReasoningPart[] = [];
  let from = 0;
  for (const detail of message.objects("reasoning_details")) {
    const part = readDetail(detail, text, from);
    if (part === undefined) continue;
    from += part.text.length;
    signed.push(part);
  }
  if (signed.length > 0) return signed;
  return text === "" ? [] : [{ kind: "reasoning", text }];
}

/** A signed entry; those without a signature repeat what the text says. */
function readDetail(detail: Fields, all: string, from: number): ReasoningPart | undefined {
  const type = detail.string("type");
  const format = detail.string("format");
  const family = FAMILIES.find((name) => FORMATS[name] === format);
  if (family === undefined) return undefined;
  if (type === "reasoning.encrypted") {
    const data = detail.requiredString("data");
    return { kind: "reasoning", text: "", signature: { family, data, redacted: true } };
  }
  const data = detail.string("signature");
  if (type !== "reasoning.text" || data === undefined) return undefined;
  const length = detail.integer("length", { min: 0 }) ?? 0;
  const text = detail.string("text") ?? all.slice(from, from + length);
  // Not all clients put the pieces of a stream's thoughts together; a proof of other words is none.
  if (!detail.has("text") && text.length < length) return undefined;
  return { kind: "reasoning", text, signature: { family, data } };
}
