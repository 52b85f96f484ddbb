/** Where the log of the process goes: the lines of the main thread and of all that it receives, into one file. */
import type { MessagePort } from "node:worker_threads";
import { FileSink } from "./file-sink.ts";
import { LogGatherer } from "./log-gatherer.ts";
import { receiveLines } from "./port-sink.ts";

/** A destination for the log of the main thread. */
export class GatheredOutput {
  readonly #sink: FileSink;
  readonly #gatherer: LogGatherer;

  /** @param fd an open file descriptor, e.g. 1. @param intervalMs longest time that a line waits. @default 200 */
  constructor(fd: number, intervalMs?: number) {
    this.#sink = new FileSink(fd);
    this.#gatherer = new LogGatherer(this.#sink, intervalMs);
  }

  /** Takes one line with its line end. Never blocks, never throws. */
  write(line: string): void {
    this.#gatherer.write(line);
  }

  /** Takes the lines of another thread, whose end of the port has a `PortSink`, until one of them closes it. */
  receive(port: MessagePort): void {
    receiveLines(port, this.#sink);
  }

  /** Resolves when all that waits has been written, or a second later. For the end of the process. */
  async flush(): Promise<void> {
    // Threads that have just ended may have sent lines that are not received yet: by the end of this turn they are.
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([this.#gatherer.flush(), this.#sink.flush()]);
  }
}
