/** The last phase: write down how a call ended. Runs exactly once per call, whatever happened. */
import { OUTCOMES } from "../core/outcome.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Call } from "./call.ts";
import { countedInput } from "./count-input.ts";
import { settleLimits } from "./settle-limits.ts";

/** Settles `call`; does nothing when that has been done. */
export function settle(call: Call, outcome: Outcome): void {
  if (call.settled) return;
  call.outcome = outcome;
  call.work = null;
  call.runtime.row.doing = "settle";
  const { metrics, log } = call.runtime;
  const endedMs = performance.now();
  const model = call.model?.name ?? "";
  const upstream = call.upstream?.config.name ?? "";
  const inputCount = countedInput(call, outcome);
  // What a stored response has used was billed when it was made.
  const isBilled = call.kind.kind !== "stored";
  const usage = isBilled ? call.usage : null;
  const tokenEvents = isBilled ? call.tokenEvents : 0;
  const counted = usage === null && (tokenEvents > 0 || inputCount !== null);
  const tokensIn = usage?.inputTokens ?? inputCount;
  const tokensOut = usage?.outputTokens ?? (tokenEvents > 0 ? tokenEvents : null);
  settleLimits(call, outcome, { input: tokensIn, output: tokensOut });
  metrics.requests.add(1, call.kind.dialect.name, upstream, model, outcome);
  if (outcome === "refused") metrics.refused.add(1, call.code ?? "internal");
  if (tokensIn !== null) metrics.tokens.add(tokensIn, "input", upstream, model);
  if (tokensOut !== null) metrics.tokens.add(tokensOut, "output", upstream, model);
  if (call.firstTokenMs !== null) metrics.ttft.observe((call.firstTokenMs - call.startedMs) / 1000);
  log.access({
    requestId: call.id,
    tenant: call.identity.tenant.name,
    route: call.kind.route,
    model: call.model?.name ?? null,
    upstream: call.upstream?.config.name ?? null,
    endpoint: call.endpoint,
    status: call.status,
    outcome,
    endedBy: OUTCOMES[outcome],
    code: call.code,
    ttftMs: call.firstTokenMs === null ? null : roundMs(call.firstTokenMs - call.startedMs),
    durationMs: roundMs(endedMs - call.startedMs),
    tokensIn,
    tokensOut,
    tokensFrom: usage !== null ? "upstream" : counted ? "counted" : null,
    attempts: call.attempts,
    ...(call.detail === undefined ? {} : { detail: call.detail }),
  });
  call.onSettled(call);
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
