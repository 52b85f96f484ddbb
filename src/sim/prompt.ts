/** How long a prompt is, in any of the three dialects. */

import { isObject } from "./json.ts";

/** The fields under which requests carry prompt text, directly or deeper. */
const TEXT_FIELDS = [
  "content",
  "contents",
  "input",
  "messages",
  "parts",
  "prompt",
  "requests",
  "generateContentRequest",
  "system",
  "systemInstruction",
  "system_instruction",
  "text",
];

/** Deeper than any real prompt, and shallow enough for any stack. */
const MAX_DEPTH = 16;

const BYTES_PER_TOKEN = 4;

/** The prompt's tokens: a quarter of the UTF-8 bytes of its texts, rounded up. */
export function countPromptTokens(body: unknown): number {
  return Math.ceil(textBytes(body, MAX_DEPTH) / BYTES_PER_TOKEN);
}

function textBytes(value: unknown, depth: number): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (depth === 0) return 0;
  let sizeBytes = 0;
  if (Array.isArray(value)) {
    for (const item of value) sizeBytes += textBytes(item, depth - 1);
  } else if (isObject(value)) {
    for (const field of TEXT_FIELDS) if (Object.hasOwn(value, field)) sizeBytes += textBytes(value[field], depth - 1);
  }
  return sizeBytes;
}
