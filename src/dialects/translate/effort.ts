/**
 * How much a model may think, said as a word or as a number of tokens. One table for all translations:
 *
 * | effort | budget, tokens |
 * | --- | --- |
 * | none | 0 |
 * | minimal | 512 |
 * | low | 1,024 |
 * | medium | 8,192 |
 * | high | 24,576 |
 * | xhigh | 32,768 |
 *
 * Minimal to high are what Google's own OpenAI-compatible API makes of `reasoning_effort`
 * (https://ai.google.dev/gemini-api/docs/openai#thinking); the last is the largest budget that a Gemini model takes. Who has
 * a least or a most of its own (Anthropic 1,024) keeps to it where it writes.
 */
import type { Reasoning } from "./common.ts";

/** See {@link Reasoning.effort}. */
export type Effort = NonNullable<Reasoning["effort"]>;

const BUDGET_TOKENS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 32_768,
};

/** From the least to the most. */
const EFFORTS = Object.keys(BUDGET_TOKENS) as readonly Effort[];

/** Tokens of thought that an effort allows. */
export function budgetOfEffort(effort: Effort): number {
  return BUDGET_TOKENS[effort];
}

/**
 * The effort whose budget is nearest by ratio, so that 4,000 is `medium` and 16,000 `high`; `none` for 0 alone.
 * @param budgetTokens from 0.
 */
export function effortOfBudget(budgetTokens: number): Effort {
  if (budgetTokens <= 0) return "none";
  const passed = EFFORTS.findIndex((effort, i) => {
    const next = EFFORTS[i + 1];
    if (next === undefined) return true;
    return effort !== "none" && budgetTokens ** 2 < BUDGET_TOKENS[effort] * BUDGET_TOKENS[next];
  });
  return EFFORTS[passed]!;
}

/** What a request asks for, as a word; `undefined` where it leaves that to the provider. */
export function wantedEffort(reasoning: Reasoning): Effort | undefined {
  if (reasoning.effort !== undefined) return reasoning.effort;
  return reasoning.budgetTokens === undefined ? undefined : effortOfBudget(reasoning.budgetTokens);
}

/** The same in tokens. */
export function wantedBudgetTokens(reasoning: Reasoning): number | undefined {
  if (reasoning.budgetTokens !== undefined) return reasoning.budgetTokens;
  return reasoning.effort === undefined ? undefined : budgetOfEffort(reasoning.effort);
}
