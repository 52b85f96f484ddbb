/** A pool of faulty threads that notes what its meter is told, and waits for tasks as promises. */
import { TimerWheel } from "../../../src/core/timer-wheel.ts";
import { OffloadPool } from "../../../src/offload/pool.ts";
import type { PoolOptions, Ticket } from "../../../src/offload/pool.ts";
import type { InputOf, OffloadFailure, OffloadResult, OutputOf } from "../../../src/offload/task.ts";
import type { FaultyTasks } from "./faulty-thread.ts";

type Name = keyof FaultyTasks;

/** How a task ended: with its output, or its failure's kind. */
export type End<Task extends Name> = { readonly output: OutputOf<FaultyTasks, Task> } | OffloadFailure;

/** See the file's comment. */
export class TestPool implements AsyncDisposable {
  readonly pool: OffloadPool<FaultyTasks>;
  /** Tasks by state; all 0 when nothing is under way. */
  readonly gauges = { queued: 0, running: 0 };
  readonly results: OffloadResult[] = [];
  readonly wheel = new TimerWheel({ tickMs: 5, slots: 64 });

  constructor(options: Partial<PoolOptions> = {}) {
    this.pool = new OffloadPool<FaultyTasks>({
      entry: new URL("faulty-thread.ts", import.meta.url),
      wheel: this.wheel,
      meter: {
        queued: (_, by) => void (this.gauges.queued += by),
        running: (_, by) => void (this.gauges.running += by),
        ended: (_, result) => void this.results.push(result),
      },
      ...options,
    });
  }

  /** Submits a task; `end` resolves once it has ended, and never where it was refused or is cancelled. */
  start<Task extends Name>(
    task: Task,
    input: InputOf<FaultyTasks, Task>,
    { deadlineMs = 20_000, sizeBytes = 1 } = {},
  ): { readonly ticket: Ticket | undefined; readonly end: Promise<End<Task>> } {
    let ticket: Ticket | undefined;
    const end = new Promise<End<Task>>((resolve) => {
      ticket = this.pool.submit({
        task,
        input,
        sizeBytes,
        deadlineMs,
        onOutput: (output) => resolve({ output }),
        onFailure: resolve,
      });
    });
    return { ticket, end };
  }

  /** The output of a task that has to succeed. */
  async run<Task extends Name>(task: Task, input: InputOf<FaultyTasks, Task>): Promise<OutputOf<FaultyTasks, Task>> {
    const end = await this.start(task, input).end;
    if ("kind" in end) throw new Error(JSON.stringify(end));
    return end.output;
  }

  /** The kind of failure of a task that has to fail. */
  async failure<Task extends Name>(
    task: Task,
    input: InputOf<FaultyTasks, Task>,
    options?: { readonly deadlineMs?: number },
  ): Promise<string> {
    const end = await this.start(task, input, options).end;
    if (!("kind" in end)) throw new Error("it succeeded");
    return end.kind;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
    this.wheel.stop();
  }
}
