/** The metrics that the process has once, however many loops it runs. Kept in the main thread. */
import { Counter, Reading } from "./metric.ts";
import type { Metric, MetricSnapshot } from "./metric.ts";

/** An upstream's queue. */
export interface QueueReading {
  readonly upstream: string;
  /** Requests that wait for a slot, of all loops. */
  readonly waiting: number;
  /** Slots that there may be; `Infinity` where there is no cap. */
  readonly cap: number;
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

  /** @param queues how the upstreams' queues stand now. @default there are none */
  constructor(queues: () => readonly QueueReading[] = () => []) {
    const waiting = new Reading(
      "headwaiter_queue_waiting",
      "Requests that wait for a slot of the upstream, of all loops.",
      ["upstream"],
      () => queues().map(({ upstream, waiting: count }) => [count, upstream] as const),
    );
    const caps = new Reading(
      "headwaiter_upstream_concurrency_limit",
      "Requests that may be under way on the upstream; of those without a cap nothing is shown.",
      ["upstream"],
      () => queues().flatMap(({ upstream, cap }) => (cap === Infinity ? [] : [[cap, upstream] as const])),
    );
    this.#all = [this.blocked, this.restarts, waiting, caps, this.#rss];
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
