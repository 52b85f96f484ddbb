/**
 * Proofs of thoughts in the opaque strings that callers of this API send back: a thinking block's `signature` and a
 * `redacted_thinking` block's `data`. The string says whose proof it is, so that it reaches the family that made it and no
 * other.
 *
 * Anthropic's own stand as they are. Those of others are `hw1.FAMILY.USE.DATA`. One that belongs to a tool call (Gemini's)
 * stands in a `redacted_thinking` block before the call: callers must send that back unchanged and in its place.
 */
import type { ReasoningSignature } from "../common.ts";

const TOKEN = /^hw1\.(openai|anthropic|gemini)\.(thought|redacted|call)\.(.*)$/s;

/** What an opaque string proves. */
export interface ReadSignature {
  readonly signature: ReasoningSignature;
  /** It belongs to the tool call that follows. */
  readonly ofCall: boolean;
}

/** Where a signature stands. */
type Place = "signature" | "redacted" | "call";

/** @param place `redacted` and `call`: in a `redacted_thinking` block. */
export function writeSignature(signature: ReasoningSignature, place: Place): string {
  if (signature.family === "anthropic" && place !== "call") return signature.data;
  const use = place === "call" ? "call" : signature.redacted === true ? "redacted" : "thought";
  return `hw1.${signature.family}.${use}.${signature.data}`;
}

/** The other way round. What has no mark of ours is Anthropic's. @param redacted it stood in a `redacted_thinking` block. */
export function readSignature(text: string, redacted: boolean): ReadSignature {
  const [, family, use, data] = TOKEN.exec(text) ?? [];
  if (data === undefined) return { signature: made("anthropic", text, redacted), ofCall: false };
  return { signature: made(family as ReasoningSignature["family"], data, use === "redacted"), ofCall: use === "call" };
}

function made(family: ReasoningSignature["family"], data: string, redacted: boolean): ReasoningSignature {
  return redacted ? { family, data, redacted } : { family, data };
}
