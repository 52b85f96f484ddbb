/**
 * A CPU profile of a loop that always runs, at a low rate, and is looked at only when something has held the loop up.
 *
 * Started only then, a profile comes too late and makes it worse: V8 first walks the heap for every function there is, in the
 * thread that is profiled, 55 ms for a fresh loop and 200 ms with a million objects; and it never sees a long builtin, which it
 * can't interrupt. Kept running, it has seen the block from its beginning, builtins too (by their caller). Its cost and the
 * way it is kept small are in decision 0013. The next is started before the last is stopped: V8 then keeps what it knows of
 * the code, and the change takes the loop a tenth of a millisecond.
 */
import v8 from "node:v8";
import { stopProfile } from "./blocking-stack.ts";
import type { StoppedProfile } from "./blocking-stack.ts";

/** Two to three samples in the shortest block that is reported. */
const SAMPLING_INTERVAL_US = 25_000;

/** What `worker.startCpuProfile()` gives. */
export interface RunningProfile {
  /** Ends it. @returns it as JSON. Rejects when the thread is gone. */
  stop(): Promise<string>;
}

/**
 * Makes profiles sample at a low rate: those that begin later, of all threads. `worker.startCpuProfile()` of Node 24 can't be
 * told, and V8's own default, every millisecond, costs an idle loop 5 % of a core.
 */
export function setSamplingInterval(): void {
  v8.setFlagsFromString(`--cpu-profiler-sampling-interval=${SAMPLING_INTERVAL_US}`);
}

/** See the file's comment. No method rejects. */
export class StandingProfile {
  readonly #start: () => Promise<RunningProfile>;
  #running: RunningProfile | null = null;
  #changing = false;
  #closed = false;

  /** @param start begins a profile of the loop's thread; may reject. */
  constructor(start: () => Promise<RunningProfile>) {
    this.#start = start;
  }

  /** Whether a start or a change is under way; it may have to wait for a long builtin's end. */
  get changing(): boolean {
    return this.#changing;
  }

  /**
   * Starts the first profile, or another after the one that was.
   * @returns what there was until now; `null` when there was nothing or a change is under way already; `"gone"` when there was
   * something, and neither it nor another can be had: the thread has ended.
   */
  async renew(): Promise<StoppedProfile | "gone" | null> {
    if (this.#changing || this.#closed) return null;
    this.#changing = true;
    const previous = this.#running;
    // Both are asked for at once: between an answer and the next question the loop may be blocked again.
    const [next, stopped] = await Promise.allSettled([this.#start(), previous === null ? null : stopProfile(previous)]);
    this.#changing = false;
    this.#running = next.status === "fulfilled" ? next.value : null;
    if (this.#closed) this.#discard();
    if (stopped.status === "fulfilled") return stopped.value;
    return next.status === "fulfilled" ? null : "gone";
  }

  /** Ends it; nothing is started any more. */
  close(): void {
    this.#closed = true;
    if (!this.#changing) this.#discard();
  }

  #discard(): void {
    // The thread may be gone, and the profile with it.
    this.#running?.stop().catch(() => {});
    this.#running = null;
  }
}
