/** Anthropic message streams. Every event names its type in an `event:` line of its own. */
import { startsWith } from "../byte-search.ts";
import { at, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { Usage } from "../sse-scan.ts";

const EVENT = Buffer.from("event: ");
const DELTA = Buffer.from("content_block_delta");
const START = Buffer.from("message_start");
const MESSAGE_DELTA = Buffer.from("message_delta");
const STOP = Buffer.from("message_stop");
const ERROR = Buffer.from("error");
const DATA = Buffer.from("data:");

/** See {@link SseScan}. */
export class AnthropicScan extends SseScan {
  #inputTokens: number | undefined;
  #outputTokens: number | undefined;
  /** The next data line reports usage. */
  #reportsUsage = false;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, start, end, EVENT)) {
      const name = start + EVENT.length;
      this.#reportsUsage = false;
      if (startsWith(bytes, name, end, DELTA)) this.tokenEvents++;
      else if (startsWith(bytes, name, end, START) || startsWith(bytes, name, end, MESSAGE_DELTA))
        this.#reportsUsage = true;
      else if (startsWith(bytes, name, end, STOP)) this.complete = true;
      else if (startsWith(bytes, name, end, ERROR)) this.failed = true;
    } else if (this.#reportsUsage && startsWith(bytes, start, end, DATA)) {
      const data = parseJson(bytes.toString("utf8", start + DATA.length, end));
      const usage = at(data, "usage") ?? at(data, "message", "usage");
      this.#inputTokens = inputTokens(usage) ?? this.#inputTokens;
      this.#outputTokens = tokenCount(at(usage, "output_tokens")) ?? this.#outputTokens;
    }
  }

  override usage(): Usage | undefined {
    // What message_start says of the output is a first guess; only message_delta's figure is the bill.
    if (this.#inputTokens === undefined || this.#outputTokens === undefined || !this.complete) return undefined;
    return { inputTokens: this.#inputTokens, outputTokens: this.#outputTokens };
  }
}

/** Anthropic counts what was written to and read from its cache apart; all of it was input. */
function inputTokens(usage: unknown): number | undefined {
  const input = tokenCount(at(usage, "input_tokens"));
  if (input === undefined) return undefined;
  return (
    input +
    (tokenCount(at(usage, "cache_creation_input_tokens")) ?? 0) +
    (tokenCount(at(usage, "cache_read_input_tokens")) ?? 0)
  );
}

/** Usage of a whole answer. */
export function usageOf(body: unknown): Usage | undefined {
  const input = inputTokens(at(body, "usage"));
  const output = tokenCount(at(body, "usage", "output_tokens"));
  return input === undefined ? undefined : { inputTokens: input, outputTokens: output ?? 0 };
}
