/** `Retry-After`: what we say ourselves, and what we let an upstream say. */
import { headerValue } from "../upstream/exchange.ts";
import type { HeaderList } from "../upstream/exchange.ts";

/** An upstream that asks for more is passed on as asking for this. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** Spreads callers that were refused together: `baseMs` to twice that. */
export function jitteredMs(baseMs: number): number {
  return Math.round(baseMs * (1 + Math.random()));
}

/** @returns flat pairs: whole seconds rounded up, and exact milliseconds for SDKs that read them. */
export function retryAfterHeaders(retryAfterMs: number): string[] {
  return ["retry-after", String(Math.ceil(retryAfterMs / 1000)), "retry-after-ms", String(Math.round(retryAfterMs))];
}

/** The upstream's wish in milliseconds, 0 to five minutes; `undefined` when there is none that can be read. */
export function clampedRetryAfterMs(headers: HeaderList): number | undefined {
  const exact = headerValue(headers, "retry-after-ms");
  if (exact !== undefined && /^[0-9]{1,15}(?:\.[0-9]{1,6})?$/.test(exact)) return clamp(Number(exact));
  const field = headerValue(headers, "retry-after");
  if (field === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(field)) return clamp(Number(field) * 1000);
  const date = field.length < 64 && field.endsWith("GMT") ? Date.parse(field) : Number.NaN;
  return Number.isNaN(date) ? undefined : clamp(date - Date.now());
}

function clamp(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
