/** The parts of the config that bound how much: limits, prices, concurrency and the queue before it. */
import type { z } from "zod";

import { either, key, optional, section, sectionWithoutDefault } from "./setting.ts";
import { choice, dollars, duration, integer, requiredInteger } from "./values.ts";

const count = requiredInteger({ example: "600", min: "1", max: "1000000000000" });
const budget = dollars({ example: "25", min: "0.000001", max: "1000000000" });
const concurrency = requiredInteger({ example: "50", min: "1", max: "1000000" });
const pricePerMillion = dollars({ example: "1.25", min: "0", max: "1000000" });

/** Limits; each holds by itself, in any 60 s, hour, 24 h or 30 days. */
export const limits = sectionWithoutDefault({
  requests_per_minute: key("requestsPerMinute", optional(count), "In any 60 s."),
  tokens_per_minute: key("tokensPerMinute", optional(count), "Input and output together, in any 60 s."),
  input_tokens_per_minute: key("inputTokensPerMinute", optional(count), "Input alone, in any 60 s."),
  output_tokens_per_minute: key("outputTokensPerMinute", optional(count), "Output alone, in any 60 s."),
  max_concurrency: key("maxConcurrency", optional(concurrency), "Requests under way at a time."),
  usd_per_hour: key("usdPerHour", optional(budget), "In any 60 minutes. Every model within it needs a known price."),
  usd_per_day: key("usdPerDay", optional(budget), "In any 24 hours. Every model within it needs a known price."),
  usd_per_month: key("usdPerMonth", optional(budget), "In any 30 days. Every model within it needs a known price."),
  enforce: key(
    "enforce",
    choice(["admission", "stream"], "admission"),
    "`admission`: a request that was let in runs to its end, whatever it turns out to use. `stream`: a stream that has used up its " +
      "tokens or money is ended.",
  ),
});

/** What a model's tokens cost. */
export const price = sectionWithoutDefault({
  input: key("inputUsdPerMillion", pricePerMillion, "US dollars for a million input tokens."),
  output: key("outputUsdPerMillion", pricePerMillion, "US dollars for a million output tokens."),
  cached_input: key(
    "cachedInputUsdPerMillion",
    optional(pricePerMillion),
    "The same for input that the provider has in its cache. Left out, it counts as other input.",
  ),
});

/** How many requests an upstream gets at a time. */
export const maxConcurrency = either(
  concurrency,
  sectionWithoutDefault({
    adaptive: key(
      "adaptive",
      sectionWithoutDefault({
        min: key("min", concurrency, "The cap never goes below it."),
        max: key("max", concurrency, "The cap never goes above it."),
      }),
      "The cap follows the time to the first token: it grows while that stays near its floor, and shrinks when it rises or the " +
        "upstream says that it has too much.",
    ),
  }),
);

/** Those that wait for the cap. */
export const queue = section({
  max_waiting: key(
    "maxWaiting",
    integer({ default: "1000", min: "0", max: "100000" }),
    "Requests that wait at a time, all loops together; past it, 429. `0`: nobody waits.",
  ),
  max_wait: key(
    "maxWaitMs",
    duration({ default: "5s", min: "1ms", max: "1h" }),
    "How long a request may wait. One that would wait longer, by the rate of late, is refused at once.",
  ),
});

/** Limits as parsed. */
export type LimitsSettings = z.output<(typeof limits)["schema"]>;

/** A price as parsed. */
export type PriceSettings = z.output<(typeof price)["schema"]>;
