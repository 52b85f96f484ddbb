/** The entry of the thread that `startSimInThread` starts: reports its address and serves until it is terminated. */

import { parentPort, workerData } from "node:worker_threads";
import { startSim } from "./server.ts";
import type { SimOptions } from "./server.ts";

const sim = await startSim(workerData as SimOptions);
parentPort?.postMessage(sim.url.href);
