/** Writes a `generateContent` request (https://ai.google.dev/api/generate-content). */
import type { CommonRequest } from "../common.ts";
import type { Loss, WrittenRequest } from "../translation.ts";
import { traitsOf } from "./model-traits.ts";
import { writeConfig } from "./write-config.ts";
import { writeContents } from "./write-contents.ts";
import { writeTools } from "./write-tools.ts";

/**
 * See {@link BackTranslation.writeRequest}. Marks of what to cache are left out, and nothing is lost by it: Gemini finds
 * prefixes that it has seen by itself (https://ai.google.dev/gemini-api/docs/caching).
 */
export function writeRequest(request: CommonRequest): WrittenRequest {
  const losses: Loss[] = [];
  const traits = traitsOf(request.model);
  const generationConfig = writeConfig(request, traits, losses);
  const system = request.system.filter(({ text }) => text !== "");
  const body = {
    contents: writeContents(request.messages, traits, losses),
    ...(system.length > 0 ? { systemInstruction: { parts: system.map(({ text }) => ({ text })) } } : {}),
    ...writeTools(request, losses),
    ...(Object.keys(generationConfig).length > 0 ? { generationConfig } : {}),
  };
  if (request.parallelToolCalls === false && request.tools.length > 0) {
    losses.push({ field: "parallelToolCalls", reason: "Gemini can't be kept from calling several tools at once" });
  }
  if (request.userId !== undefined) {
    losses.push({ field: "userId", reason: "Gemini has no place for the end user", warning: true });
  }
  const method = request.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  const model = encodeURIComponent(request.model.replace(/^models\//, ""));
  return { path: `/models/${model}:${method}`, headers: [], body, losses };
}
