/** Reads a whole `GenerateContentResponse`. */
import { randomUUID } from "node:crypto";
import { at, elements, hasContent } from "../../json-access.ts";
import { standardBase64 } from "../base64.ts";
import { argumentsText } from "../call-arguments.ts";
import type { CommonAnswer, MediaSource } from "../common.ts";
import { Dropped } from "../dropped.ts";
import { isRecord } from "../json-pick.ts";
import { AssistantParts } from "./assistant-parts.ts";
import { madeCallId } from "./call-ids.ts";
import { readLogprobs } from "./logprobs.ts";
import { readStopReason } from "./stop-reason.ts";
import { readUsage } from "./usage.ts";

type Json = Readonly<Record<string, unknown>>;

/** What every answer, and every event of a stream, says of itself. */
export interface AnswerHead {
  readonly id: string;
  readonly model: string;
  readonly createdSeconds: number;
}

/** Sources of an answer. */
const SOURCES = ["citationMetadata", "groundingMetadata", "urlContextMetadata"] as const;
/** Of a part, besides what it holds. */
const PART_NOTES: ReadonlySet<string> = new Set(["thought", "thoughtSignature", "partMetadata", "videoMetadata"]);

/** See {@link BackTranslation.readAnswer}. A blocked prompt is an answer too: an empty one that was filtered. */
export function readAnswer(body: unknown): CommonAnswer | undefined {
  const candidate = firstCandidate(body);
  const head = readHead(body);
  const dropped = new Dropped();
  for (const name of SOURCES) if (hasContent(at(candidate, name))) dropped.add("candidates[]", name);
  const parts = readParts(elements(at(candidate, "content", "parts")), head.id, dropped);
  if (parts === undefined) return undefined;
  const finishReason = finishReasonOf(body, candidate) ?? (parts.length > 0 ? "STOP" : undefined);
  if (finishReason === undefined) return undefined;
  const hasToolCalls = parts.some(({ kind }) => kind === "tool_call");
  const stopReason = readStopReason(finishReason, hasToolCalls);
  if (stopReason === "filtered") dropStopMessage(body, candidate, dropped);
  const usage = readUsage(at(body, "usageMetadata"));
  const logprobs = readLogprobs(at(candidate, "logprobsResult"));
  return {
    ...head,
    parts,
    stopReason,
    usage: usage === undefined ? undefined : { inputTokens: 0, outputTokens: 0, ...usage },
    ...(logprobs === undefined ? {} : { logprobs }),
    ...dropped.field(),
  };
}

/** Why the model stopped, or why it was not asked; `undefined` where it has not stopped. */
export function finishReasonOf(body: unknown, candidate: Json | undefined): string | undefined {
  const reason = candidate === undefined ? at(body, "promptFeedback", "blockReason") : candidate["finishReason"];
  return typeof reason === "string" && reason !== "" ? reason : undefined;
}

/** Google's own words on that, which are none of the model's: why a prompt was blocked, which call was malformed. */
function dropStopMessage(body: unknown, candidate: Json | undefined, dropped: Dropped): void {
  if (hasContent(candidate?.["finishMessage"])) dropped.add("candidates[]", "finishMessage");
  if (hasContent(at(body, "promptFeedback", "blockReasonMessage"))) dropped.add("promptFeedback", "blockReasonMessage");
}

/** The candidate with the index 0, which protocol buffers leave out. */
export function firstCandidate(body: unknown): Json | undefined {
  if (!isRecord(body)) return undefined;
  for (const candidate of elements(body["candidates"])) {
    if (isRecord(candidate) && (candidate["index"] ?? 0) === 0) return candidate;
  }
  return undefined;
}

/** @param body an answer or an event. What it does not say is made: Vertex says the time, Google AI does not. */
export function readHead(body: unknown): AnswerHead {
  const id = at(body, "responseId");
  const model = at(body, "modelVersion");
  const created = at(body, "createTime");
  const createdMs = typeof created === "string" ? Date.parse(created) : Number.NaN;
  return {
    id: typeof id === "string" && id !== "" ? id : randomUUID(),
    model: typeof model === "string" ? model : "",
    createdSeconds: Math.floor((Number.isNaN(createdMs) ? Date.now() : createdMs) / 1000),
  };
}

/** A call's id. @param given Gemini's own, if any. @param index of the call in its answer. @param answerId tells answers apart. */
export function callIdOf(given: unknown, index: number, answerId: string): string {
  return typeof given === "string" && given !== "" ? given : madeCallId(index, answerId);
}

/** A picture that a part holds, as a source; `undefined` where it holds none. */
export function pictureOf(part: Json): MediaSource | undefined {
  if (part["inlineData"] === undefined && part["fileData"] === undefined) return undefined;
  const mimeType = at(part, "inlineData", "mimeType") ?? at(part, "fileData", "mimeType");
  if (typeof mimeType !== "string" || !mimeType.startsWith("image/")) return undefined;
  const data = at(part, "inlineData", "data");
  const standard = typeof data === "string" ? standardBase64(data) : undefined;
  if (standard !== undefined) return { kind: "base64", mediaType: mimeType, data: standard };
  const url = at(part, "fileData", "fileUri");
  return typeof url === "string" ? { kind: "url", url, mediaType: mimeType } : undefined;
}

/** A part's signature; `undefined` where it has none. */
export function signatureOf(part: Json): { readonly family: "gemini"; readonly data: string } | undefined {
  const data = part["thoughtSignature"];
  return typeof data === "string" && data !== "" ? { family: "gemini", data } : undefined;
}

/** Kinds that nobody else knows, such as code that Google ran itself, are dropped. @returns `undefined` where a call can't be answered. */
function readParts(parts: readonly unknown[], answerId: string, dropped: Dropped): CommonAnswer["parts"] | undefined {
  const gathered = new AssistantParts();
  let calls = 0;
  for (const part of parts) {
    if (!isRecord(part)) continue;
    const signature = signatureOf(part);
    const isThought = part["thought"] === true;
    const { text } = part;
    const name = at(part, "functionCall", "name");
    if (typeof name === "string") {
      const args = at(part, "functionCall", "args");
      const json = argumentsText(isRecord(args) ? args : {});
      if (json === undefined) return undefined;
      gathered.push({
        kind: "tool_call",
        id: callIdOf(at(part, "functionCall", "id"), calls++, answerId),
        name,
        arguments: json,
        ...(signature === undefined ? {} : { signature }),
      });
      continue;
    }
    if (isThought && typeof text === "string") gathered.reasoning(text);
    if (signature !== undefined) gathered.signature(signature);
    if (isThought) continue;
    if (typeof text === "string") gathered.text(text);
    const source = pictureOf(part);
    if (source !== undefined) gathered.push({ kind: "image", source });
    else if (typeof text !== "string") {
      const kind = Object.keys(part).find((key) => !PART_NOTES.has(key));
      if (kind !== undefined) dropped.add("candidates[].content.parts[]", kind);
    }
  }
  return gathered.parts;
}
