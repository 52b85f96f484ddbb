/** The header fields of an answer: ours, and the few of the upstream's that are passed on. */
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { GatewayError } from "../core/errors.ts";
import { standingHeaders } from "../limits/standing-headers.ts";
import { headerValue } from "../upstream/exchange.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import type { Call } from "./call.ts";
import { retryAfterHeaders } from "./retry-after.ts";

/** Everything else that an upstream says about itself, its cookies and its caches stays here. */
const PASSED_ON = ["openai-processing-ms", "openai-version"] as const;

/** @returns flat pairs for an answer of `contentType`, with what `error` adds. */
export function answerHeaders(call: Call, contentType: string, error?: GatewayError): string[] {
  const headers = ["content-type", contentType, "x-request-id", call.id];
  if (call.upstream !== null) {
    headers.push("x-headwaiter-upstream", call.upstream.config.name);
    headers.push(
      "x-headwaiter-attempts",
      String(call.attempts),
      "x-headwaiter-queue-ms",
      String(Math.round(call.queueMs)),
    );
  }
  if (call.limits !== null) {
    const now = { dialect: call.kind.dialect.name, nowMs: monotonicMs(), wallMs: Date.now() };
    headers.push(...standingHeaders(call.limits, call.runtime.limits.limiter, now));
  }
  if (call.dropped.length > 0) headers.push("x-headwaiter-dropped", droppedList(call.dropped));
  if (error !== undefined) {
    headers.push("x-headwaiter-error", error.code);
    // The official SDKs retry every 503 unless they are told not to, and wait as long as Retry-After says.
    if (error.source === "gateway" && !error.retry) headers.push("x-should-retry", "false");
    if (error.retryAfterMs !== undefined) headers.push(...retryAfterHeaders(error.retryAfterMs));
  }
  return headers;
}

/** Adds the allow-listed fields of an upstream's answer to `headers`. */
export function passOnHeaders(headers: string[], upstream: HeaderList): void {
  for (const name of PASSED_ON) {
    const value = headerValue(upstream, name);
    if (value !== undefined) headers.push(name, value);
  }
}

/** Fields of every stream: no cache, proxy or compressor on the way may hold its bytes. */
export const STREAM_HEADERS: readonly string[] = ["cache-control", "no-cache, no-transform", "x-accel-buffering", "no"];

/** Of a thousand messages each may have lost a field. */
const MOST_DROPPED_BYTES = 2048;

/** Field paths are ours but for the names within, which are what a client wrote: nothing but visible ASCII. */
function droppedList(fields: readonly string[]): string {
  const list = fields.join(",").replaceAll(/[^\x21-\x7e]/g, "?");
  return list.length <= MOST_DROPPED_BYTES ? list : `${list.slice(0, MOST_DROPPED_BYTES)}…`.replace("…", "...");
}
