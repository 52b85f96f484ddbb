/** A thread with lines for the log: the other end of `port-sink.test.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { LogGatherer } from "../../../src/observe/log-gatherer.ts";
import { PortSink } from "../../../src/observe/port-sink.ts";

export interface LogThreadData {
  readonly port: MessagePort;
  /** In each line. */
  readonly thread: number;
  readonly lines: number;
  /** How long a line may wait. */
  readonly intervalMs: number;
  /** `flush`: it waits until all is written. `die`: nobody catches what it throws at the end. `hang`: it stays. */
  readonly end: "flush" | "die" | "hang";
}

const { port, thread, lines, intervalMs, end } = workerData as LogThreadData;
const output = new LogGatherer(new PortSink(port), intervalMs);
process.once("exit", () => output.handOver());
for (let n = 0; n < lines; n++) {
  output.write(`${JSON.stringify({ thread, n, fill: "é".repeat((n * 37) % 400) })}\n`);
  if (n % 500 === 499) await new Promise((resolve) => setImmediate(resolve));
}
switch (end) {
  case "flush":
    await output.flush();
    break;
  case "die":
    throw new Error("as the test wants it");
  case "hang":
    output.handOver();
    parentPort!.postMessage("hangs");
    setInterval(() => {}, 1000);
}
