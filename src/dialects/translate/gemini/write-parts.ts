/** Writes parts of a conversation in Gemini's form: what a model said, what a user says, what a tool gave. */
import type { AssistantPart, MediaSource, ReasoningSignature, ToolResultPart, UserPart } from "../common.ts";
import { argumentsObject } from "../call-arguments.ts";
import { mediaTypeOfUrl } from "./media.ts";
import { writeSignature } from "./signature.ts";

/** A part as Gemini has it. */
export type Part = Readonly<Record<string, unknown>>;

/** Bytes, or an address with the type that Gemini wants to be told. @param otherwise the type where nothing tells it. */
export function writeMedia(source: MediaSource, otherwise: string): Part {
  if (source.kind === "base64") return { inlineData: { mimeType: source.mediaType, data: source.data } };
  const mimeType = source.mediaType ?? mediaTypeOfUrl(source.url) ?? otherwise;
  return { fileData: { mimeType, fileUri: source.url } };
}

/** One part of a user's, but for a tool's result. */
export function writeUserPart(part: Exclude<UserPart, ToolResultPart>): Part {
  if (part.kind === "text") return { text: part.text };
  if (part.kind === "image") return writeMedia(part.source, "image/jpeg");
  if (part.kind === "audio") return writeMedia(part.source, "audio/wav");
  return writeMedia(part.source, "application/pdf");
}

/**
 * What a model said.
 *
 * @param signatureOf what is written for a signature; `undefined`: nothing.
 */
export function writeAssistantParts(
  parts: readonly AssistantPart[],
  signatureOf: (signature: ReasoningSignature) => string | undefined,
): Part[] {
  const written: Part[] = [];
  /** Of thoughts without text, waiting for the text that it stands with. */
  let waiting: string | undefined;
  const settle = (): void => {
    if (waiting !== undefined) written.push({ text: "", thoughtSignature: waiting });
    waiting = undefined;
  };
  for (const part of parts) {
    if (part.kind === "text" && waiting !== undefined) {
      written.push({ text: part.text, thoughtSignature: waiting });
      waiting = undefined;
      continue;
    }
    settle();
    if (part.kind !== "reasoning") {
      written.push(writeAssistantPart(part, signatureOf));
      continue;
    }
    const signature = part.signature === undefined ? undefined : signatureOf(part.signature);
    if (part.text === "" && part.signature?.family === "gemini") waiting = signature;
    else {
      const proof = signature === undefined ? {} : { thoughtSignature: signature };
      written.push({ text: part.text, thought: true, ...proof });
    }
  }
  settle();
  return written;
}

function writeAssistantPart(
  part: Exclude<AssistantPart, { kind: "reasoning" }>,
  signatureOf: (signature: ReasoningSignature) => string | undefined,
): Part {
  if (part.kind === "text" || part.kind === "refusal") return { text: part.text };
  if (part.kind === "image") return writeMedia(part.source, "image/png");
  const functionCall = { id: part.id, name: part.name, args: argumentsObject(part.arguments) ?? {} };
  const signature = part.signature === undefined ? undefined : signatureOf(part.signature);
  return signature === undefined ? { functionCall } : { functionCall, thoughtSignature: signature };
}

/** @returns the signature where it is Gemini's own: what goes up. */
export function ownSignature(signature: ReasoningSignature): string | undefined {
  return signature.family === "gemini" ? signature.data : undefined;
}

/** @returns the signature, in its envelope if it needs one: what goes down. */
export const anySignature: (signature: ReasoningSignature) => string = writeSignature;
