import type { Scenario } from "../scenario.ts";
import { runSteadyLoad } from "../steady-load.ts";

/** Many slow streams, all open at once: memory per stream, and whether tokens still come in time. */
export const hold: Scenario = {
  name: "hold",
  summary: "many slow streams, all open at once (10,000 token events/s in all)",
  defaults: (streams = 9_500) => ({
    streams,
    durationMs: 30_000,
    rampPerSecond: 1_000,
    eventsPerSecond: 10_000,
  }),
  comparesDirect: true,
  run: (load) => runSteadyLoad(load),
};
