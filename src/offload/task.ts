/** What crosses between a loop and its offload threads, and how a task ends. Plain data: structured clones know no classes. */

/** Tasks by name. What one throws is a fault of ours; faults of the input are part of its output. */
export type Tasks = Readonly<Record<string, (input: never) => unknown>>;

/** What the task called `Name` takes. */
export type InputOf<All extends Tasks, Name extends keyof All> = Parameters<All[Name]>[0];

/** What it gives. */
export type OutputOf<All extends Tasks, Name extends keyof All> = Awaited<ReturnType<All[Name]>>;

/** Loop → thread. A thread has one at a time. */
export interface TaskRequest {
  readonly task: string;
  readonly input: unknown;
}

/** Thread → loop. */
export interface TaskAnswer {
  readonly result: { readonly ok: true; readonly output: unknown } | { readonly ok: false; readonly cause: string };
  /** What the thread's heap and buffers hold now, garbage included, bytes. */
  readonly memoryBytes: number;
}

/** Why there is no output. */
export type OffloadFailure =
  /** Its deadline passed, in the queue or under way. */
  | { readonly kind: "late" }
  /** The thread died under it. */
  | { readonly kind: "crashed"; readonly cause: string }
  /** The task threw: a fault of ours. */
  | { readonly kind: "failed"; readonly cause: string }
  /** The pool was closed. */
  | { readonly kind: "closed" };

/** How a task can end, for its metric. */
export type OffloadResult = "ok" | OffloadFailure["kind"] | "cancelled" | "refused";
