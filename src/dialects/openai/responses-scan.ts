/**
 * Streams of OpenAI's Responses API. Every event names its type in an `event:` line of its own and in its data; what the answer
 * was and what it cost comes once more, whole, with the last.
 */
import { KeySearch, skipSpaces, startsWith } from "../byte-search.ts";
import { at, leadingObject, parseJson } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { EndingNote, Usage } from "../sse-scan.ts";
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
  #reads: "nothing" | "created" | "usage" = "nothing";
  #created: unknown;
  #usageText: string | undefined;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, start, end, EVENT)) {
      this.#events++;
      return this.#eventName(bytes, skipSpaces(bytes, start + EVENT.length, end), end);
    }
    if (this.#reads === "nothing" || !startsWith(bytes, start, end, DATA)) return;
    if (this.#reads === "created") {
      this.#created = at(parseJson(bytes.toString("utf8", start + DATA.length, end)), "response");
    } else this.#findUsage(bytes, start, end);
  }

  protected override lineTail(bytes: Buffer, start: number, end: number): void {
    if (this.#reads === "usage") this.#findUsage(bytes, start, end);
  }

  override usage(): Usage | undefined {
    return this.#usageText === undefined ? undefined : usageOf({ usage: leadingObject(this.#usageText) });
  }

  override cutShort(note: EndingNote): string {
    const response = {
      ...(typeof this.#created === "object" ? this.#created : {}),
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    };
    const type = "response.incomplete";
    const data = { type, sequence_number: this.#events, response, headwaiter: note };
    return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #eventName(bytes: Buffer, start: number, end: number): void {
    this.#reads = "nothing";
    if (startsWith(bytes, end - DELTA.length, end, DELTA)) this.tokenEvents++;
    else if (startsWith(bytes, start, end, CREATED)) this.#reads = "created";
    else if (startsWith(bytes, start, end, COMPLETED) || startsWith(bytes, start, end, INCOMPLETE)) {
      this.complete = this.over = true;
      this.#reads = "usage";
    } else if (startsWith(bytes, start, end, FAILED) || startsWith(bytes, start, end, ERROR)) this.failed = true;
  }

  #findUsage(bytes: Buffer, start: number, end: number): void {
    let found = -1;
    for (let value = start; (value = USAGE.valueAfter(bytes, value, end)) !== -1;) {
      if (bytes[value] === OPEN_OBJECT) found = value;
    }
    if (found !== -1) this.#usageText = bytes.toString("utf8", found, end);
  }
}
