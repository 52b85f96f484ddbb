/**
 * A loop's pool of threads for one kind of work. Everything is bounded: threads, tasks that wait and their bytes, the time
 * of each, what a thread may hold. A refusal is a value; whoever is refused decides what that means for its request.
 */
import type { TimerWheel } from "../core/timer-wheel.ts";
import { Job } from "./job.ts";
import type { JobOwner } from "./job.ts";
import { OffloadWorker } from "./offload-worker.ts";
import type { WorkerOwner } from "./offload-worker.ts";
import type { InputOf, OffloadFailure, OffloadResult, OutputOf, TaskAnswer, Tasks } from "./task.ts";

/** Idle threads are kept so long for the next burst; a thread costs 12 MB and 30 to 80 ms to start. */
const IDLE_MS = 30_000;
/** Of one pool. The oldest of so many would wait for seconds. */
const MAX_QUEUED_TASKS = 64;
/** Bytes of all tasks in a pool, waiting and under way; a single larger one is taken where there is no other. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** V8 ends a thread whose heap passes this. */
const MAX_HEAP_BYTES = 512 * 1024 * 1024;
/** A thread whose heap and buffers, garbage included, hold more after a task is replaced. */
const RECYCLE_BYTES = 256 * 1024 * 1024;
/** A thread is replaced after so many tasks: whatever leaks in it is gone with it. */
const RECYCLE_TASKS = 10_000;

/** What a pool tells of its tasks. */
export interface PoolMeter {
  /** @param by 1 or -1. */
  queued(task: string, by: number): void;
  /** @param by 1 or -1. */
  running(task: string, by: number): void;
  /** @param seconds from its start on a thread; 0 for one that had none. */
  ended(task: string, result: OffloadResult, seconds: number): void;
}

/** Settings of a pool; those left out are the product's own. */
export interface PoolOptions {
  /** The thread's file; calls `serveTasks`. */
  readonly entry: URL;
  readonly wheel: TimerWheel;
  readonly meter: PoolMeter;
  /** @default 1 */
  readonly threads?: number;
  /** Whether its threads let the loops go first. @default false */
  readonly yieldsToLoops?: boolean;
  /** @default 30 s */
  readonly idleMs?: number;
  /** @default 64 */
  readonly maxQueuedTasks?: number;
  /** @default 256 MiB */
  readonly maxHeldBytes?: number;
  /** @default 512 MiB */
  readonly maxHeapBytes?: number;
  /** @default 256 MiB */
  readonly recycleBytes?: number;
  /** @default 10,000 */
  readonly recycleTasks?: number;
}

/** A task that was taken. */
export interface Ticket {
  /** Nobody waits for it any more. Any number of times. */
  cancel(): void;
}

/** One task for a pool. */
export interface Submission<All extends Tasks, Name extends keyof All & string> {
  readonly task: Name;
  /** Its byte arrays, where they have memory of their own, are moved to the thread when the task starts: empty from then on. */
  readonly input: InputOf<All, Name>;
  /** What the input holds, bytes. */
  readonly sizeBytes: number;
  /** From now to the answer. */
  readonly deadlineMs: number;
  readonly onOutput: (output: OutputOf<All, Name>) => void;
  readonly onFailure: (failure: OffloadFailure) => void;
}

/** See the file's comment. */
export class OffloadPool<All extends Tasks> implements JobOwner, WorkerOwner {
  readonly #options: Required<PoolOptions>;
  readonly #workers: OffloadWorker[] = [];
  /** Bounded, so taking out of its middle is cheap. */
  readonly #queue: Job[] = [];
  #heldBytes = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = {
      threads: 1,
      yieldsToLoops: false,
      idleMs: IDLE_MS,
      maxQueuedTasks: MAX_QUEUED_TASKS,
      maxHeldBytes: MAX_HELD_BYTES,
      maxHeapBytes: MAX_HEAP_BYTES,
      recycleBytes: RECYCLE_BYTES,
      recycleTasks: RECYCLE_TASKS,
      ...options,
    };
  }

  /** Threads that are there. */
  get threads(): number {
    return this.#workers.length;
  }

  /** Tasks that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Whether a task of so many bytes would be taken now. */
  hasRoom(sizeBytes: number): boolean {
    const { maxQueuedTasks, maxHeldBytes, threads } = this.#options;
    if (this.#closed) return false;
    const waits = this.#busy() >= threads;
    if (waits && this.#queue.length >= maxQueuedTasks) return false;
    return this.#heldBytes === 0 || this.#heldBytes + sizeBytes <= maxHeldBytes;
  }

  /** Takes a task. @returns `undefined` where there is no room for it: nothing has happened to its input then. */
  submit<Name extends keyof All & string>(submission: Submission<All, Name>): Ticket | undefined {
    const { task, input, sizeBytes, deadlineMs, onOutput, onFailure } = submission;
    const { meter, wheel } = this.#options;
    if (!this.hasRoom(sizeBytes)) {
      meter.ended(task, "refused", 0);
      return undefined;
    }
    const end = { onOutput: (output: unknown) => onOutput(output as OutputOf<All, Name>), onFailure };
    const job = new Job(this, { task, input, sizeBytes, end });
    this.#heldBytes += sizeBytes;
    meter.queued(task, 1);
    wheel.arm(job, wheel.nowMs() + deadlineMs);
    this.#queue.push(job);
    this.#dispatch();
    return job;
  }

  /** Ends every thread; tasks that wait or are under way fail as `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = this.#workers.splice(0);
    for (const job of this.#queue.splice(0)) {
      this.#leaveQueue(job);
      this.#fail(job, { kind: "closed" });
    }
    for (const worker of workers) {
      const { job } = worker;
      if (job !== null) this.#abandon(worker, job, { kind: "closed" });
      this.#options.wheel.disarm(worker);
    }
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  /** See {@link JobOwner}. Under way it keeps its deadline: past it the thread is ended. */
  jobCancelled(job: Job): void {
    const place = this.#queue.indexOf(job);
    if (place === -1) return;
    this.#queue.splice(place, 1);
    this.#leaveQueue(job);
    this.#release(job);
    this.#options.meter.ended(job.task, "cancelled", 0);
  }

  /** See {@link JobOwner}. */
  jobLate(job: Job): void {
    const place = this.#queue.indexOf(job);
    if (place !== -1) {
      this.#queue.splice(place, 1);
      this.#leaveQueue(job);
      return this.#fail(job, { kind: "late" });
    }
    const worker = this.#workers.find((one) => one.job === job);
    if (worker === undefined) return;
    // It can't be asked to stop. Another takes its place at once.
    this.#end(worker);
    this.#abandon(worker, job, { kind: "late" });
    this.#dispatch();
  }

  /** See {@link WorkerOwner}. */
  workerAnswered(worker: OffloadWorker, job: Job, { result, memoryBytes }: TaskAnswer): void {
    const { recycleBytes, recycleTasks, wheel, idleMs } = this.#options;
    this.#leaveThread(job);
    if (worker.tasks >= recycleTasks || memoryBytes > recycleBytes) this.#end(worker);
    else wheel.arm(worker, wheel.nowMs() + idleMs);
    if (!result.ok) this.#fail(job, { kind: "failed", cause: result.cause });
    else {
      this.#release(job);
      this.#options.meter.ended(job.task, job.wanted ? "ok" : "cancelled", this.#secondsOf(job));
      job.finish(result.output);
    }
    this.#dispatch();
  }

  /** See {@link WorkerOwner}. */
  workerEnded(worker: OffloadWorker, job: Job | null, cause: string): void {
    this.#forget(worker);
    if (job !== null) {
      this.#leaveThread(job);
      this.#fail(job, { kind: "crashed", cause });
    }
    this.#dispatch();
  }

  /** See {@link WorkerOwner}. */
  workerIdled(worker: OffloadWorker): void {
    this.#end(worker);
  }

  #busy(): number {
    let busy = 0;
    for (const worker of this.#workers) if (!worker.idle) busy++;
    return busy;
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && !this.#closed) {
      const idle = this.#workers.find((worker) => worker.idle);
      if (idle === undefined && this.#workers.length >= this.#options.threads) return;
      const job = this.#queue.shift()!;
      this.#leaveQueue(job);
      try {
        this.#start(job, idle ?? this.#spawn());
      } catch (error) {
        // The system has no thread left, or the input is nothing that can be sent.
        this.#fail(job, { kind: "failed", cause: String(error) });
      }
    }
  }

  #start(job: Job, worker: OffloadWorker): void {
    const { wheel, meter } = this.#options;
    worker.run(job);
    wheel.disarm(worker);
    job.startedMs = wheel.nowMs();
    meter.running(job.task, 1);
  }

  #spawn(): OffloadWorker {
    const { entry, yieldsToLoops, maxHeapBytes } = this.#options;
    const worker = new OffloadWorker(this, { entry, data: { yieldsToLoops }, maxHeapBytes });
    this.#workers.push(worker);
    return worker;
  }

  #end(worker: OffloadWorker): void {
    this.#forget(worker);
    // What it is asked here can't fail, and its end is told by `workerEnded`.
    void worker.terminate();
  }

  #forget(worker: OffloadWorker): void {
    this.#options.wheel.disarm(worker);
    const place = this.#workers.indexOf(worker);
    if (place !== -1) this.#workers.splice(place, 1);
  }

  #abandon(worker: OffloadWorker, job: Job, failure: OffloadFailure): void {
    worker.abandon();
    this.#leaveThread(job);
    this.#fail(job, failure);
  }

  #leaveQueue(job: Job): void {
    this.#options.meter.queued(job.task, -1);
  }

  #leaveThread(job: Job): void {
    this.#options.meter.running(job.task, -1);
  }

  #fail(job: Job, failure: OffloadFailure): void {
    this.#release(job);
    this.#options.meter.ended(job.task, job.wanted ? failure.kind : "cancelled", this.#secondsOf(job));
    job.fail(failure);
  }

  /** Its deadline and its bytes, given back once: every job ends in one of the ways above. */
  #release(job: Job): void {
    this.#options.wheel.disarm(job);
    this.#heldBytes -= job.sizeBytes;
  }

  #secondsOf(job: Job): number {
    return job.startedMs === 0 ? 0 : (this.#options.wheel.nowMs() - job.startedMs) / 1000;
  }
}
