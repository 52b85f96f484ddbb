/**
 * Proofs of thoughts in the opaque strings that callers get and send back, whatever their API calls them. The string says
 * whose proof it is, so that it reaches the family that made it and no other: `hw1.FAMILY.USE.DATA`.
 *
 * A dialect's own proofs stand as they are (its `signature.ts` says where); what has no mark of ours is its own.
 */
import type { ReasoningSignature } from "./common.ts";

const TOKEN = /^hw1\.(openai|anthropic|gemini)\.(thought|redacted|call)\.(.*)$/s;

/** What an opaque string proves. */
export interface ReadSignature {
  readonly signature: ReasoningSignature;
  /** It belongs to the tool call that follows, and not to thoughts. */
  readonly ofCall: boolean;
}

/** @param ofCall whether it is a tool call's. */
export function writeToken({ family, data, redacted }: ReasoningSignature, ofCall: boolean): string {
  const use = ofCall ? "call" : redacted === true ? "redacted" : "thought";
  return `hw1.${family}.${use}.${data}`;
}

/** The other way round; `undefined` for what has no mark of ours. */
export function readToken(text: string): ReadSignature | undefined {
  const [, family, use, data] = TOKEN.exec(text) ?? [];
  if (data === undefined) return undefined;
  const signature = { family: family as ReasoningSignature["family"], data };
  return { signature: use === "redacted" ? { ...signature, redacted: true } : signature, ofCall: use === "call" };
}
