import type { LoadPlan, Scenario } from "../scenario.ts";
import { runSteadyLoad } from "../steady-load.ts";
import type { SimOrder } from "../target.ts";

/** Every so many-th client never reads. */
const FROZEN_EVERY = 10;
/** What waits for each of those. */
const FROZEN_BYTES = 20 * 1024 * 1024;
const FROZEN_EVENT_BYTES = 64 * 1024;

/** One client in ten never reads: memory has to stay bounded, and the other nine must not notice. */
export const slowClients: Scenario = {
  name: "slow-clients",
  summary: "one client in ten never reads while 20 MiB wait for it",
  defaults: (streams = 1_000) => ({
    streams,
    durationMs: 30_000,
    rampPerSecond: 500,
    eventsPerSecond: streams * 10,
  }),
  comparesDirect: true,
  run: (load) =>
    runSteadyLoad(load, {
      frozenOrder: (index) => (index % FROZEN_EVERY === 0 ? frozenOrder(load.plan) : null),
    }),
};

/** All of it is offered within half the window, so that the other half shows what is kept. */
function frozenOrder(plan: LoadPlan): SimOrder {
  const tokens = FROZEN_BYTES / FROZEN_EVENT_BYTES;
  const gapMs = Math.max(1, Math.floor(plan.durationMs / 2 / tokens));
  return { ttftMs: 0, gapMs, tokens, padBytes: FROZEN_EVENT_BYTES };
}
