/**
 * What a provider says of its rate limits, as a time before which not to ask it again.
 *
 * `retry-after-ms` and `retry-after` of a refusal are taken at their word. `x-ratelimit-*` (OpenAI and those that follow it) and
 * `anthropic-ratelimit-*` say of each limit how much there is, how much is left, and when it will be whole again. Such limits
 * fill up steadily, so what the next request needs is there after its part of that time, and not only at its end.
 */

/** A provider that asks for more is believed for so long. */
const MOST_WAIT_MS = 5 * 60_000;
const OPENAI = /^x-ratelimit-(limit|remaining|reset)-(requests|tokens)$/;
const ANTHROPIC = /^anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)$/;
const COUNT = /^\d{1,15}(?:\.\d{1,6})?$/;
/** `6m0s`, `1.5s`, `20ms`, `1h2m3s`. */
const DURATION =
  /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1000, 1];
/** Statuses with which an upstream refuses for now; 529 is Anthropic's. */
export const REFUSES_FOR_NOW: ReadonlySet<number> = new Set([429, 503, 529]);

/** An answer of a provider. */
export interface ProviderAnswer {
  readonly status: number;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** What a request like this one uses, tokens. */
  readonly costTokens: number;
}

interface ProviderLimit {
  limit: number | undefined;
  remaining: number | undefined;
  resetMs: number | undefined;
}

/**
 * How long not to ask the provider again, milliseconds from now; 0 where it may be asked. At most five minutes.
 *
 * @param nowMs wall clock: providers give times of day, too.
 */
export function providerWaitMs({ status, headers, costTokens }: ProviderAnswer, nowMs: number): number {
  const refuses = REFUSES_FOR_NOW.has(status);
  let askedMs: number | undefined;
  let exactMs: number | undefined;
  const limits = new Map<string, ProviderLimit>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (name === "retry-after-ms") exactMs = countOf(value);
    else if (name === "retry-after") askedMs = retryAfterMs(value, nowMs);
    else if (name.startsWith("x-ratelimit-")) note(limits, OPENAI.exec(name), 2, value, nowMs);
    else if (name.startsWith("anthropic-ratelimit-")) note(limits, ANTHROPIC.exec(name), 1, value, nowMs);
  }
  const waitMs = (refuses ? (exactMs ?? askedMs) : undefined) ?? longestMs(limits, costTokens, status === 429);
  return Math.min(MOST_WAIT_MS, Math.max(0, waitMs));
}

/** @param what which group of `match` names what is limited; the other says which of the three it is. */
function note(
  limits: Map<string, ProviderLimit>,
  match: RegExpExecArray | null,
  what: 1 | 2,
  value: string,
  nowMs: number,
): void {
  if (match === null) return;
  const limited = match[what]!;
  const field = match[3 - what]! as "limit" | "remaining" | "reset";
  let limit = limits.get(limited);
  if (limit === undefined)
    limits.set(limited, (limit = { limit: undefined, remaining: undefined, resetMs: undefined }));
  if (field === "reset") limit.resetMs = resetMs(value, nowMs);
  else limit[field] = countOf(value);
}

/** @param refused what is said to be left was not enough. */
function longestMs(limits: ReadonlyMap<string, ProviderLimit>, costTokens: number, refused: boolean): number {
  let longest = 0;
  for (const [limited, { limit, remaining, resetMs }] of limits) {
    if (remaining === undefined || resetMs === undefined) continue;
    const asked = limited === "requests" ? 1 : Math.max(1, costTokens);
    // Of a request that is larger than all there is, the whole is needed.
    const needed = limit === undefined ? asked : Math.min(asked, Math.max(limit, 1));
    // An answer that was given shows that it was enough; only what is left of nothing is held against the next.
    const missing = refused ? needed - remaining : remaining < 1 ? needed : 0;
    if (missing <= 0) continue;
    const used = limit === undefined ? missing : Math.max(limit - remaining, missing);
    longest = Math.max(longest, resetMs * (missing / used));
  }
  return longest;
}

function countOf(value: string): number | undefined {
  return COUNT.test(value) ? Number(value) : undefined;
}

/** Seconds or a date, from now. */
function retryAfterMs(value: string, nowMs: number): number | undefined {
  const seconds = countOf(value);
  if (seconds !== undefined) return seconds * 1000;
  const date = value.length < 64 && value.endsWith("GMT") ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : date - nowMs;
}

/** A duration with its units, plain seconds, or RFC 3339; from now. */
function resetMs(value: string, nowMs: number): number | undefined {
  const seconds = countOf(value);
  // Larger ones are a time of day in some unit, and nobody says which.
  if (seconds !== undefined) return seconds <= 86_400 ? seconds * 1000 : undefined;
  const parts = value === "" || value.length > 64 ? null : DURATION.exec(value);
  if (parts !== null) return UNITS_MS.reduce((sum, unitMs, i) => sum + Number(parts[i + 1] ?? 0) * unitMs, 0);
  const date = /^\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : date - nowMs;
}
