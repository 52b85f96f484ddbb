/** A pipe whose reader reads nothing until it is told to. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** Closed with the test: `await using pipe = new UnreadPipe()`. */
export class UnreadPipe implements AsyncDisposable {
  readonly #reader = spawn("sh", ["-c", "read go <&3; cat"], { stdio: ["pipe", "pipe", "ignore", "pipe"] });

  /** To write to, as whoever has it as stdout sees it. */
  get fd(): number {
    return (this.#reader.stdin as unknown as { _handle: { fd: number } })._handle.fd;
  }

  /** Starts to read. @returns the lines, until `isLast` says that one is the last. */
  async lines(isLast: (line: string) => boolean): Promise<string[]> {
    (this.#reader.stdio[3] as NodeJS.WritableStream).write("go\n");
    const lines: string[] = [];
    for await (const line of createInterface({ input: this.#reader.stdout! })) {
      lines.push(line);
      if (isLast(line)) break;
    }
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#reader, "close");
    this.#reader.stdout!.resume();
    this.#reader.kill();
    await closed;
  }
}
