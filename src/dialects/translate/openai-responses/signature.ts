/** Proofs of thoughts in the one string that callers of the Responses API send back: a reasoning item's `encrypted_content`. */
import type { ReasoningSignature } from "../common.ts";
import { readToken, writeToken } from "../signature-token.ts";
import type { ReadSignature } from "../signature-token.ts";

/** OpenAI's own stand as they are. @param ofCall whether it is that of the function call that follows, not that of thoughts. */
export function writeSignature(signature: ReasoningSignature, ofCall: boolean): string {
  const isOwn = signature.family === "openai" && signature.redacted !== true && !ofCall;
  return isOwn ? signature.data : writeToken(signature, ofCall);
}

/** The other way round. */
export function readSignature(encryptedContent: string): ReadSignature {
  return readToken(encryptedContent) ?? { signature: { family: "openai", data: encryptedContent }, ofCall: false };
}
