import { LatencyHistogram } from "../histogram.ts";
import { ramp, waitUntil } from "../ramp.ts";
import type { Load, LoadResult, Scenario } from "../scenario.ts";
import { plannedMs, streamOrder } from "../schedule.ts";
import { readSimCancels } from "../sim-control.ts";
import { StreamClient } from "../stream-client.ts";
import { loadResult, measureWindow } from "../window.ts";

/** After its planned end, how long the run waits for streams, and then for the sim to see the last hang-up. */
const GRACE_MS = 10_000;
const POLL_MS = 250;

/** Every client hangs up half way: how long until the sim, behind the gateway, sees its own connection close. */
export const cancel: Scenario = {
  name: "cancel",
  summary: "every client hangs up half way; how long until the sim saw it",
  defaults: (streams = 1_000) => ({
    streams,
    durationMs: 10_000,
    rampPerSecond: 500,
    eventsPerSecond: streams * 20,
  }),
  comparesDirect: true,
  run: async (load) => {
    const { meter, plan, signal, target } = load;
    const streams = new Map<number, StreamClient>();
    // Tags of this run alone, so that the same sim can serve several.
    const firstTag = Math.floor(Math.random() * 2 ** 30) * 2 ** 20;
    const begin = (index: number): void => {
      const order = { ...streamOrder(plan, index), tag: firstTag + index };
      const hangUpAfter = Math.ceil(order.tokens / 2);
      streams.set(order.tag, new StreamClient({ target, meter, order, hangUpAfter }));
    };
    try {
      const startMs = performance.now();
      await ramp(plan.streams, plan.rampPerSecond, begin, signal);
      const window = await measureWindow(load);
      const leftMs = Math.max(0, startMs + plannedMs(plan) - performance.now());
      await waitUntil(() => meter.ended >= plan.streams, leftMs + GRACE_MS, signal);
      for (const stream of streams.values()) stream.expire();
      return { ...loadResult(load, window, "token event"), cancel: await seenBySim(load, streams) };
    } finally {
      for (const stream of streams.values()) stream.stop();
    }
  },
};

async function seenBySim(load: Load, streams: ReadonlyMap<number, StreamClient>): Promise<LoadResult["cancel"]> {
  const { sim, signal } = load;
  if (sim === null) throw new Error("The cancel scenario has to ask the sim what it saw: give its URL with --sim.");
  const waiting = new Map([...streams].filter(([, stream]) => stream.hungUpUs > 0));
  const delays = new LatencyHistogram();
  const deadlineMs = performance.now() + GRACE_MS;
  for (;;) {
    for (const { tag, atUs } of await readSimCancels(sim, signal)) {
      const stream = tag === null ? undefined : waiting.get(tag);
      if (stream === undefined) continue;
      delays.record(atUs - stream.hungUpUs);
      waiting.delete(tag!);
    }
    if (waiting.size === 0 || performance.now() >= deadlineMs) break;
    await waitUntil(() => false, POLL_MS, signal);
  }
  return { ...delays.summary(), unseen: waiting.size };
}
