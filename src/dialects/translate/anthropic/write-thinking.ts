/** How much the model may think, in the form that the model takes (https://platform.claude.com/docs/en/build-with-claude/thinking). */
import type { CommonRequest, Reasoning } from "../common.ts";
import { wantedBudgetTokens, wantedEffort } from "../effort.ts";
import type { Effort } from "../effort.ts";
import type { Loss } from "../translation.ts";
import type { ModelTraits } from "./models.ts";
import type { WrittenMessage } from "./write-content.ts";

type Json = Readonly<Record<string, unknown>>;

/** The least that Anthropic takes. */
const LEAST_BUDGET_TOKENS = 1024;
/** Of `max_tokens`, what an effort may take: the rest is for the answer. */
const EFFORT_SHARE = 3 / 4;
/** Where the caller wants to see thoughts, and does not say how much. */
const UNSAID_EFFORT: Effort = "medium";

/** Fields of the body. */
export interface WrittenThinking {
  readonly thinking?: Json;
  /** Of `output_config`. */
  readonly effort?: string;
  /** The model is asked to think. */
  readonly thinks: boolean;
}

const NOTHING: WrittenThinking = { thinks: false };

/** What the rest of the request is. */
interface Surroundings {
  readonly traits: ModelTraits;
  readonly maxTokens: number;
  readonly messages: readonly WrittenMessage[];
}

/** See {@link WrittenThinking}. @param losses what can't be had goes here. */
export function writeThinking(
  { reasoning }: CommonRequest,
  { traits, maxTokens, messages }: Surroundings,
  losses: Loss[],
): WrittenThinking {
  const effort = reasoning === undefined ? undefined : wantedEffort(reasoning);
  if (reasoning === undefined || (effort === undefined && reasoning.visible !== true)) return NOTHING;
  const lose = (reason: string): void => void losses.push({ field: "reasoning", reason });
  if (effort === "none") {
    if (traits.thinking === "none") return NOTHING;
    if (!traits.alwaysThinks) return { thinking: { type: "disabled" }, thinks: false };
    lose("this model always thinks");
    return { effort: "low", thinks: true };
  }
  if (traits.thinking === "none") {
    lose("this model does not think");
    return NOTHING;
  }
  if (traits.thinking === "adaptive") return adaptive(reasoning, effort, traits);
  if (maxTokens <= LEAST_BUDGET_TOKENS) {
    lose(
      `this model thinks for ${LEAST_BUDGET_TOKENS} tokens at least, for which the limit of the answer leaves no room`,
    );
    return NOTHING;
  }
  if (callsWithoutThoughts(messages)) {
    // Refusing would end every conversation with a caller whose API has no place for them, at its first tool's result.
    const reason = "this model does not think in this turn: it can't begin to between a tool's call and its result";
    losses.push({ field: "reasoning", reason, warning: true });
    return NOTHING;
  }
  return budgeted(reasoning, maxTokens);
}

function adaptive(reasoning: Reasoning, effort: Effort | undefined, traits: ModelTraits): WrittenThinking {
  return {
    thinking: { type: "adaptive", ...display(reasoning.visible) },
    ...(effort === undefined ? {} : { effort: effortWord(effort, traits) }),
    thinks: true,
  };
}

function effortWord(effort: Effort, { hasXhigh }: ModelTraits): string {
  if (effort === "minimal") return "low";
  return effort === "xhigh" && !hasXhigh ? "high" : effort;
}

function budgeted(reasoning: Reasoning, maxTokens: number): WrittenThinking {
  const wanted = wantedBudgetTokens({ effort: UNSAID_EFFORT, ...reasoning })!;
  const most = reasoning.budgetTokens === undefined ? Math.floor(maxTokens * EFFORT_SHARE) : maxTokens - 1;
  const budget = Math.max(LEAST_BUDGET_TOKENS, Math.min(wanted, most));
  // Shown unless it is said otherwise.
  const hidden = reasoning.visible === false ? display(false) : {};
  return { thinking: { type: "enabled", budget_tokens: budget, ...hidden }, thinks: true };
}

function display(visible: boolean | undefined): Json {
  return visible === undefined ? {} : { display: visible ? "summarized" : "omitted" };
}

/** Whether the conversation stands between a tool's call and its result, and the turn that called has no thoughts of Anthropic's. */
function callsWithoutThoughts(messages: readonly WrittenMessage[]): boolean {
  const last = messages.at(-1);
  if (last?.role !== "user" || last.content[0]?.["type"] !== "tool_result") return false;
  const first = messages.at(-2)?.content[0]?.["type"];
  return first !== "thinking" && first !== "redacted_thinking";
}
