/**
 * Processes that a run starts for itself: a sim, a gateway, a peer to compare with. All of them end with this process.
 */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a child may take to end after SIGTERM before SIGKILL. */
const STOP_DEADLINE_MS = 5_000;
const POLL_MS = 50;
/** Of util-linux; binds a process to cores. */
const TASKSET = "taskset";
/** Characters of a child's output quoted when it fails. */
const QUOTED_CHARS = 600;

interface ChildOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Runs on this core alone, where `taskset` exists. @default any */
  readonly core?: number;
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /**
   * Asked again and again until it answers what it takes to use the child.
   *
   * @param output all the child has written so far.
   */
  readonly ready: (output: string) => Promise<string | null> | string | null;
  /** How long it may take to be ready. */
  readonly readyTimeoutMs: number;
}

/** A child that is ready. */
export interface Child {
  readonly pid: number;
  /** What `ready` answered, e.g. a URL. */
  readonly answer: string;
  /** SIGTERM, then SIGKILL after five seconds. Settles when the child is gone. */
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a child and waits until it is ready.
 *
 * @throws {Error} when it can't be started, ends, or is not ready in time; the message quotes its last output.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const folder = mkdtempSync(join(tmpdir(), "headwaiter-bench-"));
  const outputPath = join(folder, "output");
  // A file and not a pipe: an access log that this process had to read would slow the very load it makes.
  const output = openSync(outputPath, "w");
  const pinned = options.core !== undefined && hasTaskset();
  const command = pinned ? TASKSET : options.command;
  const args = pinned ? ["-c", String(options.core), options.command, ...options.args] : options.args;
  const child = spawn(command, args, { stdio: ["ignore", output, output], env: { ...process.env, ...options.env } });
  closeSync(output);
  running.add(child);
  // A property, since the listeners below change it while the loop waits.
  const state = { failure: "" };
  child.on("error", (error) => {
    state.failure = error.message;
    running.delete(child);
  });
  child.on("exit", (code, signal) => {
    state.failure = `it ended with ${signal ?? code}`;
    running.delete(child);
  });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    rmSync(folder, { recursive: true, force: true });
  };

  const deadlineMs = performance.now() + options.readyTimeoutMs;
  while (performance.now() < deadlineMs && state.failure === "") {
    const answer = await options.ready(readFileSync(outputPath, "utf8"));
    if (answer !== null && child.pid !== undefined && state.failure === "") return { pid: child.pid, answer, stop };
    await sleep(POLL_MS);
  }
  // Both before it is stopped, which leaves its own trace in them.
  const reason = state.failure === "" ? `not ready after ${options.readyTimeoutMs / 1000} s` : state.failure;
  const said = readFileSync(outputPath, "utf8").trim().slice(-QUOTED_CHARS);
  await stop();
  throw new Error(`${options.name}: ${reason}${said === "" ? "" : `; its last output: ${said}`}`);
}

/** Whether `taskset` can be run here. */
export function hasTaskset(): boolean {
  tasksetFound ??= spawnSync(TASKSET, ["--version"], { stdio: "ignore" }).status === 0;
  return tasksetFound;
}
let tasksetFound: boolean | undefined;

/** Binds this process, all its threads, to one core. @returns whether that worked. */
export function pinSelf(core: number): boolean {
  return hasTaskset() && spawnSync(TASKSET, ["-acp", String(core), String(process.pid)]).status === 0;
}

/** The core of a child and of this process when what is measured gets a core of its own. */
export const MEASURED_CORE = 0;
/** @see MEASURED_CORE */
export const LOAD_CORE = 1;

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(kill);
}
