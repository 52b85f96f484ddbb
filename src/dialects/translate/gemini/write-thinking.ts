/** Writes `thinkingConfig`: a budget of tokens up to Gemini 2.5, a level from Gemini 3 on, never both (a 400). */
import type { Reasoning } from "../common.ts";
import { wantedBudgetTokens, wantedEffort } from "../effort.ts";
import type { Effort } from "../effort.ts";
import type { Loss } from "../translation.ts";
import type { Level, Thinking } from "./model-traits.ts";

const RANK: Readonly<Record<Effort, number>> = { none: 0, minimal: 0, low: 1, medium: 2, high: 3, xhigh: 3, max: 3 };
const LEVEL_RANK: Readonly<Record<Level, number>> = { MINIMAL: 0, LOW: 1, MEDIUM: 2, HIGH: 3 };

/** @returns `thinkingConfig`; `undefined` where there is nothing to say. */
export function writeThinking(
  reasoning: Reasoning | undefined,
  thinking: Thinking,
  losses: Loss[],
): Readonly<Record<string, unknown>> | undefined {
  if (reasoning === undefined) return undefined;
  const effort = wantedEffort(reasoning);
  if (thinking.by === "nothing") {
    if (effort !== undefined && effort !== "none") losses.push(lost("this model does not think"));
    return undefined;
  }
  if (effort === "none" && !thinking.canBeOff) losses.push(lost("this model can't be kept from thinking"));
  const config = {
    ...(effort === undefined ? {} : amount(reasoning, effort, thinking)),
    ...(reasoning.visible === undefined ? {} : { includeThoughts: reasoning.visible }),
  };
  return Object.keys(config).length > 0 ? config : undefined;
}

function amount(
  reasoning: Reasoning,
  effort: Effort,
  thinking: Exclude<Thinking, { by: "nothing" }>,
): Readonly<Record<string, unknown>> {
  if (thinking.by === "level") {
    // The next one up, as Google's own OpenAI-compatible API does where a model has fewer.
    const level = thinking.levels.find((level) => LEVEL_RANK[level] >= RANK[effort]);
    return { thinkingLevel: level ?? thinking.levels.at(-1) };
  }
  if (effort === "none" && thinking.canBeOff) return { thinkingBudget: 0 };
  const wanted = wantedBudgetTokens(reasoning) ?? 0;
  return { thinkingBudget: Math.min(thinking.mostTokens, Math.max(thinking.leastTokens, wanted)) };
}

function lost(reason: string): Loss {
  return { field: "reasoning", reason };
}
