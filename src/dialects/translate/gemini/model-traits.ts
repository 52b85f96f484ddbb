/**
 * What a Gemini model takes, told by its name: how it is made to think, whether it insists on the signatures of its calls.
 * Sources: https://ai.google.dev/gemini-api/docs/thinking and https://ai.google.dev/gemini-api/docs/thought-signatures.
 */

/** How a model is told how much to think. */
export type Thinking =
  | { readonly by: "nothing" }
  /** `least`: of a model that is thinking; `offTokens`: what turns it off, as near as it comes. */
  | { readonly by: "budget"; readonly leastTokens: number; readonly mostTokens: number; readonly canBeOff: boolean }
  | { readonly by: "level"; readonly levels: readonly Level[]; readonly canBeOff: boolean };

/** From the least to the most. */
export type Level = "MINIMAL" | "LOW" | "MEDIUM" | "HIGH";

/** What is known of a model. */
export interface ModelTraits {
  readonly thinking: Thinking;
  /** Gemini 3 refuses a call of its own that comes back without its signature, and takes pictures within a result. */
  readonly isThirdGeneration: boolean;
}

/** @param model without `models/`. A name without a number, such as `gemini-flash-latest`, is taken for the newest. */
export function traitsOf(model: string): ModelTraits {
  const [, generation, minor] = /gemini-(\d+)(?:\.(\d+))?/.exec(model) ?? [];
  const number = generation === undefined ? 3 : Number(generation);
  if (number >= 3) return { thinking: levelsOf(model), isThirdGeneration: true };
  if (number < 2 || minor !== "5") return { thinking: { by: "nothing" }, isThirdGeneration: false };
  return { thinking: budgetOf(model), isThirdGeneration: false };
}

function levelsOf(model: string): Thinking {
  if (/gemini-3-pro/.test(model)) return { by: "level", levels: ["LOW", "HIGH"], canBeOff: false };
  if (/pro/.test(model)) return { by: "level", levels: ["LOW", "MEDIUM", "HIGH"], canBeOff: false };
  return { by: "level", levels: ["MINIMAL", "LOW", "MEDIUM", "HIGH"], canBeOff: true };
}

function budgetOf(model: string): Thinking {
  if (/flash-lite/.test(model)) return { by: "budget", leastTokens: 512, mostTokens: 24_576, canBeOff: true };
  if (/flash/.test(model)) return { by: "budget", leastTokens: 1, mostTokens: 24_576, canBeOff: true };
  return { by: "budget", leastTokens: 128, mostTokens: 32_768, canBeOff: false };
}
