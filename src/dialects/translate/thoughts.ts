/**
 * How much a caller is told of what the model thinks, where its API hides that by default: a model that thinks unasked must
 * not put thoughts where the users of an SDK look for the answer.
 *
 * | caller's API | told | proved | hidden |
 * | --- | --- | --- | --- |
 * | OpenAI chat | always | | |
 * | OpenAI responses | `reasoning.summary` is asked for | otherwise | |
 * | Anthropic | `thinking` is on | on, with `display: omitted` | otherwise |
 * | Gemini | `includeThoughts` | otherwise | |
 *
 * OpenAI's chat API has no way to ask for thoughts. Those who show any (DeepSeek, vLLM, xAI) show them unasked, in a field
 * of their own that no SDK takes for content. A Responses caller gets reasoning items with an empty summary from OpenAI, too, and a
 * Gemini caller signatures. An Anthropic caller that has not asked for thinking reads `content[0].text`: any block before it
 * is in its way.
 */
import type { AssistantPart, CommonEvent, ReasoningPart } from "./common.ts";

/** `told`: text and proofs. `proved`: proofs alone, to be given back. `hidden`: neither. Calls keep theirs in any case. */
export type Thoughts = "told" | "proved" | "hidden";

/** A proof of thoughts whose text was left out would prove nothing to its maker; Gemini's stand by themselves. */
function outlivesText({ family }: NonNullable<ReasoningPart["signature"]>): boolean {
  return family === "gemini";
}

/** @returns the parts of a whole answer that the caller is told. */
export function toldParts(parts: readonly AssistantPart[], thoughts: Thoughts): readonly AssistantPart[] {
  if (thoughts === "told") return parts;
  return parts.flatMap((part): readonly AssistantPart[] => {
    if (part.kind !== "reasoning") return [part];
    const { text, signature } = part;
    if (thoughts === "hidden" || signature === undefined) return [];
    return text === "" || outlivesText(signature) ? [{ kind: "reasoning", text: "", signature }] : [];
  });
}

/** The same for one stream. */
export class ToldEvents {
  readonly #thoughts: Thoughts;
  /** Text has been left out that no signature has followed yet. */
  #withheld = false;

  constructor(thoughts: Thoughts) {
    this.#thoughts = thoughts;
  }

  /** Whether the caller is told of `event`. To be asked of each, in order. */
  tells(event: CommonEvent): boolean {
    if (this.#thoughts === "told") return true;
    if (event.kind === "reasoning") {
      this.#withheld = true;
      return false;
    }
    if (event.kind === "usage") return true;
    const withheld = this.#withheld;
    this.#withheld = false;
    if (event.kind !== "reasoning_signature") return true;
    return this.#thoughts === "proved" && (!withheld || outlivesText(event.signature));
  }
}
