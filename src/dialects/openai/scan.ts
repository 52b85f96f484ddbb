/** OpenAI chat and completion streams, and those of the many servers that imitate them. */
import { ByteSearch, startsWith } from "../byte-search.ts";
import { at, parseJson, tokenCount } from "../json-access.ts";
import { SseScan } from "../sse-scan.ts";
import type { Usage } from "../sse-scan.ts";

const DATA = Buffer.from("data:");
const DONE = Buffer.from("[DONE]");
const ERROR = Buffer.from('{"error"');
const USAGE = new ByteSearch('"usage":');
const FINISH = new ByteSearch('"finish_reason":"');
const SPACE = 0x20;
const OPEN_OBJECT = 0x7b;

/** See {@link SseScan}. */
export class OpenAiScan extends SseScan {
  /** The last line that reported usage; parsed once, when the stream has ended. */
  #usageLine: string | undefined;
  #events = 0;

  protected override line(bytes: Buffer, start: number, end: number): void {
    if (!startsWith(bytes, start, end, DATA)) return;
    const data = bytes[start + 5] === SPACE ? start + 6 : start + 5;
    if (startsWith(bytes, data, end, DONE)) {
      this.complete = true;
      return;
    }
    if (startsWith(bytes, data, end, ERROR)) {
      this.failed = true;
      return;
    }
    const finish = FINISH.after(bytes, data, end);
    if (finish !== -1) this.complete = true;
    // The first event names the role and the last the reason, mostly with nothing else: only these two are looked into.
    const usual = this.#events++ > 0 && finish === -1;
    if (usual || carriesOutput(bytes.toString("utf8", data, end))) this.tokenEvents++;
    const usage = USAGE.after(bytes, data, end);
    if (usage !== -1 && bytes[bytes[usage] === SPACE ? usage + 1 : usage] === OPEN_OBJECT) {
      this.#usageLine = bytes.toString("utf8", data, end);
      // The event that reports usage after the end carries no output.
      if (this.complete && finish === -1) this.tokenEvents--;
    }
  }

  override usage(): Usage | undefined {
    if (this.#usageLine === undefined) return undefined;
    return usageOf(parseJson(this.#usageLine));
  }
}

/** Usage as OpenAI, Groq (`x_groq`) and Moonshot (inside the choice) report it. */
export function usageOf(body: unknown): Usage | undefined {
  for (const usage of [at(body, "usage"), at(body, "x_groq", "usage"), at(body, "choices", 0, "usage")]) {
    const inputTokens = tokenCount(at(usage, "prompt_tokens")) ?? tokenCount(at(usage, "input_tokens"));
    const outputTokens = tokenCount(at(usage, "completion_tokens")) ?? tokenCount(at(usage, "output_tokens"));
    if (inputTokens !== undefined || outputTokens !== undefined) {
      return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
    }
  }
  return undefined;
}

function carriesOutput(event: string): boolean {
  const body = parseJson(event);
  const delta = at(body, "choices", 0, "delta");
  if (delta === undefined) {
    const text = at(body, "choices", 0, "text");
    return typeof text === "string" && text !== "";
  }
  for (const key of ["content", "reasoning", "reasoning_content", "refusal", "tool_calls", "function_call"]) {
    const value = at(delta, key);
    if (value !== undefined && value !== null && value !== "") return true;
  }
  return false;
}
