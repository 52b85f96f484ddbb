/**
 * The log lines of one thread, gathered into chunks of memory that go round: filled here, written elsewhere, filled again.
 *
 * Own code because of what it costs otherwise: there is a line for every request. An access line takes 0.5 µs of its
 * thread's CPU here, and 0.2 µs in the thread that writes; gathered as one growing string, which the young collections
 * copy again and again, 1.5 µs; through pino's own destination with the same buffer (sonic-boom 4) 6–10 µs.
 *
 * A reader that does not read (a full pipe) never holds up the gateway: up to {@link MAX_WAITING_BYTES} wait, what comes
 * beyond is dropped, and the number of lines lost is written as soon as there is room.
 */
import { FINAL_FLUSH_MS, LOST_LINES_REPORT_BYTES, lostLinesReport } from "./chunk-sink.ts";
import type { ChunkOwner, ChunkSink } from "./chunk-sink.ts";

/**
 * A chunk is handed on when it has no more room. With 64 KiB a line costs the loop 0.4 µs more: there are more messages, and
 * memory that another core has just read.
 */
const CHUNK_BYTES = 256 * 1024;
/** … or this long after its first line. */
const FLUSH_INTERVAL_MS = 200;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Chunks that are kept for the next lines. */
const MAX_SPARE = 2;
/** Most that UTF-8 makes of one unit of a string's length. */
const MAX_BYTES_PER_UNIT = 3;
const NO_CHUNK = Buffer.alloc(0);

/** A destination for the log. */
export class LogGatherer implements ChunkOwner {
  readonly #sink: ChunkSink;
  readonly #intervalMs: number;
  readonly #spare: ArrayBuffer[] = [];
  /** What is being filled, and how far it is. */
  #chunk: Buffer<ArrayBuffer> = NO_CHUNK;
  #usedBytes = 0;
  /** Memory that is with the sink. */
  #waitingBytes = 0;
  #lostLines = 0;
  #timer: NodeJS.Timeout | null = null;
  /** The chunk's time is up, and the sink had not written what it got before. */
  #isDue = false;
  #flushing: Promise<void> | null = null;
  /** Called when nothing waits any more. */
  #onEmpty: (() => void) | null = null;

  /** @param sink serves this gatherer; may serve others. @param intervalMs longest time that a line waits here. @default 200 */
  constructor(sink: ChunkSink, intervalMs = FLUSH_INTERVAL_MS) {
    this.#sink = sink;
    this.#intervalMs = intervalMs;
  }

  /** Takes one line with its line end. Never blocks, never throws. */
  write(line: string): void {
    const mayBeTooLong = line.length * MAX_BYTES_PER_UNIT > this.#chunk.length - this.#usedBytes;
    if (mayBeTooLong && !this.#makeRoom(Buffer.byteLength(line))) {
      this.#lostLines++;
      return;
    }
    this.#usedBytes += this.#chunk.write(line, this.#usedBytes);
  }

  /** Hands on what there is. All that a thread can do when it has no turn left, in its `exit` event. */
  handOver(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isDue = false;
    if (this.#usedBytes === 0) return;
    const lines = this.#chunk.subarray(0, this.#usedBytes);
    this.#chunk = NO_CHUNK;
    this.#usedBytes = 0;
    this.#waitingBytes += lines.buffer.byteLength;
    this.#sink.put(lines, this);
  }

  /** Resolves when all that waits has been written, or {@link FINAL_FLUSH_MS} later. For the end of the process or thread. */
  flush(): Promise<void> {
    return (this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    }));
  }

  reclaim(memory: ArrayBuffer): void {
    this.#waitingBytes -= memory.byteLength;
    if (memory.byteLength === CHUNK_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(memory);
    // Not left to the next line: there may be none for hours.
    this.#reportLost();
    if (this.#isDue || this.#flushing !== null) this.handOver();
    if (this.#isEmpty) this.#onEmpty?.();
  }

  get #isEmpty(): boolean {
    return this.#waitingBytes === 0 && this.#usedBytes === 0;
  }

  async #flush(): Promise<void> {
    this.#reportLost();
    this.handOver();
    if (this.#isEmpty) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onEmpty = null;
        resolve();
      };
      const timer = setTimeout(done, FINAL_FLUSH_MS);
      this.#onEmpty = done;
    });
  }

  /** @returns whether a line of `sizeBytes` can be written now. */
  #makeRoom(sizeBytes: number): boolean {
    if (sizeBytes <= this.#chunk.length - this.#usedBytes) return true;
    this.handOver();
    return this.#begin(Math.max(CHUNK_BYTES, sizeBytes + LOST_LINES_REPORT_BYTES));
  }

  #begin(sizeBytes: number): boolean {
    if (this.#waitingBytes + sizeBytes > MAX_WAITING_BYTES) return false;
    const spare = sizeBytes === CHUNK_BYTES ? this.#spare.pop() : undefined;
    this.#chunk = spare === undefined ? Buffer.allocUnsafeSlow(sizeBytes) : Buffer.from(spare);
    this.#timer ??= setTimeout(() => this.#onTimer(), this.#intervalMs).unref();
    if (this.#lostLines > 0) this.#usedBytes = this.#chunk.write(lostLinesReport(this.#lostLines));
    this.#lostLines = 0;
    return true;
  }

  #reportLost(): void {
    if (this.#lostLines > 0 && this.#chunk === NO_CHUNK) this.#begin(CHUNK_BYTES);
  }

  #onTimer(): void {
    this.#timer = null;
    // A sink that is behind gets whole chunks alone: else a few lines each would soon be all that may wait.
    if (this.#waitingBytes > 0) this.#isDue = true;
    else this.handOver();
  }
}
