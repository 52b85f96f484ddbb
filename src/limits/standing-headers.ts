/** How a caller's limits stand, as header fields of the API that it uses. */
import type { Dialect } from "../config/snapshot.ts";
import type { Limiter, Standing } from "./limiter.ts";
import type { Measure } from "./measures.ts";
import type { RequestLimits } from "./plan.ts";

type Named = (what: string) => readonly [limit: string, remaining: string, reset: string];

const OPENAI_NAMES: Named = (what) => [
  `x-ratelimit-limit-${what}`,
  `x-ratelimit-remaining-${what}`,
  `x-ratelimit-reset-${what}`,
];
const ANTHROPIC_NAMES: Named = (what) => [
  `anthropic-ratelimit-${what}-limit`,
  `anthropic-ratelimit-${what}-remaining`,
  `anthropic-ratelimit-${what}-reset`,
];

/** Gemini has none of its own; tools look for OpenAI's. */
const MEASURES: Readonly<Record<Dialect, readonly (readonly [Measure, string])[]>> = {
  openai: [
    ["requests", "requests"],
    ["tokens", "tokens"],
  ],
  gemini: [
    ["requests", "requests"],
    ["tokens", "tokens"],
  ],
  anthropic: [
    ["requests", "requests"],
    ["tokens", "tokens"],
    ["inputTokens", "input-tokens"],
    ["outputTokens", "output-tokens"],
  ],
};

interface Asked {
  readonly dialect: Dialect;
  readonly nowMs: number;
  /** `Date.now()` of the same moment. */
  readonly wallMs: number;
}

/**
 * Header fields of an answer, flat pairs: for each thing that is counted the limit of which the smallest share remains. The
 * upstream's limits are not the caller's, and left out.
 */
export function standingHeaders(
  { limits }: RequestLimits,
  limiter: Pick<Limiter, "peek">,
  { dialect, nowMs, wallMs }: Asked,
): string[] {
  const headers: string[] = [];
  const names = dialect === "anthropic" ? ANTHROPIC_NAMES : OPENAI_NAMES;
  for (const [measure, what] of MEASURES[dialect]) {
    let tightest: Standing | null = null;
    for (const limit of limits) {
      if (limit.measure !== measure || limit.owner.kind === "upstream") continue;
      const standing = limiter.peek(limit.account, nowMs);
      if (tightest === null || share(standing) < share(tightest)) tightest = standing;
    }
    if (tightest === null) continue;
    const [limitName, remainingName, resetName] = names(what);
    const resetMs = tightest.resetInMs;
    const reset = dialect === "anthropic" ? timeOf(wallMs + resetMs) : durationText(resetMs);
    headers.push(limitName, String(tightest.limit), remainingName, String(tightest.remaining), resetName, reset);
  }
  return headers;
}

function share({ limit, remaining }: Standing): number {
  return remaining / limit;
}

/** RFC 3339, in whole seconds, as Anthropic writes it. */
function timeOf(wallMs: number): string {
  return `${new Date(Math.ceil(wallMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** As OpenAI writes it: `20ms`, `1s`, `6m0s`. */
function durationText(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
