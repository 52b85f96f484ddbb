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
 * | max | 65,536 |
 *
 * Minimal to high are what Google's own OpenAI-compatible API makes of `reasoning_effort`
 * (https://ai.google.dev/gemini-api/docs/openai#thinking); xhigh is the largest budget that a Gemini model takes. Who has
 * a least or a most of its own (Anthropic 1,024) keeps to it where it writes.
 *
 * A budget is never read as more than `high`: that is the most that every model with efforts takes. The two above it are known to
 * few, which refuse a request for them otherwise, so they are for callers that name them.
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
  max: 65_536,
};

/** What a budget is read as, from the least to the most. */
const READ_EFFORTS = ["minimal", "low", "medium", "high"] as const satisfies readonly Effort[];

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
  const passed = READ_EFFORTS.findIndex((effort, i) => {
    const next = READ_EFFORTS[i + 1];
    return next === undefined || budgetTokens ** 2 < BUDGET_TOKENS[effort] * BUDGET_TOKENS[next];
  });
  return READ_EFFORTS[passed]!;
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
