/** The metrics that the process has once, however many loops it runs. Kept in the main thread. */
import { Counter, Reading } from "./metric.ts";
import type { Metric, MetricSnapshot } from "./metric.ts";

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

  /** In the order in which they are shown. */
  all(): readonly Metric[] {
    return [this.blocked, this.restarts, this.#rss];
  }

  /** What they show now. */
  snapshot(): readonly MetricSnapshot[] {
    return this.all().map((metric) => metric.snapshot());
  }
}
