import { setTimeout as sleep } from "node:timers/promises";
import { pace } from "../pace.ts";
import { ramp } from "../ramp.ts";
import { RequestClient } from "../request-client.ts";
import type { Scenario } from "../scenario.ts";
import { loadResult, measureWindow } from "../window.ts";

/** An answer of a few words, at once. */
const ORDER = { ttftMs: 0, gapMs: 0, tokens: 4 };
/** Before the window: connections open, code compiled. */
const WARM_UP_MS = 1_000;

/**
 * Small JSON requests over keep-alive connections: CPU per request. At `--rate` a second, or, without it, each sent when the
 * one before was answered, which is as many as the gateway can take.
 *
 * The two say different things. What is saturated finds several requests ready whenever it looks, and pays for one
 * awakening where it would else pay for each: its CPU per request falls just when it is too slow.
 */
export const requests: Scenario = {
  name: "requests",
  summary: "small JSON requests over keep-alive connections, as many as go or --rate",
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
    const idle: RequestClient[] = [];
    const paced = plan.eventsPerSecond > 0;
    const onAnswered = (client: RequestClient): void => {
      if (paced) idle.push(client);
      else client.send();
    };
    let stopPace: (() => void) | undefined;
    try {
      const begin = (): void => void clients.push(new RequestClient({ target, meter, order: ORDER, onAnswered }));
      await ramp(plan.streams, plan.rampPerSecond, begin, signal);
      // What finds every connection busy is not sent: a slow gateway shows as fewer requests, not as a queue of ours.
      if (paced) stopPace = pace(plan.eventsPerSecond, () => idle.shift()?.send());
      await sleep(WARM_UP_MS, undefined, { signal });
      return loadResult(load, await measureWindow(load), "request");
    } finally {
      stopPace?.();
      for (const client of clients) client.stop();
    }
  },
};
