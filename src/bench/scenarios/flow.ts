import type { Scenario } from "../scenario.ts";
import { runSteadyLoad } from "../steady-load.ts";

const EVENTS_PER_STREAM_PER_SECOND = 20;

/** Fewer, fast streams: CPU per token event, and the latency that is added to each. */
export const flow: Scenario = {
  name: "flow",
  summary: "fewer, fast streams (20 token events/s each)",
  defaults: (streams = 1_000) => ({
    streams,
    durationMs: 30_000,
    rampPerSecond: 1_000,
    eventsPerSecond: streams * EVENTS_PER_STREAM_PER_SECOND,
  }),
  comparesDirect: true,
  run: (load) => runSteadyLoad(load),
};
