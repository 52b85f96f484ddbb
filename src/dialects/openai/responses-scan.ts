/**
 * Streams of OpenAI's Responses API. Every event names its type in an `event:` line of its own and in its data; what the answer
 * was and what it cost comes once more, whole, with the last.
 */
import { KeySearch, skipSpaces, startsWith } from "../byte-search.ts";
import { at, leadingObject, parseJson } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { EndingNote, ScanOptions, Usage } from "../sse-scan.ts";
import { OutputSoFar } from "./output-so-far.ts";
import type { OutputEvent } from "./output-so-far.ts";
import { usageOf } from "./scan.ts";

const EVENT = Buffer.from("event:");
const DATA = Buffer.from("data:");
const DELTA = Buffer.from(".delta");
const CREATED = Buffer.from("response.created");
const COMPLETED = Buffer.from("response.completed");
const INCOMPLETE = Buffer.from("response.incomplete");
const FAILED = Buffer.from("response.failed");
const ERROR = Buffer.from("error");
const USAGE = new KeySearch("usage");
const OPEN_OBJECT = 0x7b;

/** See {@link SseScan}. */
export class ResponsesScan extends SseScan {
  #events = 0;
  /** What the data line to come is read for. */
  #reads: "nothing" | "created" | "usage" | "delta" | "output" = "nothing";
  /** Of the event whose data are read for the output. */
  #type = "";
  /** What deltas of the last type are called, as it stood in the stream: most are of the same type as the one before. */
  #deltaName = Buffer.alloc(0);
  #deltaType = "";
  readonly #output: OutputSoFar | null;
  #created: unknown;
  #usageText: string | undefined;

  constructor({ mayBeCut = false }: ScanOptions = {}) {
    super();
    this.#output = mayBeCut ? new OutputSoFar() : null;
  }

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, start, end, EVENT)) {
      this.#events++;
      return this.#eventName(bytes, skipSpaces(bytes, start + EVENT.length, end), end);
    }
    if (this.#reads === "nothing" || !startsWith(bytes, start, end, DATA)) return;
    const data = start + DATA.length;
    if (this.#reads === "delta") this.#output!.delta(this.#type, bytes, data, end);
    else if (this.#reads === "output") this.#output!.event(this.#type, bytes, data, end);
    else if (this.#reads === "usage") this.#findUsage(bytes, start, end);
    else this.#created = at(parseJson(bytes.toString("utf8", data, end)), "response");
  }

  protected override lineTail(bytes: Buffer, start: number, end: number): void {
    if (this.#reads === "usage") this.#findUsage(bytes, start, end);
    else if (this.#reads === "output") this.#output!.eventEnd(this.#type, bytes, start, end);
  }

  override usage(): Usage | undefined {
    return this.#usageText === undefined ? undefined : usageOf({ usage: leadingObject(this.#usageText) });
  }

  override cutShort(note: EndingNote): string {
    const closing = this.#output?.close() ?? [];
    const response = {
      ...(typeof this.#created === "object" ? this.#created : {}),
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      ...(this.#output === null ? {} : { output: this.#output.items() }),
    };
    const last = { type: "response.incomplete", fields: { response, headwaiter: note } };
    return [...closing, last].map((event) => this.#written(event)).join("");
  }

  #written({ type, fields }: OutputEvent): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#events++, ...fields })}\n\n`;
  }

  #eventName(bytes: Buffer, start: number, end: number): void {
    this.#reads = "nothing";
    if (startsWith(bytes, end - DELTA.length, end, DELTA)) {
      this.tokenEvents++;
      if (this.#output !== null) this.#read("delta", this.#deltaTypeOf(bytes, start, end - DELTA.length));
    } else if (startsWith(bytes, start, end, CREATED)) this.#reads = "created";
    else if (startsWith(bytes, start, end, COMPLETED) || startsWith(bytes, start, end, INCOMPLETE)) {
      this.complete = this.over = true;
      this.#reads = "usage";
    } else if (startsWith(bytes, start, end, FAILED) || startsWith(bytes, start, end, ERROR)) this.failed = true;
    else if (this.#output !== null) {
      const type = bytes.toString("latin1", start, end);
      if (this.#output.wants(type)) this.#read("output", type);
    }
  }

  #read(what: "delta" | "output", type: string): void {
    this.#reads = what;
    this.#type = type;
  }

  #deltaTypeOf(bytes: Buffer, start: number, end: number): string {
    const name = this.#deltaName;
    if (end - start !== name.length || !startsWith(bytes, start, end, name)) {
      this.#deltaType = bytes.toString("latin1", start, end);
      this.#deltaName = Buffer.from(this.#deltaType, "latin1");
    }
    return this.#deltaType;
  }

  #findUsage(bytes: Buffer, start: number, end: number): void {
    let found = -1;
    for (let value = start; (value = USAGE.valueAfter(bytes, value, end)) !== -1;) {
      if (bytes[value] === OPEN_OBJECT) found = value;
    }
    if (found !== -1) this.#usageText = bytes.toString("utf8", found, end);
  }
}
