/** The entry of the thread that `startSimInThread` starts: reports its address and serves until it is terminated. */

import { parentPort, workerData } from "node:worker_threads";
import { startSim } from "./server.ts";
import type { SimOptions } from "./server.ts";

const sim = await startSim(workerData as SimOptions);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a rule for windows; threads have no origins
parentPort?.postMessage(sim.url.href);
