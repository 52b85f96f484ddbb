/** What limits count, and how much of it one request is. */
import type { LimitsConfig, Price } from "../config/snapshot.ts";
import type { AccountDefinition } from "./accounts.ts";

/** What a limit counts; `usd` in micro-dollars. */
export type Measure = "requests" | "tokens" | "inputTokens" | "outputTokens" | "concurrency" | "usd";

/** One of the limits that the config knows. */
export interface LimitKind {
  readonly field: Exclude<keyof LimitsConfig, "enforce">;
  readonly measure: Measure;
  /** The end of the account's name. */
  readonly suffix: string;
  readonly kind: AccountDefinition["kind"];
  readonly windowMs: number;
  /** What follows a number of it: `600 requests per minute`. */
  readonly unit: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Of one dollar. */
export const MICRO_USD = 1_000_000;

const perMinute = (field: LimitKind["field"], measure: Measure, suffix: string, unit: string): LimitKind => ({
  field,
  measure,
  suffix,
  kind: "rate",
  windowMs: MINUTE_MS,
  unit,
});

const money = (field: LimitKind["field"], windowMs: number, suffix: string, unit: string): LimitKind => ({
  field,
  measure: "usd",
  suffix,
  kind: "budget",
  windowMs,
  unit,
});

/** All of them, those first that a refusal should name where several are used up. */
export const LIMIT_KINDS: readonly LimitKind[] = [
  money("usdPerMonth", 30 * DAY_MS, "usd/30d", "US dollars in 30 days"),
  money("usdPerDay", DAY_MS, "usd/1d", "US dollars in 24 hours"),
  money("usdPerHour", HOUR_MS, "usd/1h", "US dollars per hour"),
  perMinute("tokensPerMinute", "tokens", "tokens/1m", "tokens per minute"),
  perMinute("inputTokensPerMinute", "inputTokens", "input_tokens/1m", "input tokens per minute"),
  perMinute("outputTokensPerMinute", "outputTokens", "output_tokens/1m", "output tokens per minute"),
  perMinute("requestsPerMinute", "requests", "requests/1m", "requests per minute"),
  {
    field: "maxConcurrency",
    measure: "concurrency",
    suffix: "concurrency",
    kind: "gauge",
    windowMs: 0,
    unit: "requests at a time",
  },
];

/** What a request uses, or may use. */
export interface Use {
  readonly inputTokens: number;
  /** Of these, what the provider had in its cache. @default 0 */
  readonly cachedInputTokens?: number;
  readonly outputTokens: number;
}

/**
 * What a request costs, in micro-dollars, rounded up: a dollar for a million tokens is a micro-dollar for one.
 *
 * @throws {RangeError} where the price is not known: a config with a money limit over such a model does not start.
 */
function microUsd({ inputTokens, cachedInputTokens = 0, outputTokens }: Use, price: Price | undefined): number {
  if (price === undefined) throw new RangeError("a request under a money limit has no price");
  const { inputUsdPerMillion, outputUsdPerMillion, cachedInputUsdPerMillion = inputUsdPerMillion } = price;
  const cached = Math.min(cachedInputTokens, inputTokens);
  return Math.ceil(
    (inputTokens - cached) * inputUsdPerMillion +
      cached * cachedInputUsdPerMillion +
      outputTokens * outputUsdPerMillion,
  );
}

/** How much of `measure` one request is. */
export function amountOf(measure: Measure, use: Use, price: Price | undefined): number {
  if (measure === "usd") return microUsd(use, price);
  if (measure === "tokens") return Math.ceil(use.inputTokens) + Math.ceil(use.outputTokens);
  if (measure === "inputTokens") return Math.ceil(use.inputTokens);
  return measure === "outputTokens" ? Math.ceil(use.outputTokens) : 1;
}
