/**
 * Looks at a server-sent event stream as its bytes pass: where events end, how many carry output, what usage they report,
 * whether the stream has ended as its dialect says it should. Nothing is parsed into objects and nothing is held back.
 *
 * Runs for every token event. The usual read holds whole lines: each costs one `indexOf` for its end and what the dialect
 * asks of it. Only a line that is cut by a read is copied, up to {@link MAX_LINE_BYTES}.
 */

/** Input and output tokens of one request. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Of a longer line only this much is looked at, bytes; the whole of it passes all the same. */
const MAX_LINE_BYTES = 64 * 1024;
const LF = 0x0a;
const CR = 0x0d;

/** One stream's scan. A dialect says what its lines mean. */
export abstract class SseScan {
  /** Token events so far: events that carry output. */
  tokenEvents = 0;
  /** The dialect's own end has passed (`[DONE]`, `message_stop`, a finish reason where there is no other). */
  complete = false;
  /** An error event of the upstream has passed. */
  failed = false;
  /** The bytes so far end with an event: something may be put in between without breaking one. */
  atBoundary = true;
  #carry: Buffer | null = null;
  #carried = 0;

  /** One non-empty line, `bytes[start, end)`, without its line end. Of an overlong line: its beginning. */
  protected abstract line(bytes: Buffer, start: number, end: number): void;

  /** What the upstream reported, if it has. */
  abstract usage(): Usage | undefined;

  /** Looks at the next bytes of the stream, `bytes[start, end)`. */
  scan(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.#carried > 0) at = this.#finishCarried(bytes, at, end);
    while (at < end) {
      const lf = bytes.indexOf(LF, at);
      // A hit past the end is what an earlier read left in the shared buffer.
      if (lf === -1 || lf >= end) return this.#keep(bytes, at, end);
      const stop = lf > at && bytes[lf - 1] === CR ? lf - 1 : lf;
      if (stop === at) this.atBoundary = true;
      else {
        this.atBoundary = false;
        this.line(bytes, at, stop);
      }
      at = lf + 1;
    }
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.atBoundary = false;
    const length = Math.min(end - start, MAX_LINE_BYTES - this.#carried);
    const needed = this.#carried + length;
    if (this.#carry === null || this.#carry.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.min(MAX_LINE_BYTES, Math.max(512, 2 ** Math.ceil(Math.log2(needed)))));
      this.#carry?.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    bytes.copy(this.#carry, this.#carried, start, start + length);
    this.#carried = needed;
  }

  /** @returns the position after the line that was cut, or `end` when it still is. */
  #finishCarried(bytes: Buffer, start: number, end: number): number {
    const lf = bytes.indexOf(LF, start);
    const stop = lf === -1 || lf >= end ? end : lf;
    this.#keep(bytes, start, stop);
    if (stop === end) return end;
    const carry = this.#carry!;
    let length = this.#carried;
    if (carry[length - 1] === CR) length--;
    this.#carried = 0;
    this.#carry = null;
    if (length === 0) this.atBoundary = true;
    else this.line(carry, 0, length);
    return lf + 1;
  }
}
