/** Token counts of chat answers. Both forms are inclusive: cached tokens are part of the prompt, thoughts of the completion. */
import { at, elements, tokenCount } from "../../json-access.ts";
import { usageOf } from "../../openai/scan.ts";
import type { CommonUsage } from "../common.ts";
import { isRecord } from "../json-pick.ts";

/** @returns what `usage` says, or `undefined` where it says nothing. The imitators' spellings are taken, too. */
function readUsage(usage: unknown): CommonUsage | undefined {
  // Most events of a stream have none, and there are many.
  if (!isRecord(usage)) return undefined;
  const totals = usageOf({ usage });
  if (totals === undefined) return undefined;
  // Also a 0, which the scan leaves out.
  const cachedInputTokens = tokenCount(at(usage, "prompt_tokens_details", "cached_tokens"));
  const cacheWriteTokens = tokenCount(at(usage, "prompt_tokens_details", "cache_write_tokens"));
  const reasoningTokens = tokenCount(at(usage, "completion_tokens_details", "reasoning_tokens"));
  return {
    ...totals,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  };
}

/** @returns the usage of an event or answer, wherever it stands: Moonshot has it in the choice, older Groq in `x_groq`. */
export function readEventUsage(event: unknown): CommonUsage | undefined {
  if (!isRecord(event)) return undefined;
  const [choice] = elements(event["choices"]);
  return readUsage(event["usage"]) ?? readUsage(at(choice, "usage")) ?? readUsage(at(event["x_groq"], "usage"));
}

/** @returns the API's `usage`, or `undefined` where nothing is known. */
export function writeUsage(usage: Partial<CommonUsage>): object | undefined {
  if (usage.inputTokens === undefined && usage.outputTokens === undefined) return undefined;
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  const prompt = {
    ...(cachedInputTokens === undefined ? {} : { cached_tokens: cachedInputTokens }),
    ...(cacheWriteTokens === undefined ? {} : { cache_write_tokens: cacheWriteTokens }),
  };
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(Object.keys(prompt).length === 0 ? {} : { prompt_tokens_details: prompt }),
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}
