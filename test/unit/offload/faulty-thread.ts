/** An offload thread whose tasks misbehave as a test says. */
import { threadId } from "node:worker_threads";
import { serveTasks } from "../../../src/offload/serve-tasks.ts";

const held: Uint8Array[] = [];

const TASKS = {
  /** What came, and on which thread. */
  echo: ({ bytes, text }: { bytes?: Uint8Array; text?: string }) => ({ bytes, text, thread: threadId }),
  /** Blocks the thread. */
  spin: ({ ms }: { ms: number }) => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
    return { thread: threadId };
  },
  /** Ends the thread. */
  exit: () => process.exit(3),
  /** Throws outside of the task. */
  stray: () => new Promise<never>(() => setImmediate(missing)),
  /** Takes heap until there is none. */
  hoard: () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => i));
  },
  throw: () => {
    throw new Error("as asked");
  },
  /** Keeps so much in buffers. */
  hold: ({ sizeBytes }: { sizeBytes: number }) => {
    held.push(new Uint8Array(sizeBytes));
    return { thread: threadId };
  },
  unsendable: () => ({ answer: () => 1 }),
} as const;

/** Their types. */
export type FaultyTasks = typeof TASKS;

function missing(): void {
  throw new Error("nobody catches this");
}

serveTasks(TASKS);
