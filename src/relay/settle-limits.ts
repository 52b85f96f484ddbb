/** Gives back what a call has reserved and not used. */
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Call } from "./call.ts";

/** Ends by which the upstream has given nothing: the request counts, its tokens don't. */
const FRUITLESS: ReadonlySet<Outcome> = new Set(["upstream_status", "upstream_failed", "internal"]);

/**
 * @param tokens as they are billed; `null` where nobody knows: then what was reserved of input counts, and of output so much of
 * what was reserved as the answer has bytes.
 */
export function settleLimits(
  call: Call,
  outcome: Outcome,
  tokens: { readonly input: number | null; readonly output: number | null },
): void {
  const { reserved, model } = call;
  call.meter?.close();
  if (outcome === "completed" && model !== null && tokens.output !== null) {
    call.runtime.limits.bound(model.name).learn(tokens.output);
  }
  if (reserved === null) return;
  call.reserved = null;
  const { reservation, limits, use, price } = reserved;
  const isOwn = call.attempts === 0 && outcome === "completed";
  // Nothing was sent, and nothing answered: nothing of it counts.
  if (outcome === "refused" || (call.attempts === 0 && !isOwn)) return reservation.release();
  const isFruitless = isOwn || FRUITLESS.has(outcome);
  const inputTokens = tokens.input ?? (isFruitless ? 0 : use.inputTokens);
  const outputTokens = tokens.output ?? Math.min(use.outputTokens, call.unreportedBytes);
  const cachedInputTokens = call.usage?.cachedInputTokens ?? 0;
  reservation.settle(limits.used({ inputTokens, cachedInputTokens, outputTokens }, price), monotonicMs());
}
