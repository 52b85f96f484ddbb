/** Gemini streams (`streamGenerateContent?alt=sse`). They have no terminator: a finish reason is the end. */
import { ByteSearch, startsWith } from "../byte-search.ts";
import { at, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { Usage } from "../sse-scan.ts";

const DATA = Buffer.from("data:");
const ERROR = Buffer.from('{"error"');
const SPACE = 0x20;
const USAGE = new ByteSearch('"usageMetadata"');
const FINISH = new ByteSearch('"finishReason"');
/** A refused prompt has no candidate and so no finish reason. */
const BLOCKED = new ByteSearch('"blockReason"');

/** See {@link SseScan}. */
export class GeminiScan extends SseScan {
  /** Usage is cumulative and comes with most events, so the last one counts; parsed once, at the end. */
  #usageLine: string | undefined;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (!startsWith(bytes, start, end, DATA)) return;
    const data = bytes[start + 5] === SPACE ? start + 6 : start + 5;
    if (startsWith(bytes, data, end, ERROR)) {
      this.failed = true;
      return;
    }
    this.tokenEvents++;
    if (FINISH.after(bytes, data, end) !== -1 || BLOCKED.after(bytes, data, end) !== -1) this.complete = true;
    if (USAGE.after(bytes, data, end) !== -1) this.#usageLine = bytes.toString("utf8", data, end);
  }

  override usage(): Usage | undefined {
    return this.#usageLine === undefined ? undefined : usageOf(parseJson(this.#usageLine));
  }
}

/** Usage of a whole answer or of one event. Thoughts are output that is billed and not shown. */
export function usageOf(body: unknown): Usage | undefined {
  const usage = at(body, "usageMetadata");
  const input = tokenCount(at(usage, "promptTokenCount"));
  if (input === undefined) return undefined;
  const output = tokenCount(at(usage, "candidatesTokenCount")) ?? 0;
  return { inputTokens: input, outputTokens: output + (tokenCount(at(usage, "thoughtsTokenCount")) ?? 0) };
}
