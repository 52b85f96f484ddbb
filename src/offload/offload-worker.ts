/** One offload thread as its pool sees it: idle, or busy with one job. */
import { Worker } from "node:worker_threads";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { Job } from "./job.ts";
import type { OffloadThreadData } from "./serve-tasks.ts";
import type { TaskAnswer, TaskRequest } from "./task.ts";
import { transferList } from "./transfer.ts";

/** What a thread tells its pool. */
export interface WorkerOwner {
  workerAnswered(worker: OffloadWorker, job: Job, answer: TaskAnswer): void;
  /** The thread has ended, asked to or not; `job` is what it was busy with. */
  workerEnded(worker: OffloadWorker, job: Job | null, cause: string): void;
  /** It has been idle for as long as it may. */
  workerIdled(worker: OffloadWorker): void;
}

interface WorkerOptions {
  readonly entry: URL;
  readonly data: OffloadThreadData;
  readonly maxHeapBytes: number;
}

/** See the file's comment. Its timer is the end of its idleness. */
export class OffloadWorker extends TimerEntry {
  /** Tasks begun. */
  tasks = 0;
  readonly #owner: WorkerOwner;
  readonly #worker: Worker;
  #job: Job | null = null;
  #cause = "it was ended";

  constructor(owner: WorkerOwner, { entry, data, maxHeapBytes }: WorkerOptions) {
    super();
    this.#owner = owner;
    this.#worker = new Worker(entry, {
      name: "offload",
      workerData: data,
      // What a stranger's bytes are taken apart in has no business with the keys.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(maxHeapBytes / 1024 / 1024) },
    });
    this.#worker.on("message", (answer: TaskAnswer) => {
      const job = this.#job;
      this.#job = null;
      this.#worker.unref();
      if (job !== null) this.#owner.workerAnswered(this, job, answer);
    });
    this.#worker.on("error", (error) => {
      this.#cause = error instanceof Error ? error.message : String(error);
    });
    this.#worker.once("exit", () => {
      const job = this.#job;
      this.#job = null;
      this.#owner.workerEnded(this, job, this.#cause);
    });
    this.#worker.unref();
  }

  get idle(): boolean {
    return this.#job === null;
  }

  /** What it is busy with. */
  get job(): Job | null {
    return this.#job;
  }

  /** Gives it `job`, whose bytes move there. @throws {DOMException} what can't be cloned; nothing has happened then. */
  run(job: Job): void {
    const input = job.takeInput();
    const request: TaskRequest = { task: job.task, input };
    this.#worker.postMessage(request, transferList(input));
    this.#job = job;
    this.tasks++;
    // Somebody waits for it: the process stays until it has answered.
    this.#worker.ref();
  }

  /** Lets go of the job, whose end its pool has told already. */
  abandon(): void {
    this.#job = null;
  }

  /** Ends the thread in the midst of whatever it does. Native code under way is finished first. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  override onTimer(): void {
    this.#owner.workerIdled(this);
  }
}
