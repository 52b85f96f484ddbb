/** What became of the work that a loop gave to its offload threads. Labels are closed lists of the code. */
import { Counter } from "./metric.ts";
import type { Metric } from "./metric.ts";

/** See the file's comment. */
export class OffloadMetrics {
  readonly #tasks = new Counter("gauge", "headwaiter_offload_tasks", "Tasks off the loop: queued, running.", [
    "task",
    "state",
  ]);
  readonly #ended = new Counter("counter", "headwaiter_offload_tasks_total", "Tasks off the loop, by how they ended.", [
    "task",
    "result",
  ]);
  readonly #seconds = new Counter(
    "counter",
    "headwaiter_offload_seconds_total",
    "Time that tasks took on their threads, waiting in the queue not included.",
    ["task"],
  );

  /** @param by 1 or -1. */
  queued(task: string, by: number): void {
    this.#tasks.add(by, task, "queued");
  }

  /** @param by 1 or -1. */
  running(task: string, by: number): void {
    this.#tasks.add(by, task, "running");
  }

  /** @param seconds from its start on a thread; 0 for one that had none. */
  ended(task: string, result: string, seconds: number): void {
    this.#ended.add(1, task, result);
    this.#seconds.add(seconds, task);
  }

  /** In the order in which they are shown. */
  all(): readonly Metric[] {
    return [this.#tasks, this.#ended, this.#seconds];
  }
}
