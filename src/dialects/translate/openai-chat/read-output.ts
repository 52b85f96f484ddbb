/**
 * Reads what a message of an answer, or a delta of a stream, brings besides tool calls. Thoughts are `reasoning_content`
 * (DeepSeek, vLLM, xAI, Moonshot) or `reasoning` (Groq, OpenRouter, newer vLLM, which for a while sent both), or parts of
 * the content (Mistral); pictures are `images` (OpenRouter).
 *
 * Fields of what is known to be an object are read by their names, not by `at`: there are ten of them in every token event, and by
 * `at` they cost as much as parsing it.
 */
import { at, elements } from "../../json-access.ts";
import { isDataUrl, parseDataUrl } from "../base64.ts";
import { isRecord } from "../json-pick.ts";
import type { ImagePart, MediaSource, ReasoningPart, RefusalPart, TextPart } from "../common.ts";

/** One piece of output, in the order in which the parts of an answer stand. */
export type OutputPiece = TextPart | ReasoningPart | RefusalPart | ImagePart;

/** @param message a message or delta. @returns its pieces; none of them empty. */
export function readOutput(message: unknown): readonly OutputPiece[] {
  const pieces: OutputPiece[] = [];
  if (!isRecord(message)) return pieces;
  const thoughts = textOf(message["reasoning_content"]) || textOf(message["reasoning"]);
  if (thoughts !== "") pieces.push({ kind: "reasoning", text: thoughts });
  const content = message["content"];
  if (typeof content === "string") {
    if (content !== "") pieces.push({ kind: "text", text: content });
  } else for (const part of elements(content)) pieces.push(...readPart(part));
  const refusal = textOf(message["refusal"]);
  if (refusal !== "") pieces.push({ kind: "refusal", text: refusal });
  for (const image of elements(message["images"])) {
    const source = sourceOf(at(image, "image_url", "url"));
    if (source !== undefined) pieces.push({ kind: "image", source });
  }
  return pieces;
}

/** A part of Mistral's content; types that are not known mean nothing. */
function readPart(part: unknown): readonly OutputPiece[] {
  const text = textOf(at(part, "text"));
  if (at(part, "type") === "text") return text === "" ? [] : [{ kind: "text", text }];
  if (at(part, "type") !== "thinking") return [];
  const thinking = at(part, "thinking");
  const thoughts =
    textOf(thinking) +
    elements(thinking)
      .map((piece) => textOf(at(piece, "text")))
      .join("");
  return thoughts === "" ? [] : [{ kind: "reasoning", text: thoughts }];
}

function sourceOf(url: unknown): MediaSource | undefined {
  if (typeof url !== "string") return undefined;
  if (!isDataUrl(url)) return { kind: "url", url, mediaType: undefined };
  const inline = parseDataUrl(url);
  return inline === undefined ? undefined : { kind: "base64", ...inline };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
