import { setTimeout as sleep } from "node:timers/promises";
import { ramp } from "../ramp.ts";
import { RequestClient } from "../request-client.ts";
import type { Scenario } from "../scenario.ts";
import { loadResult, measureWindow } from "../window.ts";

/** An answer of a few words, at once. */
const ORDER = { ttftMs: 0, gapMs: 0, tokens: 4 };
/** Before the window: connections open, code compiled. */
const WARM_UP_MS = 1_000;

/** Small JSON requests over keep-alive connections, each sent when the one before was answered: CPU per request. */
export const requests: Scenario = {
  name: "requests",
  summary: "small JSON requests in a closed loop over keep-alive connections",
  defaults: (streams = 64) => ({
    streams,
    durationMs: 10_000,
    rampPerSecond: 1_000,
    eventsPerSecond: 0,
  }),
  comparesDirect: true,
  run: async (load) => {
    const { meter, plan, signal, target } = load;
    const clients: RequestClient[] = [];
    try {
      const begin = (): void => void clients.push(new RequestClient({ target, meter, order: ORDER }));
      await ramp(plan.streams, plan.rampPerSecond, begin, signal);
      await sleep(WARM_UP_MS, undefined, { signal });
      return loadResult(load, await measureWindow(load), "request");
    } finally {
      for (const client of clients) client.stop();
    }
  },
};
