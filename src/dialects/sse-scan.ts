/**
 * Looks at a server-sent event stream as its bytes pass: where events end, how many carry output, what usage they report,
 * whether the stream has ended as its dialect says it should. Nothing is parsed into objects and nothing is held back.
 *
 * Runs for every token event. The usual read holds whole lines: each costs one `indexOf` for its end and what the dialect
 * asks of it. Only a line that is cut by a read is copied, and of a long one only its beginning and its end, up to
 * {@link MAX_LINE_BYTES} and twice {@link TAIL_BYTES}: a picture in a Gemini event is megabytes in one line, and what says
 * that the answer is complete and what it cost stands behind it.
 *
 * Lines end in LF or CRLF. A lone CR, which the standard allows too, ends none: no provider sends it.
 */
import { startsWith } from "./byte-search.ts";

/** Input and output tokens of one request. */
export interface Usage {
  readonly inputTokens: number;
  /** Of these, what the provider had in its cache. */
  readonly cachedInputTokens?: number;
  readonly outputTokens: number;
}

/** Why a stream is ended before its time. */
export interface EndingNote {
  /** An error code of ours. */
  readonly code: string;
  readonly message: string;
}

/** What a scan has to know of the request. */
export interface ScanOptions {
  /**
   * How many answers were asked for; OpenAI's streams may hold several.
   * @default 1
   */
  readonly answers?: number;
  /**
   * The stream may be ended by {@link SseScan.cutShort}, for which a dialect keeps what that has to say again.
   * @default false
   */
  readonly mayBeCut?: boolean;
}

const MAX_LINE_BYTES = 64 * 1024;
const TAIL_BYTES = 8 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** One stream's scan. A dialect says what its lines mean. */
export abstract class SseScan {
  /** Token events so far: events that carry output. Never falls. */
  tokenEvents = 0;
  /** The dialect's own end has passed (`[DONE]`, `message_stop`, a finish reason where there is no other). */
  complete = false;
  /** And nothing comes after it. Where a finish reason is the end there is no telling. */
  over = false;
  /** An error event of the upstream has passed. */
  failed = false;
  /** The bytes so far end with an event: something may be put in between without breaking one. */
  atBoundary = true;
  #atStart = true;
  #carry: Buffer | null = null;
  #carried = 0;
  /** The last bytes of a line that is longer than {@link MAX_LINE_BYTES}, up to twice {@link TAIL_BYTES}. */
  #tail: Buffer | null = null;
  #tailed = 0;

  /** One non-empty line, `bytes[start, end)`, without its line end. Of an overlong line: its beginning. */
  protected abstract line(bytes: Buffer, start: number, end: number): void;

  /** The end of an overlong line, called after {@link line} with its beginning. The two may overlap. */
  protected abstract lineTail(bytes: Buffer, start: number, end: number): void;

  /** What the upstream reported, if it has. */
  abstract usage(): Usage | undefined;

  /** Output tokens so far, as far as can be told: a token event is one, unless the upstream says more. */
  get outputTokens(): number {
    return this.tokenEvents;
  }

  /**
   * Events that end the stream here as its API ends one that has reached its length, so that every SDK reads it as such; `note`
   * says why, where SDKs don't look. Only at a boundary.
   */
  abstract cutShort(note: EndingNote): string;

  /** Looks at the next bytes of the stream, `bytes[start, end)`. */
  scan(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.#carried > 0) at = this.#finishCarried(bytes, at, end);
    while (at < end) {
      const lf = bytes.indexOf(LF, at);
      // A hit past the end is what an earlier read left in the shared buffer.
      if (lf === -1 || lf >= end) return this.#keep(bytes, at, end);
      this.#wholeLine(bytes, at, lf > at && bytes[lf - 1] === CR ? lf - 1 : lf);
      at = lf + 1;
    }
  }

  /** The stream has ended: a last line without a line end counts all the same. */
  end(): void {
    if (this.#carried > 0) this.#takeCarried();
  }

  #wholeLine(bytes: Buffer, start: number, stop: number): void {
    let at = start;
    if (this.#atStart) {
      this.#atStart = false;
      if (startsWith(bytes, at, stop, BYTE_ORDER_MARK)) at += BYTE_ORDER_MARK.length;
    }
    this.atBoundary = at === stop;
    if (!this.atBoundary) this.line(bytes, at, stop);
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
    if (start + length < end) this.#keepTail(bytes, start + length, end);
  }

  #keepTail(bytes: Buffer, start: number, end: number): void {
    if (this.#tail === null) {
      this.#tail = Buffer.allocUnsafeSlow(2 * TAIL_BYTES);
      // What is looked for may begin before the place where the line grew too long.
      this.#tailed = this.#carry!.copy(this.#tail, 0, MAX_LINE_BYTES - TAIL_BYTES, MAX_LINE_BYTES);
    }
    const from = Math.max(start, end - TAIL_BYTES);
    if (from > start) this.#tailed = 0;
    else if (this.#tailed + end - from > this.#tail.length) {
      this.#tail.copyWithin(0, this.#tailed - TAIL_BYTES, this.#tailed);
      this.#tailed = TAIL_BYTES;
    }
    this.#tailed += bytes.copy(this.#tail, this.#tailed, from, end);
  }

  /** @returns the position after the line that was cut, or `end` when it still is. */
  #finishCarried(bytes: Buffer, start: number, end: number): number {
    const lf = bytes.indexOf(LF, start);
    const stop = lf === -1 || lf >= end ? end : lf;
    this.#keep(bytes, start, stop);
    if (stop === end) return end;
    this.#takeCarried();
    return lf + 1;
  }

  /** The line that was gathered has ended. */
  #takeCarried(): void {
    const carry = this.#carry!;
    const length = this.#carried;
    const tail = this.#tail;
    this.#carry = null;
    this.#carried = 0;
    this.#tail = null;
    this.#wholeLine(carry, 0, tail === null && carry[length - 1] === CR ? length - 1 : length);
    if (tail !== null) this.lineTail(tail, 0, this.#tailed);
  }
}
