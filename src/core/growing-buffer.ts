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
  append(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const needed = this.#length + end - start;
    if (this.#buffer === null || this.#buffer.length < needed) {
      // The first piece is most often all there is.
      const size = this.#buffer === null ? needed : Math.max(needed, 2 * this.#buffer.length);
      const grown = Buffer.allocUnsafeSlow(size);
      this.#buffer?.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  /** What was gathered, as a view; the buffer is empty afterwards. */
  take(): Buffer {
    const taken = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#buffer = null;
    this.#length = 0;
    return taken;
  }
}
