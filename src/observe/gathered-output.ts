/**
 * Log lines gathered into few writes, off the event loop.
 *
 * Own code because of what it costs otherwise: 0.5 µs of CPU per access line here, against 6–10 µs through pino's own
 * destination with the same buffer (sonic-boom 4, 420-byte lines, 100,000 of them), which was one eighth of a small request.
 *
 * A reader that does not read (a full pipe) never holds up the gateway: up to {@link MAX_WAITING_BYTES} wait, what comes
 * beyond is dropped, and the number of lines lost is written as soon as there is room.
 */
import fs from "node:fs";

/** Text is written when there is this much. */
const GATHER_BYTES = 32 * 1024;
/** … or this long after its first line. */
const FLUSH_INTERVAL_MS = 200;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** How long a full pipe is left alone. */
const RETRY_MS = 20;
/** Longest that the end of the process waits for the reader. */
const FINAL_FLUSH_MS = 1000;

/** A destination for pino. */
export class GatheredOutput {
  readonly #fd: number;
  /** Lines not yet handed to a write. */
  #text = "";
  /** What is being written, and how much of it has been. */
  #writing: Buffer | null = null;
  #written = 0;
  #lostLines = 0;
  #timer: NodeJS.Timeout | null = null;
  #broken = false;
  #flushing = false;

  readonly #intervalMs: number;

  /** @param fd an open file descriptor, e.g. 1. @param intervalMs longest time a line waits. @default 200 */
  constructor(fd: number, intervalMs = FLUSH_INTERVAL_MS) {
    this.#fd = fd;
    this.#intervalMs = intervalMs;
  }

  /** Takes one line with its line end. Never blocks, never throws. */
  write(line: string): void {
    if (this.#broken) return;
    if (this.#text.length + line.length > MAX_WAITING_BYTES) {
      this.#lostLines++;
      return;
    }
    this.#text += line;
    if (this.#text.length >= GATHER_BYTES) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), this.#intervalMs).unref();
  }

  /** Resolves when all that waits has been written, or {@link FINAL_FLUSH_MS} later. For the end of the process. */
  async flush(): Promise<void> {
    this.#flushing = true;
    this.#start();
    const deadlineMs = performance.now() + FINAL_FLUSH_MS;
    while ((this.#writing !== null || this.#text !== "") && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#flushing = false;
  }

  #start(): void {
    this.#stopTimer();
    if (this.#writing !== null || this.#text === "") return;
    this.#writing = Buffer.from(this.#takeText());
    this.#written = 0;
    this.#continue();
  }

  #continue(): void {
    fs.write(this.#fd, this.#writing!, this.#written, (error, written) => this.#onWritten(error, written));
  }

  #onWritten(error: NodeJS.ErrnoException | null, written: number): void {
    if (error?.code === "EAGAIN") {
      setTimeout(() => this.#continue(), RETRY_MS).unref();
      return;
    }
    if (error !== null) {
      // Stdout is gone (a closed pipe): there is nowhere left to say so, and it is no reason to end streams.
      this.#broken = true;
      this.#writing = null;
      this.#text = "";
      return;
    }
    this.#written += written;
    if (this.#written < this.#writing!.length) return this.#continue();
    this.#writing = null;
    if (this.#flushing || this.#text.length >= GATHER_BYTES) this.#start();
    else if (this.#text !== "") this.#timer ??= setTimeout(() => this.#start(), this.#intervalMs).unref();
  }

  #takeText(): string {
    let text = this.#text;
    this.#text = "";
    if (this.#lostLines > 0) {
      text += `{"level":"warn","time":${Date.now()},"lines":${this.#lostLines},"msg":"log lines were lost: stdout is not read fast enough"}\n`;
      this.#lostLines = 0;
    }
    return text;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
