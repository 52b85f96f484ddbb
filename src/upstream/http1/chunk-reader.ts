/**
 * Reads the chunked transfer coding (RFC 9112 §7.1) from reads that may be cut anywhere.
 *
 * Runs once per token event. The common case, a chunk that lies whole in one read, is one pass over its size line and a
 * jump over its data; nothing is copied.
 */
import { parseHeaderLines } from "./header-lines.ts";

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
/** 12 hex digits are below 2^53. */
const MAX_SIZE_DIGITS = 12;
const MAX_EXTENSION_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
const EXTENSIONS =
  /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e])*"))?)+$/;

/** Byte → value of the hex digit, or 255. */
const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const DONE = 7;

/** Takes a chunk's data. */
export interface BodyHandler {
  /** `bytes[start, end)` is body; valid only during the call. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

/** One body's chunks. */
export class ChunkReader {
  /** Why the coding is broken, in words; `null` while it is not. */
  fault: string | null = null;
  #state = SIZE;
  #remaining = 0;
  #digits = 0;
  /** Extension or trailer bytes of this line so far; almost always empty. */
  #text = "";

  /** Whether the last chunk and the trailer have been read. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** Reads `bytes[start, end)`. @returns the position after what was consumed: `end`, less when done or on a fault. */
  read(bytes: Buffer, start: number, end: number, handler: BodyHandler): number {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case SIZE:
          at = this.#size(bytes, at, end);
          break;
        case EXTENSION:
          at = this.#extension(bytes, at, end);
          break;
        case SIZE_LF:
          if (bytes[at++] !== LF) return this.#fail("expected LF after a chunk size", at);
          this.#state = this.#remaining === 0 ? TRAILER : DATA;
          this.#digits = 0;
          break;
        case DATA: {
          const stop = Math.min(at + this.#remaining, end);
          this.#remaining -= stop - at;
          // State first: the handler may give the exchange up, and looks at nothing else here.
          if (this.#remaining === 0) this.#state = DATA_CR;
          handler.onBody(bytes, at, stop);
          at = stop;
          break;
        }
        case DATA_CR:
          if (bytes[at++] !== CR) return this.#fail("expected CRLF after chunk data", at);
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (bytes[at++] !== LF) return this.#fail("expected CRLF after chunk data", at);
          this.#state = SIZE;
          break;
        case TRAILER:
          at = this.#trailer(bytes, at, end);
          break;
        default:
          return at;
      }
      if (this.fault !== null) return at;
    }
    return at;
  }

  #size(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const byte = bytes[at++]!;
      const digit = HEX[byte]!;
      if (digit !== 255) {
        if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail("chunk size too long", at);
        this.#remaining = this.#remaining * 16 + digit;
        continue;
      }
      if (this.#digits === 0) return this.#fail("bad chunk size", at);
      if (byte === CR) this.#state = SIZE_LF;
      else if (byte === SEMICOLON) {
        this.#text = ";";
        this.#state = EXTENSION;
      } else return this.#fail("bad chunk size", at);
      return at;
    }
    return at;
  }

  #extension(bytes: Buffer, start: number, end: number): number {
    let cr = bytes.indexOf(CR, start);
    if (cr === -1 || cr > end) cr = end;
    this.#text += bytes.toString("latin1", start, Math.min(cr, start + MAX_EXTENSION_BYTES + 1));
    if (this.#text.length > MAX_EXTENSION_BYTES) return this.#fail("chunk extensions too long", cr);
    if (cr === end) return end;
    if (!EXTENSIONS.test(this.#text)) return this.#fail("bad chunk extension", cr);
    this.#text = "";
    this.#state = SIZE_LF;
    return cr + 1;
  }

  /** Reads up to the empty line that ends the trailer; the fields are checked and dropped. */
  #trailer(bytes: Buffer, start: number, end: number): number {
    // The usual end: no fields, CRLF.
    if (this.#text === "" && end - start >= 2 && bytes[start] === CR && bytes[start + 1] === LF) {
      this.#state = DONE;
      return start + 2;
    }
    const before = this.#text.length;
    this.#text += bytes.toString("latin1", start, Math.min(end, start + MAX_TRAILER_BYTES + 4 - before));
    if (this.#text.startsWith("\r\n")) {
      this.#state = DONE;
      return start + 2 - before;
    }
    const found = this.#text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (found === -1) return this.#text.length < MAX_TRAILER_BYTES + 4 ? end : this.#fail("trailer too long", end);
    if (parseHeaderLines(this.#text.slice(0, found)) === undefined) return this.#fail("bad trailer", end);
    this.#text = "";
    this.#state = DONE;
    return start + found + 4 - before;
  }

  #fail(fault: string, at: number): number {
    this.fault = fault;
    return at;
  }
}
