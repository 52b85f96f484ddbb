/**
 * Proofs of thoughts in the strings that callers of this API send back: a thinking block's `signature` and a
 * `redacted_thinking` block's `data`. One that belongs to a tool call (Gemini's) stands in a `redacted_thinking` block before
 * the call: callers must send that back unchanged and in its place.
 */
import type { ReasoningSignature } from "../common.ts";
import { readToken, writeToken } from "../signature-token.ts";
import type { ReadSignature } from "../signature-token.ts";

/** Anthropic's own stand as they are: the block says whether they are redacted. @param ofCall whether it is a tool call's. */
export function writeSignature(signature: ReasoningSignature, ofCall: boolean): string {
  return signature.family === "anthropic" && !ofCall ? signature.data : writeToken(signature, ofCall);
}

/** The other way round. @param redacted it stood in a `redacted_thinking` block. */
export function readSignature(text: string, redacted: boolean): ReadSignature {
  const own = { family: "anthropic", data: text } as const;
  return readToken(text) ?? { signature: redacted ? { ...own, redacted } : own, ofCall: false };
}
