/**
 * Gathers a model's parts. Gemini streams its text and its thoughts as parts of a few words each, and its SDKs give them
 * back as they got them; here they become one part again. It matters for thoughts: a signature is for all of them.
 */
import type { AssistantPart, ReasoningSignature } from "../common.ts";

/** One turn of the model. */
export class AssistantParts {
  readonly #parts: AssistantPart[] = [];

  get parts(): readonly AssistantPart[] {
    return this.#parts;
  }

  text(text: string): void {
    if (text === "") return;
    const last = this.#parts.at(-1);
    if (last?.kind === "text") this.#parts[this.#parts.length - 1] = { ...last, text: last.text + text };
    else this.#parts.push({ kind: "text", text });
  }

  reasoning(text: string): void {
    if (text === "") return;
    const last = this.#parts.at(-1);
    if (last?.kind === "reasoning" && last.signature === undefined) {
      this.#parts[this.#parts.length - 1] = { kind: "reasoning", text: last.text + text };
    } else this.#parts.push({ kind: "reasoning", text });
  }

  /** Of the thoughts that were just told, or by itself. */
  signature(signature: ReasoningSignature): void {
    const last = this.#parts.at(-1);
    if (last?.kind === "reasoning" && last.signature === undefined && signature.redacted !== true) {
      this.#parts[this.#parts.length - 1] = { ...last, signature };
    } else this.#parts.push({ kind: "reasoning", text: "", signature });
  }

  /** Anything else. */
  push(part: AssistantPart): void {
    this.#parts.push(part);
  }
}
