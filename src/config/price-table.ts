/**
 * List prices of well-known models, US dollars per million tokens of text, standard tier. Providers change them: what the config
 * says goes before. Where a price is a passing offer, the regular one stands here, so that a limit errs on the safe side.
 */

interface TokenPrices {
  readonly input: number;
  readonly output: number;
  /** Input that is read from the provider's cache; left out: as other input. */
  readonly cachedInput: number | undefined;
}

/** What some models cost alike. */
export interface PriceEntry extends TokenPrices {
  /** As their provider calls them, without the date of a snapshot. */
  readonly names: readonly string[];
  /** What the whole request costs once its input is longer. */
  readonly long: (TokenPrices & { readonly aboveInputTokens: number }) | undefined;
}

interface PriceTable {
  /** When it was last compared with the sources. */
  readonly date: string;
  readonly sources: readonly string[];
  readonly entries: readonly PriceEntry[];
}

/** Input, output, cached input. */
type Prices = readonly [input: number, output: number, cachedInput?: number];

function entry(names: string, [input, output, cachedInput]: Prices): PriceEntry {
  return { names: names.split(" "), input, output, cachedInput, long: undefined };
}

function longer(aboveInputTokens: number, [input, output, cachedInput]: Prices, short: PriceEntry): PriceEntry {
  return { ...short, long: { aboveInputTokens, input, output, cachedInput } };
}

/** OpenAI's rule from GPT-5.4 on: past 272,000 tokens of input it costs twice as much, and output half as much again. */
function doubling(names: string, prices: Prices): PriceEntry {
  const [input, output, cachedInput] = prices;
  const long = [2 * input, (15 * output) / 10] as const;
  return longer(272_000, cachedInput === undefined ? long : [...long, 2 * cachedInput], entry(names, prices));
}

/** The table. */
export const PRICE_TABLE: PriceTable = {
  date: "2026-11-21",
  sources: [
    "https://developers.openai.com/api/docs/pricing",
    "https://platform.claude.com/docs/en/about-claude/pricing",
    "https://ai.google.dev/gemini-api/docs/pricing",
  ],
  entries: [
    doubling("gpt-6-astra", [10, 50, 1]),
    doubling("gpt-6.1-sol", [2, 10, 0.1]),
    doubling("gpt-6-sol", [2, 10, 0.2]),
    doubling("gpt-6-luna", [0.1, 0.5, 0.01]),
    doubling("gpt-5.6 gpt-5.6-sol", [4, 20, 0.4]),
    doubling("gpt-5.6-terra", [2, 12, 0.2]),
    doubling("gpt-5.6-luna", [0.2, 1.2, 0.02]),
    doubling("gpt-5.5", [5, 30, 0.5]),
    doubling("gpt-5.5-pro gpt-5.4-pro", [30, 180]),
    doubling("gpt-5.4", [2.5, 15, 0.25]),
    entry("gpt-5.4-mini", [0.75, 4.5, 0.075]),
    entry("gpt-5.4-nano", [0.2, 1.25, 0.02]),
    entry("gpt-5.3-codex gpt-5.3-chat gpt-5.2 gpt-5.2-codex gpt-5.2-chat", [1.75, 14, 0.175]),
    entry("gpt-5.2-pro", [21, 168]),
    entry("gpt-5.1 gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-chat gpt-5 gpt-5-codex gpt-5-chat", [1.25, 10, 0.125]),
    entry("gpt-5-mini gpt-5.1-codex-mini", [0.25, 2, 0.025]),
    entry("gpt-5-nano", [0.05, 0.4, 0.005]),
    entry("gpt-5-pro", [15, 120]),
    entry("gpt-4.1", [2, 8, 0.5]),
    entry("gpt-4.1-mini", [0.4, 1.6, 0.1]),
    entry("gpt-4.1-nano", [0.1, 0.4, 0.025]),
    entry("gpt-4o", [2.5, 10, 1.25]),
    entry("gpt-4o-2024-05-13 chatgpt-4o", [5, 15]),
    entry("gpt-4o-mini", [0.15, 0.6, 0.075]),
    entry("gpt-4-turbo gpt-4-1106-preview", [10, 30]),
    entry("gpt-4 gpt-4-0613", [30, 60]),
    entry("gpt-3.5-turbo gpt-3.5-turbo-0125", [0.5, 1.5]),
    entry("o4-mini", [1.1, 4.4, 0.275]),
    entry("o3", [2, 8, 0.5]),
    entry("o3-pro", [20, 80]),
    entry("o3-mini", [1.1, 4.4, 0.55]),
    entry("o1", [15, 60, 7.5]),
    entry("o1-pro", [150, 600]),
    entry("text-embedding-3-large", [0.13, 0]),
    entry("text-embedding-3-small", [0.02, 0]),
    entry("text-embedding-ada-002", [0.1, 0]),
    entry("claude-fable-5-1", [10, 50, 0.25]),
    entry("claude-fable-5", [10, 50, 1]),
    entry("claude-opus-5-5", [4, 20, 0.2]),
    entry("claude-opus-5 claude-opus-4-8 claude-opus-4-7 claude-opus-4-6 claude-opus-4-5", [5, 25, 0.5]),
    entry("claude-opus-4-1 claude-opus-4 claude-opus-4-0 claude-3-opus", [15, 75, 1.5]),
    entry("claude-sonnet-5-5", [2, 10, 0.1]),
    entry("claude-sonnet-5", [2, 10, 0.2]),
    entry("claude-sonnet-4-6", [3, 15, 0.3]),
    entry("claude-sonnet-4-5 claude-sonnet-4 claude-sonnet-4-0 claude-3-7-sonnet claude-3-5-sonnet", [3, 15, 0.3]),
    longer(100_000, [0.5, 2.5, 0.05], entry("claude-haiku-5-5", [0.1, 0.5, 0.01])),
    entry("claude-haiku-4-5", [1, 5, 0.1]),
    entry("claude-3-5-haiku", [0.8, 4, 0.08]),
    entry("claude-3-haiku", [0.25, 1.25, 0.03]),
    longer(200_000, [4, 18, 0.4], entry("gemini-3.1-pro-preview", [2, 12, 0.2])),
    entry("gemini-3.8-flash gemini-3.7-flash gemini-3.6-flash", [1.5, 7.5, 0.15]),
    entry("gemini-3.5-flash", [1.5, 9, 0.15]),
    entry("gemini-3.5-flash-lite", [0.3, 2.5, 0.03]),
    entry("gemini-3.1-flash-lite", [0.25, 1.5, 0.025]),
    entry("gemini-3-flash-preview", [0.5, 3, 0.05]),
    longer(200_000, [2.5, 15, 0.25], entry("gemini-2.5-pro", [1.25, 10, 0.125])),
    entry("gemini-2.5-flash", [0.3, 2.5, 0.03]),
    entry("gemini-2.5-flash-lite", [0.1, 0.4, 0.01]),
    entry("gemini-embedding-001", [0.15, 0]),
  ],
};
