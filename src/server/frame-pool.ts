/**
 * The buffers in which a loop's streams frame their chunks.
 *
 * Over HTTP/1.1 a stream gathers and flushes within one read, so one buffer, always in the cache, serves all streams. Over
 * HTTP/2 the streams of one read gather side by side until the turn's end, each in a buffer of its own. A buffer comes back
 * as soon as the kernel has taken its bytes.
 */

/** Room before a chunk's data for its size line: 8 hex digits and CRLF. */
export const SIZE_LINE_BYTES = 10;
/** CRLF after a chunk's data. */
export const CHUNK_END_BYTES = 2;
/** Data that a frame holds: as much as one read of an upstream brings. */
export const FRAME_DATA_BYTES = 64 * 1024;
/** Frames lent at once. Streams beyond that gather in queues of their own. */
const MAX_LENT = 64;

/** See the file's comment. */
export class FramePool {
  readonly #free: Buffer[] = [];
  #lent = 0;

  /** A frame, or `null` when too many are in use. */
  take(): Buffer | null {
    if (this.#lent >= MAX_LENT) return null;
    this.#lent++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SIZE_LINE_BYTES + FRAME_DATA_BYTES + CHUNK_END_BYTES);
  }

  /** Gives back a frame that nothing refers to any more. */
  give(frame: Buffer): void {
    this.#lent--;
    this.#free.push(frame);
  }

  /** A frame stays with the write that still needs it; the garbage collector takes it from there. */
  leave(): void {
    this.#lent--;
  }
}
