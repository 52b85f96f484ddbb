/**
 * Gemini streams (`streamGenerateContent?alt=sse`). They have no terminator: a finish reason is the end.
 *
 * Only the events that may not carry output are parsed: those before the first output, and from the finish reason on.
 */
import { KeySearch, skipSpaces, startsWith } from "../byte-search.ts";
import { at, cachedPart, elements, hasContent, leadingObject, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { EndingNote, Usage } from "../sse-scan.ts";

const DATA = Buffer.from("data:");
const ERROR_KEY = Buffer.from('"error"');
const OPEN_OBJECT = 0x7b;
const USAGE = new KeySearch("usageMetadata");
const FINISH = new KeySearch("finishReason");
/** A refused prompt has no candidate and so no finish reason. */
const BLOCKED = new KeySearch("blockReason");

/** See {@link SseScan}. */
export class GeminiScan extends SseScan {
  /** What follows the last `"usageMetadata":`. Usage is cumulative and comes with most events; parsed once, at the end. */
  #usageText: string | undefined;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (!startsWith(bytes, start, end, DATA)) {
      // In the middle of a stream Vertex writes an error as bare JSON, without the form of an event.
      if (bytes[start] === OPEN_OBJECT) this.failed = true;
      return;
    }
    const data = skipSpaces(bytes, start + DATA.length, end);
    if (data === end) return;
    const usual =
      this.tokenEvents > 0 &&
      !this.complete &&
      !this.failed &&
      !startsWith(bytes, skipSpaces(bytes, data + 1, end), end, ERROR_KEY) &&
      FINISH.valueAfter(bytes, data, end) === -1 &&
      BLOCKED.valueAfter(bytes, data, end) === -1;
    if (usual) this.tokenEvents++;
    else this.#look(parseJson(bytes.toString("utf8", data, end)));
    this.#findUsage(bytes, data, end);
  }

  protected override lineTail(bytes: Buffer, start: number, end: number): void {
    if (FINISH.valueAfter(bytes, start, end) !== -1) this.complete = true;
    this.#findUsage(bytes, start, end);
  }

  override usage(): Usage | undefined {
    if (this.#usageText === undefined) return undefined;
    const usageMetadata = leadingObject(this.#usageText);
    // Before the end there is a figure for the prompt alone: then the output is better counted.
    if (!this.complete && at(usageMetadata, "candidatesTokenCount") === undefined) return undefined;
    return usageOf({ usageMetadata });
  }

  /** An event brings some dozens of them. */
  override get outputTokens(): number {
    return Math.max(this.tokenEvents, this.usage()?.outputTokens ?? 0);
  }

  override cutShort(note: EndingNote): string {
    const candidate = { content: { role: "model", parts: [] }, finishReason: "MAX_TOKENS", index: 0 };
    return `data: ${JSON.stringify({ candidates: [candidate], headwaiter: note })}\r\n\r\n`;
  }

  #look(event: unknown): void {
    if (hasContent(at(event, "error"))) {
      this.failed = true;
      return;
    }
    const candidates = elements(at(event, "candidates"));
    // What can't be parsed is a line too long to be kept, so it holds something.
    if (event === undefined || candidates.some(carriesOutput)) this.tokenEvents++;
    // Looked up here, since the arguments of a function call are JSON too and may have keys of these names.
    const reasons = [at(event, "promptFeedback", "blockReason"), ...candidates.map((one) => at(one, "finishReason"))];
    if (reasons.some(hasContent)) this.complete = true;
  }

  #findUsage(bytes: Buffer, start: number, end: number): void {
    let found = -1;
    for (let value = start; (value = USAGE.valueAfter(bytes, value, end)) !== -1;) found = value;
    if (found !== -1) this.#usageText = bytes.toString("utf8", found, end);
  }
}

/** Text, function calls, pictures, code: whatever a part brings. */
function carriesOutput(candidate: unknown): boolean {
  for (const part of elements(at(candidate, "content", "parts"))) {
    if (typeof part === "object" && part !== null && Object.values(part).some(hasContent)) return true;
  }
  return false;
}

/**
 * Usage of a whole answer or of one event. Thoughts are output that is billed and not shown; what tools put into the prompt
 * is input.
 */
export function usageOf(body: unknown): Usage | undefined {
  const usage = at(body, "usageMetadata");
  const count = (field: string): number | undefined => tokenCount(at(usage, field));
  const prompt = count("promptTokenCount");
  if (prompt === undefined) return undefined;
  return {
    inputTokens: prompt + (count("toolUsePromptTokenCount") ?? 0),
    outputTokens: (count("candidatesTokenCount") ?? 0) + (count("thoughtsTokenCount") ?? 0),
    ...cachedPart(count("cachedContentTokenCount")),
  };
}
