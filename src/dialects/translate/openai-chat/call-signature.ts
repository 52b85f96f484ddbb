/** Gemini's proof of a tool call, where Google's own chat API has it: `extra_content.google.thought_signature`. */
import { at } from "../../json-access.ts";
import type { ToolCallPart } from "../common.ts";

type Signed = Pick<ToolCallPart, "signature">;

/** @param call of an answer or of a stream's delta. @returns what to spread into the call. */
export function readCallSignature(call: unknown): Signed {
  const data = at(call, "extra_content", "google", "thought_signature");
  return typeof data === "string" && data !== "" ? { signature: { family: "gemini", data } } : {};
}

/** @returns what to spread into a written call, so that the proof comes back with the conversation. */
export function writeCallSignature({ signature }: Signed): object {
  return signature?.family === "gemini" ? { extra_content: { google: { thought_signature: signature.data } } } : {};
}
