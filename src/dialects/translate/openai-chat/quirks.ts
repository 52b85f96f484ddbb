/**
 * In what the servers that speak OpenAI's chat API differ as to requests. Answers need no table: the readers take every form
 * that is known.
 */

/** See the file's comment. */
export interface ChatQuirks {
  /** OpenAI's reasoning models refuse `max_tokens`; older imitators know nothing else. `by_model`: as the model's name has it. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens" | "by_model";
  readonly seedField: "seed" | "random_seed";
  readonly hasTopK: boolean;
  readonly hasLogprobs: boolean;
  /** Who has none reports the usage anyway. */
  readonly hasStreamOptions: boolean;
  /** Who has none misses what abuse checks alone would read. */
  readonly hasUser: boolean;
  /**
   * Whether thoughts that no other family has signed go back with the calls that they led to, as `reasoning_content`. Models that think
   * between calls go on from there; DeepSeek and Moonshot refuse calls without the field, OpenAI and Groq those with it.
   */
  readonly thoughtsOfCalls: "never" | "where_there_are" | "always";
  /** Who has no field for refusals of earlier turns never sees them there, or refuses it: they are content then. */
  readonly hasRefusals: boolean;
  /** Whether Gemini's proof of a call goes back with it. Google demands it, OpenAI refuses what it doesn't know. */
  readonly hasCallSignatures: boolean;
  /** How a cache mark is written. `by_model`: OpenAI's breakpoints, where the model's name is of those that take them. */
  readonly cacheMarks: "none" | "by_model" | "cache_control";
  /** Mistral takes ids of nine letters and digits alone; OpenAI up to forty characters. */
  readonly callIds: "any" | "nine_alphanumeric";
}

/** vLLM, SGLang, llama.cpp, Ollama, Together and whatever else is behind an address that no row knows. */
export const USUAL_QUIRKS: ChatQuirks = {
  maxTokensField: "by_model",
  seedField: "seed",
  hasTopK: true,
  hasLogprobs: true,
  hasStreamOptions: true,
  hasUser: true,
  thoughtsOfCalls: "where_there_are",
  hasRefusals: false,
  hasCallSignatures: false,
  cacheMarks: "none",
  callIds: "any",
};

const OPENAI: ChatQuirks = {
  ...USUAL_QUIRKS,
  maxTokensField: "max_completion_tokens",
  hasTopK: false,
  thoughtsOfCalls: "never",
  hasRefusals: true,
  cacheMarks: "by_model",
};

/** The end of a host's name → how it differs. */
const QUIRKS: Readonly<Record<string, ChatQuirks>> = {
  "api.openai.com": OPENAI,
  "openai.azure.com": OPENAI,
  "cognitiveservices.azure.com": OPENAI,
  "services.ai.azure.com": OPENAI,
  "api.groq.com": { ...OPENAI, hasLogprobs: false, hasRefusals: false, cacheMarks: "none" },
  "api.x.ai": { ...OPENAI, hasRefusals: false, cacheMarks: "none" },
  "api.deepseek.com": { ...USUAL_QUIRKS, thoughtsOfCalls: "always" },
  "api.moonshot.ai": { ...USUAL_QUIRKS, thoughtsOfCalls: "always" },
  "api.moonshot.cn": { ...USUAL_QUIRKS, thoughtsOfCalls: "always" },
  "openrouter.ai": { ...USUAL_QUIRKS, cacheMarks: "cache_control" },
  "dashscope.aliyuncs.com": { ...USUAL_QUIRKS, cacheMarks: "cache_control" },
  "dashscope-intl.aliyuncs.com": { ...USUAL_QUIRKS, cacheMarks: "cache_control" },
  "generativelanguage.googleapis.com": {
    ...USUAL_QUIRKS,
    maxTokensField: "max_tokens",
    hasTopK: false,
    thoughtsOfCalls: "never",
    hasCallSignatures: true,
  },
  // Refuses every field that it doesn't know.
  "api.mistral.ai": {
    maxTokensField: "max_tokens",
    seedField: "random_seed",
    hasTopK: false,
    hasLogprobs: false,
    hasStreamOptions: false,
    hasUser: false,
    thoughtsOfCalls: "never",
    hasRefusals: false,
    hasCallSignatures: false,
    cacheMarks: "none",
    callIds: "nine_alphanumeric",
  },
};

/** @param hostname of an endpoint's URL, such as `api.openai.com`. */
export function quirksOf(hostname: string): ChatQuirks {
  const known = Object.keys(QUIRKS).find((name) => hostname === name || hostname.endsWith(`.${name}`));
  return known === undefined ? USUAL_QUIRKS : QUIRKS[known]!;
}

/** @returns the field that limits the output of `model`. */
export function maxTokensField(quirks: ChatQuirks, model: string): "max_tokens" | "max_completion_tokens" {
  if (quirks.maxTokensField !== "by_model") return quirks.maxTokensField;
  return /(?:^|\/)(?:gpt-[5-9]|o[1-9])/.test(model) ? "max_completion_tokens" : "max_tokens";
}

/** @returns how a cache mark is written for `model`. Breakpoints came with GPT-5.6. */
export function cacheMarkField(
  quirks: ChatQuirks,
  model: string,
): "none" | "prompt_cache_breakpoint" | "cache_control" {
  if (quirks.cacheMarks !== "by_model") return quirks.cacheMarks;
  return /^gpt-(?:5\.(?:[6-9]|\d\d)|[6-9])/.test(model) ? "prompt_cache_breakpoint" : "none";
}

/** @returns whether `model` can't think and refuses to be told not to: OpenAI's before GPT-5, but for the o models. */
export function refusesEffort(quirks: ChatQuirks, model: string): boolean {
  return quirks === OPENAI && /^(?:gpt-[34]|chatgpt-4o)/.test(model);
}
