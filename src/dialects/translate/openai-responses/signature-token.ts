/**
 * A model's proofs of its thoughts, in the one opaque field that callers of the Responses API send back: a reasoning item's
 * `encrypted_content`. It says there whose proof it is, so that it reaches the family that made it and no other.
 *
 * OpenAI's own stand as they are. Those of others are `hw1.FAMILY.USE.DATA`.
 */
import type { ReasoningSignature } from "../common.ts";

const TOKEN = /^hw1\.(openai|anthropic|gemini)\.(thought|redacted|call)\.(.*)$/s;

/** What a reasoning item's `encrypted_content` proves. */
export interface ReadSignature {
  readonly signature: ReasoningSignature;
  /** It belongs to the function call that follows, and the item has no thoughts of its own. */
  readonly ofCall: boolean;
}

/** @param ofCall whether it is a function call's rather than that of thoughts. */
export function writeSignature(signature: ReasoningSignature, ofCall: boolean): string {
  const use = ofCall ? "call" : signature.redacted === true ? "redacted" : "thought";
  if (signature.family === "openai" && use === "thought") return signature.data;
  return `hw1.${signature.family}.${use}.${signature.data}`;
}

/** The other way round. What has no mark of ours is OpenAI's. */
export function readSignature(encryptedContent: string): ReadSignature {
  const [, family, use, data] = TOKEN.exec(encryptedContent) ?? [];
  if (data === undefined) return { signature: { family: "openai", data: encryptedContent }, ofCall: false };
  const signature = {
    family: family as ReasoningSignature["family"],
    data,
    ...(use === "redacted" ? { redacted: true } : {}),
  };
  return { signature, ofCall: use === "call" };
}
