/** The metrics that the process has once, however many loops it runs. Kept in the main thread. */
import { Counter, Reading } from "./metric.ts";
import type { Metric, MetricSnapshot } from "./metric.ts";

const REDIS_STATES = ["closed", "open", "half_open"] as const;

/** An upstream's queue. */
interface QueueReading {
  readonly upstream: string;
  /** Requests that wait for a slot, of all loops. */
  readonly waiting: number;
  /** Slots that there may be; `Infinity` where there is no cap. */
  readonly cap: number;
}

/** What is read when the metrics are. */
export interface ProcessReadings {
  /** How the upstreams' queues stand now. @default there are none */
  readonly queues?: () => readonly QueueReading[];
  /** Whether Redis answers; `null` where there is none. @default there is none */
  readonly redisState?: () => "closed" | "open" | "half_open" | null;
}

/** See the file's comment. */
export class ProcessMetrics {
  readonly blocked = new Counter(
    "counter",
    "headwaiter_loop_blocked_total",
    "Times that an event loop was blocked, and all of its streams with it; the log says by what.",
    ["loop"],
  );
  readonly restarts = new Counter(
    "counter",
    "headwaiter_loop_restarts_total",
    "Loops that died, by cause; for each another is started.",
    ["cause"],
  );
  readonly #rss = new Reading("headwaiter_rss_bytes", "Resident memory of the process.", [], () => [
    [process.memoryUsage.rss()],
  ]);

  readonly #all: readonly Metric[];

  constructor({ queues = () => [], redisState = () => null }: ProcessReadings = {}) {
    const waiting = new Reading(
      "headwaiter_queue_waiting",
      "Requests that wait for a slot of the upstream, of all loops.",
      ["upstream"],
      () => queues().map(({ upstream, waiting: count }) => [count, upstream] as const),
    );
    const caps = new Reading(
      "headwaiter_upstream_concurrency_limit",
      "Requests that may be under way on the upstream by this process, with `store.redis` its present share; of those without a cap nothing is shown.",
      ["upstream"],
      () => queues().flatMap(({ upstream, cap }) => (cap === Infinity ? [] : [[cap, upstream] as const])),
    );
    const redis = new Reading(
      "headwaiter_redis_state",
      "The breaker before Redis, 1 for the state that it is in: `closed` while Redis answers, `open` while it is not asked. Only with `store.redis`.",
      ["state"],
      () => {
        const state = redisState();
        return state === null ? [] : REDIS_STATES.map((one) => [one === state ? 1 : 0, one] as const);
      },
    );
    this.#all = [this.blocked, this.restarts, waiting, caps, redis, this.#rss];
  }

  /** In the order in which they are shown. */
  all(): readonly Metric[] {
    return this.#all;
  }

  /** What they show now. */
  snapshot(): readonly MetricSnapshot[] {
    return this.all().map((metric) => metric.snapshot());
  }
}
