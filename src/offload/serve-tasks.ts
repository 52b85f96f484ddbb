/** The thread's side: takes one task after the other and answers each. */
import os from "node:os";
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import type { TaskAnswer, TaskRequest, Tasks } from "./task.ts";
import { transferList } from "./transfer.ts";

/** What a thread is started with. */
export interface OffloadThreadData {
  /** Whether the loops go before it where there are fewer cores than threads. */
  readonly yieldsToLoops: boolean;
}

/** Of Linux' -20 to 19: a tenth of the share that a loop has where both want the same core. */
const NICENESS = 10;

/** Serves `tasks` on this thread until it is terminated. */
export function serveTasks(tasks: Tasks): void {
  if ((workerData as OffloadThreadData).yieldsToLoops) yieldToLoops();
  const port = parentPort!;
  port.on(
    "message",
    (request: TaskRequest) => void serve(tasks, request, (answer, moved) => port.postMessage(answer, moved)),
  );
}

async function serve(
  tasks: Tasks,
  { task, input }: TaskRequest,
  reply: (answer: TaskAnswer, moved: ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const output = await tasks[task]!(input as never);
    // Within, since an output may turn out to be nothing that can be sent.
    reply({ result: { ok: true, output }, memoryBytes: memoryBytes() }, transferList(output));
  } catch (error) {
    reply({ result: { ok: false, cause: causeOf(error) }, memoryBytes: memoryBytes() }, []);
  }
}

/** Linux keeps a priority for each thread; elsewhere this would be the whole process's. */
function yieldToLoops(): void {
  if (process.platform === "linux") os.setPriority(0, NICENESS);
}

function memoryBytes(): number {
  const { total_heap_size, external_memory } = getHeapStatistics();
  return total_heap_size + external_memory;
}

function causeOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
