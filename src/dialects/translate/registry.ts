/** Every translation by name: the caller's side, and the upstream's. */
import { anthropicBack, anthropicFront } from "./anthropic/translation.ts";
import { geminiBack, geminiFront } from "./gemini/translation.ts";
import { openaiChatBack, openaiChatFront } from "./openai-chat/translation.ts";
import { openaiResponsesFront } from "./openai-responses/translation.ts";
import type { BackTranslation, FrontTranslation } from "./translation.ts";

/** APIs that callers may speak. */
export const FRONTS = {
  openai_chat: openaiChatFront,
  openai_responses: openaiResponsesFront,
  anthropic: anthropicFront,
  gemini: geminiFront,
} as const satisfies Record<string, FrontTranslation>;

/** APIs that upstreams may speak. */
export const BACKS = {
  openai: openaiChatBack,
  anthropic: anthropicBack,
  gemini: geminiBack,
} as const satisfies Record<string, BackTranslation>;

/** One of the closed list. */
export type FrontName = keyof typeof FRONTS;
/** One of the closed list. */
export type BackName = keyof typeof BACKS;
