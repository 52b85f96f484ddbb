/** Anthropic message streams. Every event names its type in an `event:` line of its own. */
import { skipSpaces, startsWith } from "../byte-search.ts";
import { at, cachedPart, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { EndingNote, Usage } from "../sse-scan.ts";

const EVENT = Buffer.from("event:");
const DELTA = Buffer.from("content_block_delta");
const BLOCK_START = Buffer.from("content_block_start");
const BLOCK_STOP = Buffer.from("content_block_stop");
const START = Buffer.from("message_start");
const MESSAGE_DELTA = Buffer.from("message_delta");
const STOP = Buffer.from("message_stop");
const ERROR = Buffer.from("error");
const DATA = Buffer.from("data:");
/** Anthropic counts what was written to and read from its cache apart; all of it was input. */
const INPUT_FIELDS = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"] as const;

/** Its place among them. */
const CACHE_READ = 2;

/** See {@link SseScan}. */
export class AnthropicScan extends SseScan {
  /** Figures so far, by {@link INPUT_FIELDS}: a later report replaces those that it has. */
  readonly #input: (number | undefined)[] = [];
  #outputTokens: number | undefined;
  /** What the data line to come reports. */
  #reports: "nothing" | "start" | "block" | "end" = "nothing";
  /** The content block that is open. */
  #openBlock: number | undefined;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, start, end, EVENT)) {
      const name = skipSpaces(bytes, start + EVENT.length, end);
      this.#reports = "nothing";
      if (startsWith(bytes, name, end, DELTA)) this.tokenEvents++;
      else if (startsWith(bytes, name, end, BLOCK_START)) this.#reports = "block";
      else if (startsWith(bytes, name, end, BLOCK_STOP)) this.#openBlock = undefined;
      else if (startsWith(bytes, name, end, START)) this.#reports = "start";
      else if (startsWith(bytes, name, end, MESSAGE_DELTA)) this.#reports = "end";
      else if (startsWith(bytes, name, end, STOP)) this.complete = this.over = true;
      else if (startsWith(bytes, name, end, ERROR)) this.failed = true;
    } else if (this.#reports !== "nothing" && startsWith(bytes, start, end, DATA)) {
      this.#readUsage(parseJson(bytes.toString("utf8", start + DATA.length, end)));
    }
  }

  /** What is read here stands in short lines. */
  protected override lineTail(): void {}

  override usage(): Usage | undefined {
    if (this.#input[0] === undefined || this.#outputTokens === undefined) return undefined;
    return { inputTokens: sum(this.#input), outputTokens: this.#outputTokens, ...cachedPart(this.#input[CACHE_READ]) };
  }

  override cutShort(note: EndingNote): string {
    const event = (type: string, fields: object): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
    const block = this.#openBlock;
    return (
      (block === undefined ? "" : event("content_block_stop", { index: block })) +
      event("message_delta", {
        delta: { stop_reason: "max_tokens", stop_sequence: null },
        usage: { output_tokens: this.#outputTokens ?? this.tokenEvents },
        headwaiter: note,
      }) +
      event("message_stop", {})
    );
  }

  #readUsage(event: unknown): void {
    if (this.#reports === "block") {
      this.#openBlock = tokenCount(at(event, "index"));
      return;
    }
    const usage = this.#reports === "start" ? at(event, "message", "usage") : at(event, "usage");
    INPUT_FIELDS.forEach((field, i) => {
      this.#input[i] = tokenCount(at(usage, field)) ?? this.#input[i];
    });
    // What message_start says of the output is a first guess; message_delta's figure is the bill.
    if (this.#reports === "end") this.#outputTokens = tokenCount(at(usage, "output_tokens")) ?? this.#outputTokens;
  }
}

function sum(counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((total, count) => total + (count ?? 0), 0);
}

/** Usage of a whole answer. */
export function usageOf(body: unknown): Usage | undefined {
  const usage = at(body, "usage");
  const input = INPUT_FIELDS.map((field) => tokenCount(at(usage, field)));
  if (input[0] === undefined) return undefined;
  const outputTokens = tokenCount(at(usage, "output_tokens")) ?? 0;
  return { inputTokens: sum(input), outputTokens, ...cachedPart(input[CACHE_READ]) };
}
