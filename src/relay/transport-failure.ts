/** What a caller is told of a request that did not get through to the upstream, or of an answer that did not come back. */
import { GatewayError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { TransportFailure } from "../upstream/exchange.ts";
import { jitteredMs } from "./retry-after.ts";

/** Wait asked of a caller when every connection is in use; doubled at most by jitter. */
const SATURATED_RETRY_MS = 1000;

const FAILURE_CODES: Readonly<Record<TransportFailure["kind"], ErrorCode>> = {
  unreachable: "upstream_unreachable",
  connect_timeout: "upstream_connect_timeout",
  saturated: "upstream_saturated",
  disconnected: "upstream_disconnected",
  protocol: "upstream_invalid",
  closed: "draining",
};

/** Where it is not the upstream that failed. */
const FAILURE_OUTCOMES: Readonly<Partial<Record<TransportFailure["kind"], Outcome>>> = {
  saturated: "refused",
  closed: "drained",
};

/** The error for the caller. */
export function failureError(failure: TransportFailure): GatewayError {
  const code = FAILURE_CODES[failure.kind];
  const waits = code === "upstream_saturated" || code === "draining";
  return new GatewayError(code, {
    detail: failure.detail,
    ...(waits ? { retryAfterMs: jitteredMs(SATURATED_RETRY_MS) } : {}),
  });
}

/** How the call has ended by it. */
export function failureOutcome({ kind }: TransportFailure): Outcome {
  return FAILURE_OUTCOMES[kind] ?? "upstream_failed";
}
