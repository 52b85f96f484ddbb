/** One task on its way through a pool. */
import { TimerEntry } from "../core/timer-wheel.ts";
import type { OffloadFailure } from "./task.ts";

/** Takes a task's end, once; never after {@link Job.cancel}. */
export interface JobEnd {
  onOutput(output: unknown): void;
  onFailure(failure: OffloadFailure): void;
}

/** What a job asks of its pool. */
export interface JobOwner {
  jobCancelled(job: Job): void;
  jobLate(job: Job): void;
}

interface JobOptions {
  readonly task: string;
  readonly input: unknown;
  /** What it holds in memory. */
  readonly sizeBytes: number;
  readonly end: JobEnd;
}

/** See the file's comment. Its timer is its deadline, from being queued to its answer. */
export class Job extends TimerEntry {
  readonly task: string;
  readonly sizeBytes: number;
  /** Monotonic milliseconds; 0 while it waits. */
  startedMs = 0;
  readonly #owner: JobOwner;
  #input: unknown;
  #end: JobEnd | null;

  constructor(owner: JobOwner, { task, input, sizeBytes, end }: JobOptions) {
    super();
    this.task = task;
    this.sizeBytes = sizeBytes;
    this.#owner = owner;
    this.#input = input;
    this.#end = end;
  }

  /** Nobody waits for it any more: in the queue it is dropped, under way its answer will be ignored. Any number of times. */
  cancel(): void {
    if (this.#end === null) return;
    this.#end = null;
    this.#owner.jobCancelled(this);
  }

  /** Whether somebody still waits for its end. */
  get wanted(): boolean {
    return this.#end !== null;
  }

  /** Hands the input over; the job keeps nothing of it. */
  takeInput(): unknown {
    const input = this.#input;
    this.#input = undefined;
    return input;
  }

  finish(output: unknown): void {
    const end = this.#end;
    this.#end = null;
    end?.onOutput(output);
  }

  fail(failure: OffloadFailure): void {
    const end = this.#end;
    this.#end = null;
    this.#input = undefined;
    end?.onFailure(failure);
  }

  override onTimer(): void {
    this.#owner.jobLate(this);
  }
}
