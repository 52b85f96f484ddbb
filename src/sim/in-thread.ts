/** The simulated provider on a thread of its own, so that the gateway's demo measures the gateway and not both. */

import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { SimOptions } from "./server.ts";

export interface SimThread {
  /** Where it listens, without a path. */
  readonly url: URL;
  /** Resolves when the thread has ended: with the error that ended it, or `undefined` after {@link close}. */
  readonly ended: Promise<Error | undefined>;
  /** Cuts everything and ends the thread. */
  close(): Promise<void>;
}

/** Starts the simulated provider on a worker thread. @throws What kept it from listening. */
export async function startSimInThread(options: SimOptions = {}): Promise<SimThread> {
  // `.ts` when run from source, `.js` when run from the package.
  const entry = new URL(`./sim-thread${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(entry, { workerData: options, name: "sim" });
  let failure: Error | undefined;
  worker.on("error", (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once("exit", () => resolve(failure));
  });
  const href = await Promise.race([new Promise<string>((resolve) => worker.once("message", resolve)), ended]);
  if (typeof href !== "string") throw href ?? new Error("The simulated provider's thread ended before it listened.");
  return {
    url: new URL(href),
    ended,
    close: async () => {
      await worker.terminate();
    },
  };
}
