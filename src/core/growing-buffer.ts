/**
 * Gathers bytes that come in pieces of any size. Pieces kept as they are cost a sender of one-byte chunks nothing and us 240
 * bytes each; copied into one buffer that doubles, a byte costs two at most.
 */
export class GrowingBuffer {
  #buffer: Buffer | null = null;
  #length = 0;

  /** Bytes gathered. */
  get length(): number {
    return this.#length;
  }

  /** Takes a copy of `bytes[start, end)`. Amortised O(length). */
  append(bytes: Buffer, start = 0, end = bytes.length): void {
    const needed = this.#length + end - start;
    if (this.#buffer === null) {
      // The first piece is most often all there is. A small one comes out of Node's pool: a buffer of its own costs 1 µs.
      this.#buffer = Buffer.allocUnsafe(needed);
    } else if (this.#buffer.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    bytes.copy(this.#buffer, this.#length, start, end);
    this.#length = needed;
  }

  /** Takes `bytes` themselves where nothing was gathered before; nobody else may hold or change them. */
  adopt(bytes: Buffer): void {
    if (this.#buffer !== null) return this.append(bytes);
    this.#buffer = bytes;
    this.#length = bytes.length;
  }

  /** What was gathered, as a view; the buffer is empty afterwards. */
  take(): Buffer {
    const taken = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#buffer = null;
    this.#length = 0;
    return taken;
  }
}
