import { setTimeout as sleep } from "node:timers/promises";
import { Meter } from "../meter.ts";
import { pace } from "../pace.ts";
import { processTree, readProcessUsage, type ProcessUsage } from "../process-usage.ts";
import { waitUntil } from "../ramp.ts";
import type { Load, LoadResult, Scenario } from "../scenario.ts";
import { StreamClient } from "../stream-client.ts";
import type { SurgeResult, SurgeStep } from "../surge.ts";
import type { SimOrder } from "../target.ts";

/** Offered load of each step, in multiples of the capacity. */
const LOADS = [0.5, 1, 2, 4, 7, 10] as const;
const RETURN_LOAD = 0.5;
const TTFT_MS = 200;
/** To measure the capacity: how often and how long, and what to assume at first. */
const PROBES = 4;
const PROBE_WINDOW_MS = 2_000;
const FIRST_GUESS_PER_SECOND = 6_000;
/** How finely the way back is looked at. */
const SLOT_MS = 250;
/** A TTFT is normal up to the first step's 99th percentile and so much more. */
const NORMAL_SLACK_US = 20_000;
const TALLY_MS = 100;
const DRAIN_TIMEOUT_MS = 30_000;

/**
 * Streams that arrive at a rate of their own, from half of what the gateway can carry to ten times that, and back: goodput
 * and TTFT of the accepted, and how fast the others are refused. Each stream lasts half a step, so that in the second half
 * of a step, which is what is measured, all that are open began in it.
 */
export const surge: Scenario = {
  name: "surge",
  summary: "arrivals from half the capacity to ten times that, and back (--rate: the capacity, else measured)",
  defaults: (streams = 1_000) => ({ streams, durationMs: 8_000, rampPerSecond: 1_000, eventsPerSecond: 0 }),
  comparesDirect: false,
  run: (load) => new Surge(load).run(),
};

class Surge {
  readonly #load: Load;
  readonly #members: readonly number[];
  readonly #streams = new Set<StreamClient>();
  /** One for what began together: its latencies are told apart from what began before. */
  readonly #meters: Meter[] = [];
  #meter = new Meter();

  constructor(load: Load) {
    this.#load = load;
    this.#meters.push(this.#meter);
    this.#members = load.pid === null ? [] : processTree(load.pid);
  }

  async run(): Promise<LoadResult> {
    const tally = setInterval(() => this.#tally(), TALLY_MS);
    try {
      const { plan } = this.#load;
      const given = plan.eventsPerSecond > 0;
      const capacityPerSecond = given ? plan.eventsPerSecond : await this.#measureCapacity();
      const startMs = performance.now();
      const windows: { load: number; meter: Meter; figures: WindowFigures }[] = [];
      for (const load of LOADS)
        windows.push({ load, ...(await this.#step(load * capacityPerSecond, capacityPerSecond)) });
      const slots = await this.#goBack(capacityPerSecond);
      await waitUntil(() => this.#meters.every(isOver), plan.durationMs + DRAIN_TIMEOUT_MS, this.#load.signal);
      for (const stream of this.#streams) stream.expire();
      const steps = windows.map(({ load, meter, figures }) => surgeStep(load, meter, figures));
      const surge: SurgeResult = {
        capacityPerSecond,
        capacityFrom: given ? "given" : "measured",
        steps,
        recoverySeconds: recoverySeconds(slots, steps[0]!),
      };
      return this.#result(surge, windows, (performance.now() - startMs) / 1000);
    } finally {
      clearInterval(tally);
      for (const stream of this.#streams) stream.stop();
    }
  }

  /**
   * CPU per token event, each time at most of what the time before suggests: what has more to do does more at once, and
   * needs less for each. A core's worth of it is the capacity.
   */
  async #measureCapacity(): Promise<number> {
    if (this.#load.pid === null) {
      throw new Error("The surge scenario has to know the gateway's capacity (--rate) or its process (--pid).");
    }
    let capacity = FIRST_GUESS_PER_SECOND;
    for (let probe = 0; probe < PROBES; probe++) {
      const order = this.#order(capacity);
      const stop = this.#arrive(capacity / order.tokens, order);
      await this.#sleep(this.#streamMs);
      const figures = await this.#watch(PROBE_WINDOW_MS);
      stop();
      const events = figures.goodputPerSecond;
      if (figures.cpuShare === null || events === 0) throw new Error("The gateway's CPU time could not be measured.");
      capacity = events / figures.cpuShare;
    }
    return Math.round(capacity);
  }

  async #step(eventsPerSecond: number, capacity: number): Promise<{ meter: Meter; figures: WindowFigures }> {
    const order = this.#order(capacity);
    const stop = this.#arrive(eventsPerSecond / order.tokens, order);
    try {
      await this.#sleep(this.#streamMs);
      const meter = this.#startMeter();
      return { meter, figures: await this.#watch(this.#streamMs) };
    } finally {
      stop();
      this.#startMeter();
    }
  }

  /** @returns a meter for each slot of time after the return. */
  async #goBack(capacity: number): Promise<readonly Meter[]> {
    const order = this.#order(capacity);
    const stop = this.#arrive((RETURN_LOAD * capacity) / order.tokens, order);
    const slots: Meter[] = [];
    const endMs = performance.now() + this.#load.plan.durationMs;
    while (performance.now() < endMs) {
      slots.push(this.#startMeter());
      await this.#sleep(SLOT_MS);
    }
    stop();
    return slots;
  }

  get #streamMs(): number {
    return this.#load.plan.durationMs / 2;
  }

  /** As many streams as planned make `eventsPerSecond` token events a second. */
  #order(eventsPerSecond: number): SimOrder {
    const gapMs = Math.max(1, Math.round((this.#load.plan.streams * 1000) / eventsPerSecond));
    return { ttftMs: TTFT_MS, gapMs, tokens: Math.max(2, Math.round((this.#streamMs - TTFT_MS) / gapMs)) };
  }

  #arrive(perSecond: number, order: SimOrder): () => void {
    const { target } = this.#load;
    return pace(perSecond, () => this.#streams.add(new StreamClient({ target, meter: this.#meter, order })));
  }

  /** Counts for a while. */
  async #watch(forMs: number): Promise<WindowFigures> {
    const sum = (): number => this.#meters.reduce((all, { tokens }) => all + tokens, 0);
    const usage = (): ProcessUsage | null => readProcessUsage(this.#members);
    const clientBefore = process.cpuUsage();
    const [before, tokensBefore, startMs] = [usage(), sum(), performance.now()];
    await this.#sleep(forMs);
    const seconds = (performance.now() - startMs) / 1000;
    const after = usage();
    const client = process.cpuUsage(clientBefore);
    return {
      seconds,
      goodputPerSecond: (sum() - tokensBefore) / seconds,
      open: this.#meters.reduce((all, { open }) => all + open, 0),
      rssBytes: after?.rssBytes ?? null,
      cpuShare: after === null || before === null ? null : (after.cpuUs - before.cpuUs) / (seconds * 1e6),
      clientCpuShare: (client.user + client.system) / (seconds * 1e6),
    };
  }

  #sleep(forMs: number): Promise<void> {
    return sleep(forMs, undefined, { signal: this.#load.signal });
  }

  #startMeter(): Meter {
    const meter = new Meter();
    this.#meters.push(meter);
    this.#meter = meter;
    return meter;
  }

  /** Into the load's own meter, for the progress line and the result; and lets go of what has ended. */
  #tally(): void {
    const { meter } = this.#load;
    for (const stream of this.#streams) if (stream.outcome !== null) this.#streams.delete(stream);
    const total = new Meter();
    for (const one of this.#meters) addTo(total, one);
    meter.begun = total.begun;
    meter.open = total.open;
    meter.tokens = total.tokens;
    meter.peakOpen = Math.max(meter.peakOpen, total.open);
    Object.assign(meter.outcomes, total.outcomes);
    Object.assign(meter.faults, total.faults);
    for (const [cause, count] of total.causes) meter.causes.set(cause, count);
  }

  #result(
    surge: SurgeResult,
    windows: readonly { meter: Meter; figures: WindowFigures }[],
    seconds: number,
  ): LoadResult {
    this.#tally();
    const { meter } = this.#load;
    const calm = windows[0]!;
    return {
      streams: { asked: meter.begun, peakOpen: meter.peakOpen, held: meter.open, outcomes: { ...meter.outcomes } },
      unit: "token event",
      units: meter.tokens,
      unitsPerSecond: meter.tokens / seconds,
      integrity: { ...meter.faults },
      causes: Object.fromEntries(meter.causes),
      ttft: calm.meter.ttft.summary(),
      latency: calm.meter.latency.summary(),
      windowSeconds: seconds,
      clientCpuShare: calm.figures.clientCpuShare,
      process: null,
      cancel: null,
      surge,
    };
  }
}

interface WindowFigures {
  readonly seconds: number;
  readonly goodputPerSecond: number;
  readonly open: number;
  readonly rssBytes: number | null;
  readonly cpuShare: number | null;
  readonly clientCpuShare: number;
}

const isOver = ({ begun, ended }: Meter): boolean => ended >= begun;

function addTo(total: Meter, { begun, open, tokens, outcomes, faults, causes }: Meter): void {
  total.begun += begun;
  total.open += open;
  total.tokens += tokens;
  for (const outcome of Object.keys(outcomes) as (keyof typeof outcomes)[])
    total.outcomes[outcome] += outcomes[outcome];
  for (const fault of Object.keys(faults) as (keyof typeof faults)[]) total.faults[fault] += faults[fault];
  for (const [cause, count] of causes) total.causes.set(cause, (total.causes.get(cause) ?? 0) + count);
}

function surgeStep(load: number, meter: Meter, { seconds, ...figures }: WindowFigures): SurgeStep {
  const { refused, unreachable } = meter.outcomes;
  return {
    load,
    offeredPerSecond: meter.begun / seconds,
    accepted: meter.begun - refused - unreachable,
    refused,
    unanswered: unreachable,
    ttft: meter.ttft.summary(),
    refusal: meter.refusal.summary(),
    ...figures,
  };
}

/** @param slots what began in each slot after the return. @param calm the first step. */
function recoverySeconds(slots: readonly Meter[], calm: SurgeStep): number | null {
  const normalUs = calm.ttft.p99 + NORMAL_SLACK_US;
  const isNormal = ({ outcomes, ttft }: Meter): boolean =>
    outcomes.refused + outcomes.unreachable === 0 && ttft.percentile(90) <= normalUs;
  const last = slots.findLastIndex((slot) => !isNormal(slot));
  return last === slots.length - 1 ? null : ((last + 1) * SLOT_MS) / 1000;
}
