/**
 * Many streams that are all open together: begun at a rate, measured for a while, then left to end by themselves so that
 * the end of each is checked too.
 */

import { ramp, waitUntil } from "./ramp.ts";
import type { Load, LoadResult } from "./scenario.ts";
import { plannedMs, streamOrder } from "./schedule.ts";
import { StreamClient } from "./stream-client.ts";
import type { SimOrder } from "./target.ts";
import { loadResult, measureWindow } from "./window.ts";

/** How long after the ramp every stream should have its first token. */
const SETTLE_TIMEOUT_MS = 30_000;
/** How long after its planned end a stream is given up. */
const DRAIN_TIMEOUT_MS = 30_000;

interface SteadyOptions {
  /** What stream `index` asks for if it is to be one that never reads; `null` for an ordinary one. @default none */
  readonly frozenOrder?: (index: number) => SimOrder | null;
}

/** Runs the load. Bounded by its plan and a minute. */
export async function runSteadyLoad(load: Load, options: SteadyOptions = {}): Promise<LoadResult> {
  const { meter, plan, signal, target } = load;
  const streams: StreamClient[] = [];
  const frozen: StreamClient[] = [];
  const begin = (index: number): void => {
    const frozenOrder = options.frozenOrder?.(index) ?? null;
    if (frozenOrder === null) streams.push(new StreamClient({ target, meter, order: streamOrder(plan, index) }));
    else frozen.push(new StreamClient({ target, meter, order: frozenOrder, frozen: true }));
  };
  try {
    const startMs = performance.now();
    await ramp(plan.streams, plan.rampPerSecond, begin, signal);
    await waitUntil(() => meter.ttft.count + meter.ended >= streams.length, SETTLE_TIMEOUT_MS, signal);
    const window = await measureWindow(load);
    for (const stream of frozen) stream.stop();
    const leftMs = Math.max(0, startMs + plannedMs(plan) - performance.now());
    await waitUntil(() => meter.ended >= plan.streams, leftMs + DRAIN_TIMEOUT_MS, signal);
    for (const stream of streams) stream.expire();
    return loadResult(load, window, "token event");
  } finally {
    for (const stream of [...streams, ...frozen]) stream.stop();
  }
}
