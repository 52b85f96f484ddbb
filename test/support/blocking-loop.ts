/** A thread that beats like a loop and blocks itself on demand, and how a test starts one and has it watched. */
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { LoopPulse } from "../../src/observe/loop-pulse.ts";
import type { WatchedLoop } from "../../src/supervisor/watchdog.ts";

/** What it can be told to do. */
export type Task = "spin" | "backtrack" | "parse" | "wait";

interface Order {
  readonly task: Task;
  /** How long, milliseconds; `backtrack`: how many letters; `parse`: of no meaning. */
  readonly amount: number;
}

const tasks: Readonly<Record<Task, (amount: number) => unknown>> = {
  spin: spinFor,
  backtrack: backtrackOver,
  parse: parseText,
  wait: waitFor,
};

function spinFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

function backtrackOver(letters: number): boolean {
  return /^(?:a+)+$/.test(`${"a".repeat(letters)}!`);
}

let text = "";

function parseText(): unknown {
  return JSON.parse(text);
}

/** Holds the loop up without using the processor. */
function waitFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const BEAT = 0;
const DOING = 1;
const HELD = 2;
const TASKS = Object.keys(tasks) as Task[];

interface ThreadData {
  readonly cells: Float64Array<SharedArrayBuffer>;
  readonly parseObjects: number;
}

if (!isMainThread && parentPort !== null && (workerData as Partial<ThreadData> | null)?.cells !== undefined) {
  run(parentPort, workerData as ThreadData);
}

function run(test: MessagePort, { cells, parseObjects }: ThreadData): void {
  text = `[${'{"name":"something","value":12345678901},'.repeat(parseObjects)}0]`;
  const target = {
    beat: (nowMs: number, heldMs: number): void => {
      cells[HELD] = heldMs;
      cells[BEAT] = nowMs;
    },
    report: () => {},
  };
  const say = (message: string): void => test.postMessage(message);
  // Its timer keeps it.
  void new LoopPulse(target);
  test.on("message", ({ task, amount }: Order) => {
    cells[DOING] = TASKS.indexOf(task);
    tasks[task](amount);
    cells[DOING] = -1;
    say("done");
  });
  cells[DOING] = -1;
  say("ready");
}

/** The thread as a test holds it. */
export class BlockingLoop implements WatchedLoop {
  readonly name: string;
  readonly worker: Worker;
  readonly #cells = new Float64Array(new SharedArrayBuffer(24));

  constructor(name: string, parseObjects: number) {
    this.name = name;
    this.worker = new Worker(new URL(import.meta.url), { workerData: { cells: this.#cells, parseObjects } });
  }

  /** @param parseObjects how many objects of 41 bytes there are to parse. */
  static async start(name: string, parseObjects = 0): Promise<BlockingLoop> {
    const loop = new BlockingLoop(name, parseObjects);
    await once(loop.worker, "message");
    return loop;
  }

  lastBeatMs(): number {
    return this.#cells[BEAT]!;
  }

  heldMs(): number {
    return this.#cells[HELD]!;
  }

  doing(): Task | null {
    return TASKS[this.#cells[DOING]!] ?? null;
  }

  startCpuProfile(): Promise<{ stop(): Promise<string> }> {
    return this.worker.startCpuProfile();
  }

  /** Resolves when it is done. */
  async block(task: Task, amount: number): Promise<void> {
    this.order(task, amount);
    await once(this.worker, "message");
  }

  /** Resolves at once. */
  order(task: Task, amount: number): void {
    this.worker.postMessage({ task, amount } satisfies Order);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}
