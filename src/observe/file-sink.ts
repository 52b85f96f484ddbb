/** Log lines into a file, pipe or terminal: one write at a time, off the event loop, for every thread of the process. */
import fs from "node:fs";
import { FINAL_FLUSH_MS, lostLinesReport } from "./chunk-sink.ts";
import type { ChunkOwner, ChunkSink } from "./chunk-sink.ts";

/** Chunks in one write. */
const MAX_GATHERED = 4;
/**
 * All threads together. Each bounds what it has waiting; this is for the chunks that dead ones leave behind while others
 * take their places.
 */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** How long a full pipe or disk is left alone. */
const RETRY_MS = 20;
/** Faults that pass by themselves. After any other, lines have nowhere to go. */
const PASSING_FAULTS: ReadonlySet<string | undefined> = new Set(["EAGAIN", "ENOSPC", "EDQUOT"]);
const LINE_END = 0x0a;

interface Waiting {
  /** What has not been written of them. */
  lines: Uint8Array<ArrayBuffer>;
  readonly owner: ChunkOwner;
}

/** Takes back what nobody else has use for. */
const NOBODY: ChunkOwner = { reclaim() {} };

/** See the file's comment. */
export class FileSink implements ChunkSink {
  readonly #fd: number;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #lostLines = 0;
  #isWriting = false;
  #isBroken = false;
  /** Called when nothing waits any more. */
  #onEmpty: (() => void) | null = null;

  /** @param fd an open file descriptor, e.g. 1. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  put(lines: Uint8Array<ArrayBuffer>, owner: ChunkOwner): void {
    if (this.#isBroken) return owner.reclaim(lines.buffer);
    if (this.#waitingBytes + lines.buffer.byteLength > MAX_WAITING_BYTES) {
      this.#lostLines += countLines(lines);
      return owner.reclaim(lines.buffer);
    }
    this.#waiting.push({ lines, owner });
    this.#waitingBytes += lines.buffer.byteLength;
    if (!this.#isWriting) this.#write();
  }

  /** Resolves when all that waits has been written, or {@link FINAL_FLUSH_MS} later. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FINAL_FLUSH_MS);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #write(): void {
    this.#isWriting = true;
    const chunks = this.#waiting.slice(0, MAX_GATHERED).map(({ lines }) => lines);
    fs.writev(this.#fd, chunks, (error, writtenBytes) => this.#onWritten(error, writtenBytes));
  }

  #onWritten(error: NodeJS.ErrnoException | null, writtenBytes: number): void {
    if (PASSING_FAULTS.has(error?.code)) {
      setTimeout(() => this.#write(), RETRY_MS).unref();
      return;
    }
    // Stdout is gone (a closed pipe): there is nowhere left to say so, and it is no reason to end streams.
    this.#isBroken = error !== null;
    this.#giveBack(this.#isBroken ? Infinity : writtenBytes);
    if (this.#lostLines > 0 && !this.#isBroken) this.#reportLost();
    if (this.#waiting.length > 0) return this.#write();
    this.#isWriting = false;
    this.#onEmpty?.();
  }

  #giveBack(writtenBytes: number): void {
    let leftBytes = writtenBytes;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (leftBytes < first.lines.length) {
        first.lines = first.lines.subarray(leftBytes);
        return;
      }
      leftBytes -= first.lines.length;
      this.#waiting.shift();
      this.#waitingBytes -= first.lines.buffer.byteLength;
      first.owner.reclaim(first.lines.buffer);
    }
  }

  #reportLost(): void {
    this.#waiting.push({ lines: new TextEncoder().encode(lostLinesReport(this.#lostLines)), owner: NOBODY });
    this.#waitingBytes += this.#waiting.at(-1)!.lines.buffer.byteLength;
    this.#lostLines = 0;
  }
}

function countLines(lines: Uint8Array): number {
  let count = 0;
  for (let at = lines.indexOf(LINE_END); at !== -1; at = lines.indexOf(LINE_END, at + 1)) count++;
  return count;
}
