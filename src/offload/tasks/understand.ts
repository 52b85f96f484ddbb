/**
 * Task `understand`: reads of a request's body the few fields that routing needs, and checks that the rest of it is JSON.
 *
 * The loop calls the same functions for bodies up to {@link OFFLOAD_BODY_BYTES}: both ways come to the same result.
 */
import { BACKSLASH, CLOSE_ARRAY, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "../../core/json-bytes.ts";
import { scanJsonObject, WantedKeys } from "../../core/json-scan.ts";
import type { JsonSpan } from "../../core/json-scan.ts";
import { asBuffer } from "../transfer.ts";
import { mayHoldImages } from "./image-marks.ts";

/** From here on a body is looked at off the loop: this much takes 0.7 ms to scan, and the way there and back 0.05 ms. */
export const OFFLOAD_BODY_BYTES = 256 * 1024;

/** What is wrong with a body. */
export interface BodyFault {
  readonly ok: false;
  readonly code: "invalid_json" | "invalid_request" | "prompt_empty";
  /** The field at fault. */
  readonly param?: string;
  /** Where the code's own message does not say enough. */
  readonly message?: string;
}

/** What routing needs of a body that is passed on. */
export interface PassFields {
  readonly ok: true;
  readonly model: string | undefined;
  /** Where the model's name stands, with its quotes. */
  readonly modelSpan: JsonSpan | undefined;
  readonly stream: boolean;
  /** The most output tokens that the caller lets the answers have, all together; `undefined`: it does not say. */
  readonly maxOutputTokens: number | undefined;
  /** How many answers are asked for. 1 or more. */
  readonly answers: number;
}

/** What is needed of a prompt endpoint's body. */
export interface PromptFields {
  readonly ok: true;
  /** Where the prompt stands, with its quotes. It is not blank. */
  readonly promptSpan: JsonSpan;
}

/** What the task takes. */
export interface UnderstandInput {
  readonly body: Uint8Array;
  readonly fields: "pass" | "gemini" | "prompt";
  /** Whether images are looked for. */
  readonly images: boolean;
  /** Whether a copy is wanted: made here, it costs the loop nothing. */
  readonly copy: boolean;
}

/** What it gives. */
export interface UnderstandOutput {
  /** The input's, moved back. */
  readonly body: Uint8Array;
  readonly pass?: PassFields | BodyFault;
  readonly prompt?: PromptFields | BodyFault;
  readonly mayHoldImages: boolean;
  readonly copy?: Uint8Array;
}

/** Each API's name for the bound of an answer's length; of several the largest counts. */
const BOUND_FIELDS = ["max_tokens", "max_completion_tokens", "max_output_tokens"] as const;
/** How many answers are asked for. */
const COUNT_FIELDS = ["n", "best_of"] as const;
const PASS_FIELDS = new WantedKeys("model", "stream", "prompt", ...BOUND_FIELDS, ...COUNT_FIELDS);
/** Of a request to count tokens: the request that is counted, which names the model itself. */
const COUNTED_FIELDS = ["generateContentRequest", "generate_content_request"] as const;
const GEMINI_FIELDS = new WantedKeys("model", "generationConfig", "generation_config", ...COUNTED_FIELDS);
const COUNTED_MODEL = new WantedKeys("model");
const GEMINI_BOUND_FIELDS = new WantedKeys("maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count");
const PROMPT_FIELDS = new WantedKeys("prompt");
/** Longer than any model's name. */
const MAX_MODEL_NAME_LENGTH = 256;
/** The same, written with an escape for each character. */
const MAX_MODEL_SPAN_BYTES = 6 * MAX_MODEL_NAME_LENGTH + 2;
const LONGEST_NUMBER_BYTES = 32;
/** By their first letter. */
const LITERALS: ReadonlyMap<number, boolean | null> = new Map([
  [0x74, true],
  [0x66, false],
  [0x6e, null],
]);

/** See the file's comment. */
export function understand({ body, fields, images, copy }: UnderstandInput): UnderstandOutput {
  const bytes = asBuffer(body);
  const read = fields === "prompt" ? { prompt: readPromptFields(bytes) } : { pass: PASS_READERS[fields](bytes) };
  const isUsable = read.pass?.ok === true || read.prompt?.ok === true;
  return {
    body,
    ...read,
    mayHoldImages: images && isUsable && mayHoldImages(bytes),
    ...(copy && isUsable ? { copy: new Uint8Array(body) } : {}),
  };
}

/** For routes that pass a body on: `model`, `stream`, and how long the answer may be. */
export function readPassFields(body: Buffer): PassFields | BodyFault {
  const scan = scanJsonObject(body, PASS_FIELDS);
  if (!scan.ok) return invalidJson(body, scan.offset, scan.reason);
  const modelSpan = scan.spans.get("model");
  const model = modelSpan === undefined ? undefined : readModel(body, modelSpan);
  if (model === null) {
    const message = `"model" must be a string of 1 to ${MAX_MODEL_NAME_LENGTH} characters.`;
    return { ok: false, code: "invalid_request", param: "model", message };
  }
  const stream = literalAt(body, scan.spans.get("stream"));
  if (stream === undefined) {
    return { ok: false, code: "invalid_request", param: "stream", message: '"stream" must be true or false.' };
  }
  return { ok: true, model, modelSpan, stream: stream === true, ...outputBounds(body, scan.spans) };
}

/** For Gemini's routes, whose path names the model and says whether to stream. */
export function readGeminiFields(body: Buffer): PassFields | BodyFault {
  const scan = scanJsonObject(body, GEMINI_FIELDS);
  if (!scan.ok) return invalidJson(body, scan.offset, scan.reason);
  const settings = scan.spans.get("generationConfig") ?? scan.spans.get("generation_config");
  const bounds = settings === undefined ? UNBOUNDED : geminiBounds(body, settings);
  // Some of its SDKs repeat the model here; what counts is the path's.
  const modelSpan = countedModel(body, scan.spans) ?? scan.spans.get("model");
  return { ok: true, model: undefined, modelSpan, stream: false, ...bounds };
}

/** Where the request within a request to count tokens names its model: Google demands that it does. */
function countedModel(body: Buffer, spans: ReadonlyMap<string, JsonSpan>): JsonSpan | undefined {
  const [camel, snake] = COUNTED_FIELDS;
  const counted = spans.get(camel) ?? spans.get(snake);
  if (counted === undefined || body[counted.start] !== OPEN_OBJECT) return undefined;
  const scan = scanJsonObject(body.subarray(counted.start, counted.end), COUNTED_MODEL);
  const span = scan.ok ? scan.spans.get("model") : undefined;
  return span && { start: counted.start + span.start, end: counted.start + span.end };
}

const PASS_READERS = { pass: readPassFields, gemini: readGeminiFields } as const;

type OutputBounds = Pick<PassFields, "maxOutputTokens" | "answers">;

const UNBOUNDED: OutputBounds = { maxOutputTokens: undefined, answers: 1 };

function geminiBounds(body: Buffer, { start, end }: JsonSpan): OutputBounds {
  // A schema inside of it may be large; one of more than that is no reason to hold the loop up.
  if (body[start] !== OPEN_OBJECT || end - start > OFFLOAD_BODY_BYTES / 4) return UNBOUNDED;
  const inner = body.subarray(start, end);
  const scan = scanJsonObject(inner, GEMINI_BOUND_FIELDS);
  if (!scan.ok) return UNBOUNDED;
  const count = (name: string, other: string): number | undefined =>
    countAt(inner, scan.spans.get(name) ?? scan.spans.get(other));
  // In protobuf's JSON a 0 is a field that was not set.
  return boundsOf(
    count("maxOutputTokens", "max_output_tokens") || undefined,
    count("candidateCount", "candidate_count"),
  );
}

/** For the prompt endpoints. */
export function readPromptFields(body: Buffer): PromptFields | BodyFault {
  const scan = scanJsonObject(body, PROMPT_FIELDS);
  if (!scan.ok) return invalidJson(body, scan.offset, scan.reason);
  const promptSpan = scan.spans.get("prompt");
  if (promptSpan === undefined || literalAt(body, promptSpan) === null) {
    return { ok: false, code: "prompt_empty", param: "prompt" };
  }
  if (body[promptSpan.start] !== QUOTE) {
    return { ok: false, code: "invalid_request", param: "prompt", message: '"prompt" must be a string.' };
  }
  const isBlank = stringAt(body, promptSpan).trim() === "";
  return isBlank ? { ok: false, code: "prompt_empty", param: "prompt" } : { ok: true, promptSpan };
}

/** What can't be read here is the upstream's to refuse: nothing is known of it then. */
function outputBounds(body: Buffer, spans: ReadonlyMap<string, JsonSpan>): OutputBounds {
  const largest = (names: readonly string[]): number | undefined => {
    const counts = names.flatMap((name) => countAt(body, spans.get(name)) ?? []);
    return counts.length === 0 ? undefined : Math.max(...counts);
  };
  return boundsOf(largest(BOUND_FIELDS), Math.max(1, largest(COUNT_FIELDS) ?? 1) * prompts(body, spans.get("prompt")));
}

/** Legacy completions take several prompts at once: strings, or arrays of tokens. One array of tokens is one prompt. */
function prompts(body: Buffer, span: JsonSpan | undefined): number {
  if (span === undefined || body[span.start] !== OPEN_ARRAY) return 1;
  let count = 0;
  let depth = 0;
  for (let at = span.start; at < span.end; at++) {
    const byte = body[at];
    if (byte === OPEN_ARRAY && ++depth === 2) count++;
    else if (byte === CLOSE_ARRAY) depth--;
    else if (byte === QUOTE) {
      count++;
      for (at++; body[at] !== QUOTE; at++) if (body[at] === BACKSLASH) at++;
    }
  }
  return Math.max(1, count);
}

function boundsOf(bound: number | undefined, count: number | undefined): OutputBounds {
  const answers = Math.max(1, count ?? 1);
  return { maxOutputTokens: bound === undefined ? undefined : bound * answers, answers };
}

/** The whole number at `span`, 0 to 2^31; `undefined` for anything else. */
function countAt(body: Buffer, span: JsonSpan | undefined): number | undefined {
  if (span === undefined || span.end - span.start > LONGEST_NUMBER_BYTES) return undefined;
  const count = Number(body.toString("latin1", span.start, span.end));
  return Number.isInteger(count) && count >= 0 && count <= 2 ** 31 ? count : undefined;
}

/** @returns `null` for what can't be a model's name. */
function readModel(body: Buffer, span: JsonSpan): string | null {
  if (body[span.start] !== QUOTE || span.end - span.start > MAX_MODEL_SPAN_BYTES) return null;
  const model = stringAt(body, span);
  // Half of a surrogate pair can't be written into a path, and is no name.
  return model === "" || model.length > MAX_MODEL_NAME_LENGTH || !model.isWellFormed() ? null : model;
}

/** The literal at `span`, `null` where there is none or it is null; `undefined` for anything else. The scan has checked the spelling. */
function literalAt(body: Buffer, span: JsonSpan | undefined): boolean | null | undefined {
  return span === undefined ? null : LITERALS.get(body[span.start]!);
}

function stringAt(body: Buffer, span: JsonSpan): string {
  return JSON.parse(body.toString("utf8", span.start, span.end)) as string;
}

function invalidJson(body: Buffer, offset: number, reason: string): BodyFault {
  const message =
    body.length === 0
      ? "The request body is empty; send a JSON object."
      : `The request body is not valid JSON: ${reason} at byte ${offset}.`;
  const isValidJson = /appears twice|lower case|deep/.test(reason);
  return { ok: false, code: isValidJson ? "invalid_request" : "invalid_json", message };
}
