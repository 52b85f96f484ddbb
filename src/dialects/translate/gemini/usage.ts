/**
 * Token counts. Gemini's prompt includes what came from a cache, but not what its own tools put in; its candidates do not
 * include the thoughts. Ours are inclusive.
 */
import { tokenCount } from "../../json-access.ts";
import type { CommonUsage } from "../common.ts";
import { isRecord } from "../json-pick.ts";

/** @param metadata `usageMetadata` as it came. @returns what it says; `undefined` where that is nothing. */
export function readUsage(metadata: unknown): Partial<CommonUsage> | undefined {
  if (!isRecord(metadata)) return undefined;
  const prompt = tokenCount(metadata["promptTokenCount"]);
  const candidates = tokenCount(metadata["candidatesTokenCount"]);
  const thoughts = tokenCount(metadata["thoughtsTokenCount"]);
  const cached = tokenCount(metadata["cachedContentTokenCount"]);
  if (prompt === undefined && candidates === undefined && thoughts === undefined) return undefined;
  const tools = tokenCount(metadata["toolUsePromptTokenCount"]) ?? 0;
  return {
    ...(prompt === undefined ? {} : { inputTokens: prompt + tools }),
    ...(candidates === undefined && thoughts === undefined
      ? {}
      : { outputTokens: (candidates ?? 0) + (thoughts ?? 0) }),
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(thoughts === undefined ? {} : { reasoningTokens: thoughts }),
  };
}

/** @returns `usageMetadata`. Tokens written to a cache have no place in it; they are in the prompt's count. */
export function writeUsage(usage: Partial<CommonUsage>): Readonly<Record<string, number>> {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens, reasoningTokens } = usage;
  return {
    promptTokenCount: inputTokens,
    candidatesTokenCount: Math.max(0, outputTokens - (reasoningTokens ?? 0)),
    totalTokenCount: inputTokens + outputTokens,
    ...(cachedInputTokens === undefined ? {} : { cachedContentTokenCount: cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { thoughtsTokenCount: reasoningTokens }),
  };
}
