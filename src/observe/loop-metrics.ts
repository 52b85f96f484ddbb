/**
 * The metrics of all loops as one page that never goes backwards: a loop that ends leaves its last counters and histograms
 * behind, and its gauges go with it.
 */
import { beforeAll, mergeMetrics, withoutGauges } from "./metric-merge.ts";
import { exposition } from "./metric.ts";
import type { MetricSnapshot } from "./metric.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import type { ProcessReadings } from "./process-metrics.ts";

/** See the file's comment. A loop is named by any object that is its own; one that is started again is another loop. */
export class LoopMetrics {
  /** Those that are not of one loop. */
  readonly process: ProcessMetrics;
  /** Of each loop that lives, what it said last. */
  readonly #live = new Map<object, readonly MetricSnapshot[]>();
  readonly #ended = new WeakSet<object>();
  /** The counters of loops that have ended, and all that were ever seen at zero: so every series keeps its place. */
  #lasting: readonly MetricSnapshot[] = [];

  constructor(readings?: ProcessReadings) {
    this.process = new ProcessMetrics(readings);
  }

  /** What a loop shows now, in place of what it showed before. Nothing once it is forgotten: it may have been under way. */
  take(loop: object, metrics: readonly MetricSnapshot[]): void {
    if (this.#ended.has(loop)) return;
    this.#live.set(loop, metrics);
    this.#lasting = mergeMetrics([this.#lasting, beforeAll(metrics)]);
  }

  /** The loop has ended. */
  forget(loop: object): void {
    const last = this.#live.get(loop);
    this.#live.delete(loop);
    this.#ended.add(loop);
    if (last !== undefined) this.#lasting = mergeMetrics([this.#lasting, withoutGauges(last)]);
  }

  /** All of them in Prometheus' text format, those of the process last. */
  page(): string {
    return exposition([...mergeMetrics([this.#lasting, ...this.#live.values()]), ...this.process.snapshot()]);
  }
}
