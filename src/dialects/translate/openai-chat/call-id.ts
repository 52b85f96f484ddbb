/** Ids of tool calls in the form that an upstream takes: the same id always becomes the same. */
import { createHash } from "node:crypto";
import type { ChatQuirks } from "./quirks.ts";

/** OpenAI refuses longer ones. */
const MAX_ID_LENGTH = 40;

/** @returns `id`, or a stand-in for it that calls and results agree on. */
export function callIdFor(quirks: ChatQuirks, id: string): string {
  if (quirks.callIds === "nine_alphanumeric") return /^[A-Za-z0-9]{9}$/.test(id) ? id : hashOf(id, 9);
  return id.length > 0 && id.length <= MAX_ID_LENGTH ? id : `call_${hashOf(id, 24)}`;
}

function hashOf(id: string, length: number): string {
  return createHash("sha256").update(id).digest("hex").slice(0, length);
}
