/** A pipe that nobody reads any more. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** Closed with the test: `using pipe = new ClosedPipe()`. */
export class ClosedPipe implements Disposable {
  /** Writing to it fails with `EPIPE`. */
  readonly fd: number;

  constructor() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headwaiter-pipe-"));
    const fifo = path.join(folder, "fifo");
    execFileSync("sh", ["-c", 'mkfifo "$0"', fifo]);
    const reader = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.fd = fs.openSync(fifo, "w");
    fs.closeSync(reader);
    fs.rmSync(folder, { recursive: true });
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.fd);
  }
}
