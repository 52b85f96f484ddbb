/**
 * OpenAI chat and completion streams, and those of the many servers that imitate them: with or without spaces in the JSON,
 * with or without `[DONE]`, usage in an event of its own, in the last one, in every one, in `x_groq` or in the choice.
 *
 * Only the events that may not carry output are parsed: those before the first output, and from the finish reason on.
 */
import { KeySearch, skipSpaces, startsWith } from "../byte-search.ts";
import { at, cachedPart, elements, hasContent, leadingObject, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { EndingNote, ScanOptions, Usage } from "../sse-scan.ts";

const DATA = Buffer.from("data:");
const EVENT = Buffer.from("event:");
const DONE = Buffer.from("[DONE]");
const ERROR_NAME = Buffer.from("error");
const ERROR_KEY = Buffer.from('"error"');
const OBJECT_KEY = Buffer.from('"object":');
const USAGE = new KeySearch("usage");
const FINISH = new KeySearch("finish_reason");
/** So many answers are ended each by itself where a stream is cut short; OpenAI gives no more to one prompt. */
const MAX_ENDED = 128;
const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;

/** See {@link SseScan}. */
export class OpenAiScan extends SseScan {
  /** What follows the last `"usage":` that had an object; parsed once, when the stream has ended. */
  #usageText: string | undefined;
  /** The first event that could be read: what names the answer. */
  #first: unknown;
  readonly #answers: number;
  /** Those of several answers that have a finish reason. */
  readonly #finished = new Set<number>();

  constructor({ answers = 1 }: ScanOptions = {}) {
    super();
    this.#answers = answers;
  }

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (!startsWith(bytes, start, end, DATA)) {
      if (startsWith(bytes, start, end, EVENT)) this.#eventName(bytes, start + EVENT.length, end);
      return;
    }
    const data = skipSpaces(bytes, start + DATA.length, end);
    if (data === end) return;
    if (startsWith(bytes, data, end, DONE)) {
      this.complete = this.over = true;
      return;
    }
    const finishes = hasFinishReason(bytes, data, end);
    const usual =
      this.tokenEvents > 0 && !this.complete && !this.failed && !finishes && !opensWithError(bytes, data, end);
    if (usual) this.tokenEvents++;
    else {
      const event = parseJson(bytes.toString("utf8", data, end));
      this.#look(event);
      if (finishes) this.#finish(event);
    }
    this.#findUsage(bytes, data, end);
  }

  protected override lineTail(bytes: Buffer, start: number, end: number): void {
    if (hasFinishReason(bytes, start, end)) this.complete = true;
    this.#findUsage(bytes, start, end);
  }

  override usage(): Usage | undefined {
    return this.#usageText === undefined ? undefined : usageOf({ usage: leadingObject(this.#usageText) });
  }

  #eventName(bytes: Buffer, start: number, end: number): void {
    if (startsWith(bytes, skipSpaces(bytes, start, end), end, ERROR_NAME)) this.failed = true;
  }

  override cutShort(note: EndingNote): string {
    const isText = at(this.#first, "object") === "text_completion";
    let text = "";
    for (let index = 0; index < Math.min(this.#answers, MAX_ENDED); index++) {
      if (this.#finished.has(index)) continue;
      const last = {
        id: at(this.#first, "id"),
        object: isText ? "text_completion" : "chat.completion.chunk",
        created: at(this.#first, "created"),
        model: at(this.#first, "model"),
        choices: [{ index, ...(isText ? { text: "" } : { delta: {} }), finish_reason: "length" }],
        headwaiter: note,
      };
      text += `data: ${JSON.stringify(last)}\n\n`;
    }
    return `${text}data: [DONE]\n\n`;
  }

  /** Of several answers the first one's end is not the stream's. An event that can't be read may be any one's. */
  #finish(event: unknown): void {
    if (this.#answers === 1 || event === undefined) {
      this.complete = true;
      return;
    }
    for (const choice of elements(at(event, "choices"))) {
      const index = at(choice, "index") ?? 0;
      const isOne = typeof index === "number" && index >= 0 && index < this.#answers && Number.isInteger(index);
      if (isOne && hasContent(at(choice, "finish_reason"))) this.#finished.add(index);
    }
    this.complete ||= this.#finished.size >= this.#answers;
  }

  #look(event: unknown): void {
    this.#first ??= event;
    // The official SDKs take any event with an error in it for the failure of the stream.
    if (hasContent(at(event, "error")) || at(event, "object") === "error") this.failed = true;
    // What can't be parsed is a line too long to be kept, so it holds something.
    else if (event === undefined || elements(at(event, "choices")).some(carriesOutput)) this.tokenEvents++;
  }

  #findUsage(bytes: Buffer, start: number, end: number): void {
    let found = -1;
    for (let value = start; (value = USAGE.valueAfter(bytes, value, end)) !== -1;) {
      if (bytes[value] === OPEN_OBJECT) found = value;
    }
    if (found !== -1) this.#usageText = bytes.toString("utf8", found, end);
  }
}

/** `{"error":`, and `{"object":"error"` of older vLLM and Mistral. */
function opensWithError(bytes: Buffer, start: number, end: number): boolean {
  const key = skipSpaces(bytes, start + 1, end);
  if (startsWith(bytes, key, end, ERROR_KEY)) return true;
  if (!startsWith(bytes, key, end, OBJECT_KEY)) return false;
  return startsWith(bytes, skipSpaces(bytes, key + OBJECT_KEY.length, end), end, ERROR_KEY);
}

/** Any reason counts; `null` and, from servers that can't say null, the empty string are none. */
function hasFinishReason(bytes: Buffer, start: number, end: number): boolean {
  for (let value = start; (value = FINISH.valueAfter(bytes, value, end)) !== -1;) {
    if (bytes[value] === QUOTE && value + 1 < end && bytes[value + 1] !== QUOTE) return true;
  }
  return false;
}

/** Text of any kind, tool calls, pictures, sound: whatever a choice brings but its role. */
function carriesOutput(choice: unknown): boolean {
  if (hasContent(at(choice, "text"))) return true;
  const delta = at(choice, "delta");
  if (typeof delta !== "object" || delta === null) return false;
  return Object.entries(delta).some(([key, value]) => key !== "role" && hasContent(value));
}

/**
 * Usage of a whole answer. xAI and Gemini's imitation leave reasoning out of `completion_tokens` and have it in
 * `total_tokens`; it is output that is billed.
 */
export function usageOf(body: unknown): Usage | undefined {
  const usage = at(body, "usage");
  const input = tokenCount(at(usage, "prompt_tokens")) ?? tokenCount(at(usage, "input_tokens"));
  const output = tokenCount(at(usage, "completion_tokens")) ?? tokenCount(at(usage, "output_tokens"));
  if (input === undefined && output === undefined) return undefined;
  const total = tokenCount(at(usage, "total_tokens")) ?? 0;
  const inputTokens = input ?? 0;
  const cached =
    tokenCount(at(usage, "prompt_tokens_details", "cached_tokens")) ??
    tokenCount(at(usage, "input_tokens_details", "cached_tokens")) ??
    // DeepSeek's.
    tokenCount(at(usage, "prompt_cache_hit_tokens"));
  return {
    inputTokens,
    outputTokens: input === undefined ? output! : Math.max(output ?? 0, total - inputTokens),
    ...cachedPart(cached),
  };
}
