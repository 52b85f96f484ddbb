/**
 * Reads the events of a server-sent event stream out of its bytes, by the rules of the WHATWG standard: a byte order mark
 * at the beginning, lines that end in LF, CRLF or CR wherever a read cuts them, comments, data of several lines. Lines are
 * cut as bytes, so that a character that two reads share is never decoded in halves.
 *
 * One thing besides the standard: Vertex writes an error in the middle of a stream as bare JSON, without `data:`. By the
 * standard those lines mean nothing, and the stream would seem to end well; here they are an event of the type `error`.
 *
 * The scan of a stream that passes (`sse-scan.ts`) never builds events; this is for streams that are translated.
 */
import { GrowingBuffer } from "../../core/growing-buffer.ts";
import { startsWith } from "../byte-search.ts";
import { at as valueAt, hasContent, parseJson } from "../json-access.ts";
import type { WireEvent } from "./translation.ts";

/** The most that one event may have, its unfinished line included. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** The same where an event may hold a picture: base64 of several megabytes. */
export const MAX_PICTURE_EVENT_BYTES = 16 * 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DATA = Buffer.from("data");
const EVENT = Buffer.from("event");
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");
/** A line at the margin may end the JSON: so often that is looked at, since each look reads it all. */
const MAX_BARE_LOOKS = 8;
const NO_EVENTS: readonly WireEvent[] = [];

/** One stream's parser. */
export class SseEvents {
  readonly #maxEventBytes: number;
  #fault: string | undefined;
  #atStart = true;
  /** The last byte was a CR that ended a line: an LF that follows belongs to it. */
  #afterCr = false;
  /** A line that is not whole yet. */
  readonly #carried = new GrowingBuffer();
  #type = "";
  #data = "";
  #hasData = false;
  #eventBytes = 0;
  /** Lines that may be an error in bare JSON. */
  #bare: string | undefined;
  #bareLooks = 0;

  /** @param maxEventBytes the most that one event may have. @default 1 MiB */
  constructor(maxEventBytes = MAX_EVENT_BYTES) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** Why nothing more is read: an event was too large. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** @returns the events that `bytes[start, end)` complete. What is kept of the bytes is copied. */
  push(bytes: Buffer, start = 0, end = bytes.length): readonly WireEvent[] {
    if (this.#fault !== undefined || start >= end) return NO_EVENTS;
    const view = bytes.subarray(start, end);
    const events: WireEvent[] = [];
    let at = 0;
    if (this.#afterCr) {
      this.#afterCr = false;
      if (view[0] === LF) at = 1;
    }
    // Each is looked for again only once it has been passed: few streams have any CR.
    let cr = view.indexOf(CR, at);
    let lf = view.indexOf(LF, at);
    while (at < view.length && this.#fault === undefined) {
      if (cr !== -1 && cr < at) cr = view.indexOf(CR, at);
      if (lf !== -1 && lf < at) lf = view.indexOf(LF, at);
      const stop = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf;
      if (stop === -1) {
        this.#keep(view, at);
        break;
      }
      this.#wholeLine(view, at, stop, events);
      at = stop + 1;
      if (stop !== cr) continue;
      if (at === view.length) this.#afterCr = true;
      else if (view[at] === LF) at++;
    }
    return events.length === 0 ? NO_EVENTS : events;
  }

  /**
   * The stream has ended. The standard drops an event that no blank line follows, since it may be half of one; where its data
   * is whole JSON, or the `[DONE]` of OpenAI's streams, it can't be.
   */
  end(): readonly WireEvent[] {
    if (this.#fault !== undefined) return NO_EVENTS;
    const events: WireEvent[] = [];
    if (this.#carried.length > 0) this.#wholeLine(Buffer.alloc(0), 0, 0, events);
    const last = this.#take();
    if (last !== undefined && (last.data === "[DONE]" || parseJson(last.data) !== undefined)) events.push(last);
    return events;
  }

  #keep(view: Buffer, start: number): void {
    this.#carried.append(view, start);
    if (this.#eventBytes + this.#carried.length > this.#maxEventBytes) this.#tooLarge();
  }

  #wholeLine(view: Buffer, start: number, stop: number, events: WireEvent[]): void {
    if (this.#carried.length === 0) return this.#line(view, start, stop, events);
    this.#carried.append(view, start, stop);
    const line = this.#carried.take();
    this.#line(line, 0, line.length, events);
  }

  #line(bytes: Buffer, start: number, stop: number, events: WireEvent[]): void {
    let at = start;
    if (this.#atStart) {
      this.#atStart = false;
      if (bytes.subarray(at, Math.min(stop, at + 3)).equals(BYTE_ORDER_MARK)) at += BYTE_ORDER_MARK.length;
    }
    if (at === stop) {
      const event = this.#take();
      if (event !== undefined) events.push(event);
      return;
    }
    // A comment; heartbeats may be many.
    if (bytes[at] === COLON) return;
    this.#eventBytes += stop - at;
    if (this.#eventBytes > this.#maxEventBytes) return this.#tooLarge();
    const first = bytes[at];
    if (this.#bare !== undefined || (first === OPEN_BRACE && !this.#hasData && this.#type === "")) {
      if (this.#bareLine(bytes, at, stop, events)) return;
    }
    const colon = bytes.indexOf(COLON, at);
    const nameEnd = colon === -1 || colon >= stop ? stop : colon;
    const length = nameEnd - at;
    // They are all that anyone here reads.
    const isData = length === DATA.length && startsWith(bytes, at, nameEnd, DATA);
    if (!isData && !(length === EVENT.length && startsWith(bytes, at, nameEnd, EVENT))) return;
    let valueStart = Math.min(nameEnd + 1, stop);
    if (valueStart < stop && bytes[valueStart] === SPACE) valueStart++;
    const value = bytes.toString("utf8", valueStart, stop);
    if (!isData) this.#type = value;
    else {
      this.#data = this.#hasData ? `${this.#data}\n${value}` : value;
      this.#hasData = true;
    }
  }

  /** @returns whether the line is one of bare JSON's. */
  #bareLine(bytes: Buffer, start: number, stop: number, events: WireEvent[]): boolean {
    const line = bytes.toString("utf8", start, stop);
    if (/^(?:data|event|id|retry)(?::|$)/.test(line)) {
      this.#bare = undefined;
      return false;
    }
    const isFirst = this.#bare === undefined;
    this.#bare = isFirst ? line : `${this.#bare}\n${line}`;
    // However it is indented, its last line begins with its last brace; or it is all on one line.
    if (!isFirst && bytes[start] !== CLOSE_BRACE) return true;
    const isError = hasContent(valueAt(parseJson(this.#bare), "error"));
    if (isError) events.push({ type: "error", data: this.#bare });
    if (isError || ++this.#bareLooks > MAX_BARE_LOOKS) this.#take();
    return true;
  }

  /** The event so far; begins another. */
  #take(): WireEvent | undefined {
    const event = this.#hasData ? { type: this.#type, data: this.#data } : undefined;
    this.#type = "";
    this.#data = "";
    this.#hasData = false;
    this.#eventBytes = 0;
    this.#bare = undefined;
    this.#bareLooks = 0;
    return event;
  }

  #tooLarge(): void {
    this.#fault = `an event of the stream has more than ${this.#maxEventBytes} bytes`;
    this.#carried.take();
    this.#take();
  }
}
