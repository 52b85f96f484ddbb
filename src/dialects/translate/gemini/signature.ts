/**
 * Signatures of thoughts in Gemini's form, `thoughtSignature`: base64.
 *
 * A caller that speaks Gemini may talk to another family's model, whose signatures have to find their way back to it. They
 * travel in an envelope: base64 too, since Google's Python SDK turns the field into bytes, and back into the URL-safe
 * alphabet. What has no envelope is Gemini's own.
 */
import { parseJson } from "../../json-access.ts";
import { standardBase64 } from "../base64.ts";
import type { ReasoningSignature } from "../common.ts";

/** Twelve bytes, so that their base64 is the same whatever follows. */
const MARK = "hw:signature";
const MARK_BASE64 = Buffer.from(MARK, "latin1").toString("base64");

/** @returns what the caller gets, and is to give back. */
export function writeSignature({ family, data, redacted }: ReasoningSignature): string {
  if (family === "gemini") return data;
  return Buffer.from(MARK + JSON.stringify([family, data, redacted === true]), "utf8").toString("base64");
}

/** @param text as the caller gave it back. */
export function readSignature(text: string): ReasoningSignature {
  return openEnvelope(text) ?? { family: "gemini", data: text };
}

function openEnvelope(text: string): ReasoningSignature | undefined {
  if (!text.startsWith(MARK_BASE64)) return undefined;
  const standard = standardBase64(text);
  if (standard === undefined) return undefined;
  const content = parseJson(Buffer.from(standard, "base64").toString("utf8").slice(MARK.length));
  if (!Array.isArray(content)) return undefined;
  const [family, data, redacted] = content as readonly unknown[];
  if ((family !== "openai" && family !== "anthropic") || typeof data !== "string") return undefined;
  return { family, data, ...(redacted === true ? { redacted } : {}) };
}
