/**
 * How long each stream of a load has to last so that all of them are open together through the whole steady window.
 */

import type { LoadPlan } from "./scenario.ts";
import type { SimOrder } from "./target.ts";

/** Asked of the sim for every stream: long enough to tell a gateway's own delay from it. */
const TTFT_MS = 200;
/** How much longer than planned the ramp and the first tokens may take before streams end within the window. */
const SLACK_MS = 500;
const SLACK_PER_RAMP = 0.5;

/** The ramp's length when nothing holds it up, milliseconds. */
function rampMs(plan: LoadPlan): number {
  return (plan.streams / plan.rampPerSecond) * 1000;
}

/** From the first stream's begin to when the last should have ended, milliseconds. */
export function plannedMs(plan: LoadPlan): number {
  return rampMs(plan) * (1 + SLACK_PER_RAMP) + TTFT_MS + SLACK_MS + plan.durationMs;
}

/** What stream `index` asks of the sim: streams begun early bring more tokens, and all end at about the same time. */
export function streamOrder(plan: LoadPlan, index: number): SimOrder {
  const gapMs = Math.max(1, Math.round((plan.streams * 1000) / plan.eventsPerSecond));
  const begunMs = (index / plan.rampPerSecond) * 1000;
  return { ttftMs: TTFT_MS, gapMs, tokens: 1 + Math.ceil((plannedMs(plan) - TTFT_MS - begunMs) / gapMs) };
}
