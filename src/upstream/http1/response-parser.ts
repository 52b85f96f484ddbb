/**
 * Reads one HTTP/1.1 response from reads that may be cut anywhere: head, 1xx heads before it, and the body by its framing.
 *
 * Strict on purpose and never recovering: after a fault, or a byte too many, the connection ends. Memory is bounded by
 * {@link MAX_HEAD_BYTES}; the body is handed on as it comes.
 */
import { ChunkReader } from "./chunk-reader.ts";
import type { BodyHandler } from "./chunk-reader.ts";
import type { HeaderList } from "../exchange.ts";
import { responseFraming } from "./framing.ts";
import type { BodyFraming } from "./framing.ts";
import { parseHeaderLines, parseStatusLine } from "./header-lines.ts";

/** Longest head, with its status line, bytes. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** 1xx answers accepted before the real one. */
const MAX_INTERIM_RESPONSES = 16;
const CR = 0x0d;
const LF = 0x0a;
const HEAD_END = Buffer.from("\r\n\r\n");
const HEAD_START = Buffer.from("HTTP/1.");

/** Takes one response. */
export interface ResponseHandler extends BodyHandler {
  onHead(status: number, headers: HeaderList): void;
}

type ParserState = "head" | "body" | "done";

/** One response. Made anew for each, since its fields are few and a stale one would be a smuggling bug. */
export class ResponseParser {
  /** Why the response can't be trusted, in words; `null` while it can. */
  fault: string | null = null;
  /** Whether the connection may carry another exchange, once {@link done}. */
  keepAlive = false;
  readonly #handler: ResponseHandler;
  #state: ParserState = "head";
  #body: BodyFraming = { kind: "none" };
  #remaining = 0;
  #chunks: ChunkReader | null = null;
  /** An incomplete head; `null` when there is none. */
  #partial: Buffer | null = null;
  #partialLength = 0;
  #interim = 0;
  #stopped = false;

  constructor(handler: ResponseHandler) {
    this.#handler = handler;
  }

  /** Whether the response is complete. */
  get done(): boolean {
    return this.#state === "done";
  }

  /** No more calls to the handler, even from the middle of a read. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads `bytes[start, end)`.
   * @returns the position after what was consumed; less than `end` only when {@link done} (what is left is a surplus),
   *   stopped, or on a {@link fault}.
   */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state === "head" && this.fault === null) at = this.#head(bytes, at, end);
    if (this.#state === "body" && at < end && !this.#stopped) at = this.#readBody(bytes, at, end);
    return at;
  }

  /** The peer closed its side. Completes a body that ends so; anything else unfinished stays not {@link done}. */
  finish(): void {
    if (this.#state === "body" && this.#body.kind === "until_close") this.#state = "done";
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    switch (this.#body.kind) {
      case "chunked": {
        const chunks = this.#chunks!;
        const at = chunks.read(bytes, start, end, this.#handler);
        this.fault = chunks.fault;
        if (chunks.done) this.#state = "done";
        return at;
      }
      case "length": {
        const stop = Math.min(start + this.#remaining, end);
        this.#remaining -= stop - start;
        if (this.#remaining === 0) this.#state = "done";
        this.#handler.onBody(bytes, start, stop);
        return stop;
      }
      case "until_close":
        this.#handler.onBody(bytes, start, end);
        return end;
      case "none":
        break;
    }
    return start;
  }

  #head(bytes: Buffer, start: number, end: number): number {
    if (this.#partial !== null) return this.#continueHead(bytes, start, end);
    const read = bytes.subarray(start, end);
    const found = read.indexOf(HEAD_END);
    if (found === -1) return this.#keepPartial(read, end);
    if (found > MAX_HEAD_BYTES) return this.#fail("head too long", end);
    this.#finishHead(read.toString("latin1", 0, found));
    return start + found + 4;
  }

  /** A head in several reads: rare, so it is gathered in a buffer that doubles, and only the new bytes are searched. */
  #continueHead(bytes: Buffer, start: number, end: number): number {
    const before = this.#partialLength;
    const fault = this.#keepPartial(bytes.subarray(start, Math.min(end, start + MAX_HEAD_BYTES + 4 - before)), end);
    const partial = this.#partial!.subarray(0, this.#partialLength);
    const found = partial.indexOf(HEAD_END, Math.max(0, before - 3));
    if (found === -1) return fault;
    this.fault = null;
    this.#partial = null;
    this.#partialLength = 0;
    this.#finishHead(partial.toString("latin1", 0, found));
    return start + found + 4 - before;
  }

  /** Keeps the head so far, unless it is too long or can't become one: garbage should fail now, not at a timeout. */
  #keepPartial(read: Buffer, end: number): number {
    const length = this.#partialLength + read.length;
    if (this.#partial === null || this.#partial.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 ** Math.ceil(Math.log2(length))));
      this.#partial?.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    read.copy(this.#partial, this.#partialLength);
    const before = this.#partialLength;
    this.#partialLength = length;
    if (this.#hasBareLineFeed(before)) return this.#fail("a line that does not end in CRLF", end);
    const known = Math.min(length, HEAD_START.length);
    if (this.#partial.compare(HEAD_START, 0, known, 0, known) !== 0) return this.#fail("not an HTTP/1 response", end);
    // A head that ends in time has ended by now, wherever the reads were cut.
    if (length >= MAX_HEAD_BYTES + HEAD_END.length) return this.#fail("head too long", end);
    return end;
  }

  #hasBareLineFeed(from: number): boolean {
    const partial = this.#partial!.subarray(0, this.#partialLength);
    for (let at = partial.indexOf(LF, from); at !== -1; at = partial.indexOf(LF, at + 1)) {
      if (partial[at - 1] !== CR) return true;
    }
    return false;
  }

  #finishHead(head: string): void {
    const lineEnd = head.indexOf("\r\n");
    const line = parseStatusLine(lineEnd === -1 ? head : head.slice(0, lineEnd));
    if (line === undefined) return void this.#fail("not an HTTP/1 status line", 0);
    const headers = lineEnd === -1 ? [] : parseHeaderLines(head.slice(lineEnd + 2));
    if (headers === undefined) return void this.#fail("bad header line", 0);
    const framing = responseFraming(line, headers);
    if (typeof framing === "string") return void this.#fail(framing, 0);
    if (line.status < 200) return this.#skipInterim(line.status, framing.keepAlive);
    this.keepAlive = framing.keepAlive;
    this.#body = framing.body;
    if (framing.body.kind === "length") this.#remaining = framing.body.lengthBytes;
    else if (framing.body.kind === "chunked") this.#chunks = new ChunkReader();
    this.#state = framing.body.kind === "none" ? "done" : "body";
    this.#handler.onHead(line.status, headers);
  }

  #skipInterim(status: number, keepAlive: boolean): void {
    if (!keepAlive) this.#fail("a 1xx response that ends the connection", 0);
    else if (status === 101) this.#fail("switched protocols unasked", 0);
    else if (++this.#interim > MAX_INTERIM_RESPONSES) this.#fail("too many 1xx responses", 0);
  }

  #fail(fault: string, at: number): number {
    this.fault = fault;
    return at;
  }
}
