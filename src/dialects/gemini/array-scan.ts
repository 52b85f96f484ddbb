/**
 * Gemini's other form of a stream: one JSON array, which comes element by element. Looks at it as its bytes pass: which elements
 * have ended, and whether another may be put behind them. The grammar is the upstream's affair.
 */
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "../../core/json-bytes.ts";
import type { EndingNote } from "../sse-scan.ts";

/** See the file's comment. One for each answer. */
export class GeminiArrayScan {
  /** Elements that have ended. Each brings output, as a stream's token event does. */
  elements = 0;
  /** Arrays and objects that are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isAfterComma = false;
  /** The array has ended. */
  complete = false;

  /** Whether an element may be put here: the array is open, and no element is. */
  get atBoundary(): boolean {
    return this.#depth === 1;
  }

  /** Looks at the next bytes of the answer, `bytes[start, end)`. */
  scan(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#close();
      else if (byte === COMMA && this.#depth === 1) this.#isAfterComma = true;
    }
  }

  /** What ends the answer here as one that has reached its length; see {@link import("../sse-scan.ts").SseScan.cutShort}. */
  cutShort(note: EndingNote): string {
    const candidate = { content: { role: "model", parts: [] }, finishReason: "MAX_TOKENS", index: 0 };
    const comma = this.elements === 0 || this.#isAfterComma ? "" : ",";
    return `${comma}${JSON.stringify({ candidates: [candidate], headwaiter: note })}]`;
  }

  #close(): void {
    this.#depth--;
    if (this.#depth === 0) this.complete = true;
    if (this.#depth !== 1) return;
    this.elements++;
    this.#isAfterComma = false;
  }
}
