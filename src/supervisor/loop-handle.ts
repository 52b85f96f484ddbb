/** One loop's thread, from its start to its end, as the supervisor holds it. */
import { extname } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { CPUProfileHandle } from "node:v8";
import type { BoardRow } from "../board/row.ts";
import type { MetricSnapshot } from "../observe/metric.ts";
import type { Charge, SliceReturn } from "../limits/limiter.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";
import { HEAP_FULL_EXIT_CODE } from "./messages.ts";
import type { FromLoop, LoopThreadData, ToLoop } from "./messages.ts";

/** A loop that is blocked answers when it is free again; nobody waits for that. */
const ANSWER_TIMEOUT_MS = 1000;
/** `.ts` when run from source, `.js` when run from the package. */
const ENTRY = new URL(`../server/loop-thread${extname(import.meta.url)}`, import.meta.url);

/** Why a thread has ended. `stopped`: it was asked to. `stuck`: it was asked to and did not. `exit`: nobody knows. */
export type DeathCause = "stopped" | "stuck" | "cant_listen" | "uncaught" | "out_of_memory" | "exit";

/** How a thread has ended. */
export interface Death {
  readonly cause: DeathCause;
  /** What was thrown, if anything was. */
  readonly error?: Error;
  readonly exitCode: number;
}

interface LoopHandleOptions {
  readonly data: Omit<LoopThreadData, "logPort" | "admissionPort" | "row">;
  /** Claimed for it. */
  readonly row: BoardRow;
  /** Largest heap, MiB: past it the loop dies and not the process. */
  readonly maxHeapMiB: number;
  /** The other end of the loop's log. */
  readonly onLogPort: (port: MessagePort) => void;
  /** The broker's end of what connects it with the loop. */
  readonly onAdmissionPort: (port: MessagePort) => void;
  /** It asks for more of shared limits. Must not reject. */
  readonly onLease: (needs: readonly Charge[]) => Promise<LeaseResult>;
  /** It has settled something too late. */
  readonly onLateReturn: (late: SliceReturn) => void;
  /** @default the loop of this package */
  readonly entry?: URL;
}

/** See the file's comment. */
export class LoopHandle {
  /** From 1. */
  readonly loop: number;
  /** What it tells of itself. */
  readonly row: BoardRow;
  /** When it was started, monotonic milliseconds. */
  readonly startedMs = performance.now();
  /** The port, or why it can't listen. Rejects also when the thread ends before. */
  readonly listening: Promise<number>;
  /** Resolves when the thread has ended, whatever ended it. */
  readonly ended: Promise<Death>;
  /** What it had counted when it ended; `null` while it runs, and where it had no time to say. */
  lastMetrics: readonly MetricSnapshot[] | null = null;
  readonly #worker: Worker;
  readonly #questions = new Map<number, (metrics: readonly MetricSnapshot[] | null) => void>();
  #nextQuestion = 0;
  #stopping = false;
  #cantListen = false;
  /** It was to end and did not. */
  #stuck = false;
  #hasEnded = false;
  #error: NodeJS.ErrnoException | undefined;
  /** Somebody waits for a new config to be taken over; called with its version, or `null` at the thread's end. */
  #onReloaded: ((configVersion: string | null) => void) | null = null;

  constructor({
    data,
    row,
    maxHeapMiB,
    onLogPort,
    onAdmissionPort,
    onLease,
    onLateReturn,
    entry = ENTRY,
  }: LoopHandleOptions) {
    this.loop = data.loop;
    this.row = row;
    const log = new MessageChannel();
    onLogPort(log.port1);
    const admission = new MessageChannel();
    onAdmissionPort(admission.port1);
    const ports = { logPort: log.port2, admissionPort: admission.port2 };
    const workerData: LoopThreadData = { ...data, ...ports, row: row.index };
    this.#worker = new Worker(entry, {
      workerData,
      transferList: [log.port2, admission.port2],
      name: `loop ${data.loop}`,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    this.#worker.on("error", (error) => {
      this.#error = error instanceof Error ? error : new Error(String(error));
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once("exit", (exitCode) => {
        this.#hasEnded = true;
        for (const answer of this.#questions.values()) answer(null);
        this.#questions.clear();
        this.#onReloaded?.(null);
        resolve({
          cause: this.#cause(exitCode),
          exitCode,
          ...(this.#error === undefined ? {} : { error: this.#error }),
        });
      });
    });
    this.listening = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: FromLoop) => {
        switch (message.kind) {
          case "listening":
            return resolve(message.port);
          case "failed":
            this.#cantListen = true;
            return reject(new Error(message.message));
          case "lease": {
            const { ticket } = message;
            return void onLease(message.needs).then((result) => this.send({ kind: "leased", ticket, result }));
          }
          case "late_return":
            return onLateReturn(message.late);
          case "reloaded":
            return this.#onReloaded?.(message.configVersion);
          case "last_metrics":
            this.lastMetrics = message.metrics;
            return;
          case "metrics":
            return this.#questions.get(message.question)?.(message.metrics);
        }
      });
      void this.ended.then(({ error }) => reject(error ?? new Error("the loop ended before it listened")));
    });
    // Whoever does not wait for it learns of the end all the same.
    this.listening.catch(() => {});
  }

  /** Whether the thread has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Interrupts whatever it runs, to see what that is. */
  startCpuProfile(): Promise<CPUProfileHandle> {
    return this.#worker.startCpuProfile();
  }

  /** Resolves when it has taken the config over, has ended, or has not answered for a second. */
  async reload({ config, columns, accounts }: Pick<LoopThreadData, "config" | "columns" | "accounts">): Promise<void> {
    if (this.#hasEnded) return;
    this.send({ kind: "reload", config, columns, accounts });
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onReloaded = null;
        resolve();
      };
      const timer = setTimeout(done, ANSWER_TIMEOUT_MS);
      // An answer to an earlier reload may come late.
      this.#onReloaded = (version) => void ((version === null || version === config.rest.version) && done());
    });
  }

  /** @returns its metrics; `null` when it has ended or does not answer in time. */
  readMetrics(): Promise<readonly MetricSnapshot[] | null> {
    if (this.#hasEnded) return Promise.resolve(null);
    const question = this.#nextQuestion++;
    return new Promise((resolve) => {
      const answer = (metrics: readonly MetricSnapshot[] | null): void => {
        clearTimeout(timer);
        this.#questions.delete(question);
        resolve(metrics);
      };
      const timer = setTimeout(() => answer(null), ANSWER_TIMEOUT_MS);
      this.#questions.set(question, answer);
      this.send({ kind: "read_metrics", question });
    });
  }

  /** Takes no new work, finishes what is under way, and ends; is ended when it has not by `timeoutMs` and a little more. */
  async drain(timeoutMs: number, graceMs: number): Promise<void> {
    this.#stopping = true;
    this.send({ kind: "drain", timeoutMs });
    await this.#end(timeoutMs + graceMs);
  }

  /** Ends everything now; the thread itself when it does not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.send({ kind: "stop" });
    await this.#end(graceMs);
  }

  async #end(withinMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#stuck = true;
      void this.#worker.terminate();
    }, withinMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Tells it something; nothing where it has ended. */
  send(message: ToLoop): void {
    this.#worker.postMessage(message);
  }

  #cause(exitCode: number): DeathCause {
    if (exitCode === HEAP_FULL_EXIT_CODE) return "out_of_memory";
    if (this.#error?.code === "ERR_WORKER_OUT_OF_MEMORY") return "out_of_memory";
    if (this.#error !== undefined) return "uncaught";
    if (this.#cantListen) return "cant_listen";
    if (this.#stuck) return "stuck";
    return this.#stopping ? "stopped" : "exit";
  }
}
