/** Makes the upstream's request out of the client's. */
import { GatewayError } from "../core/errors.ts";
import type { JsonSpan } from "../core/json-scan.ts";
import { at, elements, parseJson } from "../dialects/json-access.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
import type { Call, PassKind } from "./call.ts";
import type { Understanding, UnderstoodPrompt } from "./understand.ts";

/** Stands for the prompt while the request around it is made; its own bytes then take its place, without being written anew. */
const PLACEHOLDER = "\u0000prompt\u0000";
const WRITTEN_PLACEHOLDER = Buffer.from(JSON.stringify(PLACEHOLDER));

/** Gemini's route whose body names the model once for each of its texts. */
const BATCH = /:batchEmbedContents$/;

/** The client's bytes, unchanged but for the model's name where the config renames it; or why that can't be done. */
export function composePassThrough(
  call: Call,
  { path, named, route }: PassKind,
  request: Understanding,
): UpstreamRequest | GatewayError {
  const rename = call.model?.model;
  const target = typeof path === "string" ? path : path(rename ?? named!.model);
  const body = rename === undefined ? [request.body] : renamed(request, rename, named !== undefined, BATCH.test(route));
  if (body instanceof GatewayError) return body;
  return { method: "POST", path: target, headers: requestHeaders(call, request.stream), body };
}

function renamed(
  { body, modelSpan }: Understanding,
  name: string,
  isGemini: boolean,
  isBatch: boolean,
): Buffer[] | GatewayError {
  if (isBatch) return renamedBatch(body, `models/${name}`);
  return modelSpan === undefined ? [body] : exchange(body, modelSpan, isGemini ? `models/${name}` : name);
}

function renamedBatch(body: Buffer, name: string): Buffer[] | GatewayError {
  if (body.length > OFFLOAD_BODY_BYTES) {
    return new GatewayError("body_too_large", {
      message:
        "This model has another name at its upstream, which has to be written into each of the batch's requests. " +
        `That is done for bodies of up to ${OFFLOAD_BODY_BYTES / 1024} KiB: send smaller batches.`,
    });
  }
  const batch = parseJson(body.toString("utf8")) as Record<string, unknown>;
  const requests = at(batch, "requests");
  if (!Array.isArray(requests)) return [body];
  for (const one of elements(requests)) if (at(one, "model") !== undefined) (one as { model: unknown }).model = name;
  return [Buffer.from(JSON.stringify(Object.hasOwn(batch, "model") ? { ...batch, model: name } : batch))];
}

function exchange(body: Buffer, { start, end }: JsonSpan, name: string): Buffer[] {
  return [body.subarray(0, start), Buffer.from(JSON.stringify(name)), body.subarray(end)];
}

/** A prompt endpoint's request: ours but for the prompt. */
export function composePrompt(call: Call, model: string, prompt: UnderstoodPrompt): UpstreamRequest {
  const request = call.upstream!.dialect.promptRequest(model, PLACEHOLDER);
  const place = request.body.indexOf(WRITTEN_PLACEHOLDER);
  return {
    method: "POST",
    path: request.path,
    headers: [...requestHeaders(call, true), ...request.headers],
    body: [
      request.body.subarray(0, place),
      prompt.body.subarray(prompt.promptSpan.start, prompt.promptSpan.end),
      request.body.subarray(place + WRITTEN_PLACEHOLDER.length),
    ],
  };
}

/** `identity`, because a compressed stream could be neither looked at nor flushed event by event. */
export function requestHeaders(call: Call, stream: boolean): string[] {
  const { dialect } = call.upstream!;
  const isForeign = dialect.name !== call.kind.dialect.name;
  // Another API knows nothing of this one's own fields.
  const forwarded = isForeign ? without(call.forwardHeaders, call.kind.dialect.forwarded) : call.forwardHeaders;
  return [
    "content-type",
    "application/json",
    "accept",
    stream ? "text/event-stream" : "application/json",
    "accept-encoding",
    "identity",
    "x-request-id",
    call.id,
    ...forwarded,
    ...missing(dialect.required, forwarded),
  ];
}

/** The pairs of `given` whose names are not among `names`. */
function without(given: readonly string[], names: readonly string[]): readonly string[] {
  return given.filter((_, i) => !names.includes(given[i - (i % 2)]!));
}

/** The pairs of `required` whose names `given` has not. */
function missing(required: readonly string[], given: readonly string[]): readonly string[] {
  if (required.length === 0) return required;
  return required.filter((_, i) => !given.includes(required[i - (i % 2)]!));
}
