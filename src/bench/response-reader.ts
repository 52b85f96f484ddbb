/**
 * Reads HTTP/1.1 answers from a connection, tolerantly: the load client's own, so that the product's strict parser is
 * checked by other eyes. Content is handed on as slices of the read buffer.
 */

/** Takes what a {@link ResponseReader} finds. */
export interface ResponseSink {
  onHead(status: number): void;
  /** `bytes[start, end)` is content; valid only during the call. */
  onContent(bytes: Uint8Array, start: number, end: number): void;
  /** The answer ended as its framing said. */
  onComplete(): void;
}

type State =
  | "head"
  /** Content of known length. */
  | "fixed"
  /** No framing: content until the connection closes, which nobody can tell from a cut. Never complete. */
  | "open-ended"
  | "chunk-size"
  | "chunk-data"
  | "chunk-end"
  | "trailer"
  | "complete";

const CR = 0x0d;
const LF = 0x0a;
/** Longest head or trailer taken, bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Longest chunk-size line taken, bytes. */
const MAX_SIZE_LINE_BYTES = 256;

/** One connection's reader. */
export class ResponseReader {
  #state: State = "head";
  #head = "";
  /** Bytes of content (or of this chunk) still to come. */
  #left = 0;
  /** Bytes of the current framing line so far. */
  #lineBytes = 0;
  #sizeEnded = false;

  /** True once the answer ended as framed; {@link next} makes it ready for another. */
  get complete(): boolean {
    return this.#state === "complete";
  }

  /** Makes ready for the next answer on the same connection. */
  next(): void {
    this.#state = "head";
    this.#head = "";
  }

  /** Takes `bytes[0, end)`. @returns what is wrong, or `null`. After a fault the connection is of no use. */
  feed(bytes: Buffer, end: number, sink: ResponseSink): string | null {
    let at = 0;
    while (at < end) {
      switch (this.#state) {
        case "head": {
          const next = this.#readHead(bytes, at, end, sink);
          if (typeof next === "string") return next;
          at = next;
          break;
        }
        case "fixed":
        case "chunk-data":
        case "open-ended": {
          const stop = this.#state === "open-ended" ? end : Math.min(end, at + this.#left);
          sink.onContent(bytes, at, stop);
          this.#left -= stop - at;
          at = stop;
          if (this.#left === 0 && this.#state === "fixed") this.#finish(sink);
          else if (this.#left === 0 && this.#state === "chunk-data") this.#state = "chunk-end";
          break;
        }
        case "chunk-size":
          if (!this.#readSizeByte(bytes[at++]!)) return "a chunk size is malformed";
          break;
        case "chunk-end": {
          const byte = bytes[at++]!;
          if (byte === LF) this.#startChunk();
          else if (byte !== CR) return "a chunk is longer than its size";
          break;
        }
        case "trailer":
          if (!this.#readTrailerByte(bytes[at++]!, sink)) return "the trailer is too long";
          break;
        case "complete":
          return "bytes follow the end of the answer";
      }
    }
    return null;
  }

  #finish(sink: ResponseSink): void {
    this.#state = "complete";
    sink.onComplete();
  }

  #startChunk(): void {
    this.#state = "chunk-size";
    this.#left = 0;
    this.#lineBytes = 0;
    this.#sizeEnded = false;
  }

  #readSizeByte(byte: number): boolean {
    if (byte === LF) {
      if (this.#lineBytes === 0) return false;
      this.#state = this.#left === 0 ? "trailer" : "chunk-data";
      this.#lineBytes = 0;
      return true;
    }
    if (byte === CR || this.#sizeEnded) return ++this.#lineBytes <= MAX_SIZE_LINE_BYTES;
    const digit = hexDigit(byte);
    if (digit >= 0) this.#left = this.#left * 16 + digit;
    else if (this.#lineBytes > 0) this.#sizeEnded = true;
    else return false;
    return ++this.#lineBytes <= MAX_SIZE_LINE_BYTES && this.#left <= Number.MAX_SAFE_INTEGER / 16;
  }

  #readTrailerByte(byte: number, sink: ResponseSink): boolean {
    if (byte === CR) return true;
    if (byte !== LF) return ++this.#lineBytes <= MAX_HEAD_BYTES;
    if (this.#lineBytes === 0) this.#finish(sink);
    this.#lineBytes = 0;
    return true;
  }

  #readHead(bytes: Buffer, at: number, end: number, sink: ResponseSink): number | string {
    const before = this.#head.length;
    // Only the head is made a string, and only once an answer.
    this.#head += bytes.toString("latin1", at, Math.min(end, at + MAX_HEAD_BYTES));
    const found = /\r?\n\r?\n/.exec(this.#head);
    if (found === null) return this.#head.length < MAX_HEAD_BYTES ? end : "the head is too long";
    const headBytes = found.index + found[0].length;
    const head = this.#head.slice(0, found.index);
    this.#head = "";
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |\r|$)/m.exec(head)?.[1] ?? 0);
    if (status === 0) return "the status line is malformed";
    if (status >= 200) this.#startContent(head, status, sink);
    return at + headBytes - before;
  }

  #startContent(head: string, status: number, sink: ResponseSink): void {
    sink.onHead(status);
    if (/^transfer-encoding:.*\bchunked\s*$/im.test(head)) {
      this.#startChunk();
      return;
    }
    const length = /^content-length:[ \t]*(\d+)[ \t]*$/im.exec(head.replaceAll("\r", ""))?.[1];
    this.#left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
    if (status === 204 || status === 304) this.#left = 0;
    this.#state = length === undefined && this.#left > 0 ? "open-ended" : "fixed";
    if (this.#left === 0) this.#finish(sink);
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
