/**
 * Signatures of thoughts in Gemini's form, `thoughtSignature`: base64.
 *
 * A caller that speaks Gemini may talk to another family's model, whose signatures have to find their way back to it. Theirs
 * are in base64, too, since Google's Python SDK turns the field into bytes, and back into the URL-safe alphabet.
 */
import { standardBase64 } from "../base64.ts";
import type { ReasoningSignature } from "../common.ts";
import { readToken, writeToken } from "../signature-token.ts";

/** How a token begins in base64: its first three bytes are four letters, whatever follows them. */
const TOKEN_BEGINS = Buffer.from("hw1").toString("base64");

/** Gemini's own stand as they are. @returns what the caller gets, and is to give back. */
export function writeSignature(signature: ReasoningSignature): string {
  if (signature.family === "gemini") return signature.data;
  // Whether it is a call's is told by the part that it stands in.
  return Buffer.from(writeToken(signature, false), "utf8").toString("base64");
}

/** @param text as the caller gave it back. */
export function readSignature(text: string): ReasoningSignature {
  const standard = text.startsWith(TOKEN_BEGINS) ? standardBase64(text) : undefined;
  const token = standard === undefined ? undefined : readToken(Buffer.from(standard, "base64").toString("utf8"));
  return token?.signature ?? { family: "gemini", data: text };
}
