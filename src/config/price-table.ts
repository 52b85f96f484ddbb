/**
 * List prices of well-known models, US dollars per million tokens. Providers change them: what the config says goes before.
 *
 * A name also stands for its dated snapshots (`gpt-4o-2024-08-06`); one that ends in `*` for everything that begins so.
 */

interface PriceEntry {
  readonly names: readonly string[];
  /** For a million input tokens. */
  readonly input: number;
  readonly output: number;
  /** Input that is read from the provider's cache; left out: as other input. */
  readonly cachedInput: number | undefined;
}

interface PriceTable {
  /** When it was last compared with the sources. */
  readonly date: string;
  readonly sources: readonly string[];
  readonly entries: readonly PriceEntry[];
}

const entry = (names: readonly string[], input: number, output: number, cachedInput?: number): PriceEntry => ({
  names,
  input,
  output,
  cachedInput,
});

/** The table. */
export const PRICE_TABLE: PriceTable = {
  date: "2026-11-21",
  sources: [
    "https://openai.com/api/pricing/",
    "https://www.anthropic.com/pricing",
    "https://ai.google.dev/gemini-api/docs/pricing",
  ],
  entries: [
    entry(["gpt-5"], 1.25, 10, 0.125),
    entry(["gpt-5-mini"], 0.25, 2, 0.025),
    entry(["gpt-5-nano"], 0.05, 0.4, 0.005),
    entry(["gpt-4.1"], 2, 8, 0.5),
    entry(["gpt-4o"], 2.5, 10, 1.25),
    entry(["gpt-4o-mini"], 0.15, 0.6, 0.075),
    entry(["claude-sonnet-4", "claude-sonnet-4-5"], 3, 15, 0.3),
    entry(["claude-haiku-4-5"], 1, 5, 0.1),
    entry(["gemini-2.5-pro"], 1.25, 10, 0.125),
    entry(["gemini-2.5-flash"], 0.3, 2.5, 0.03),
  ],
};
