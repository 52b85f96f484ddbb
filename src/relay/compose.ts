/** Makes the upstream's request out of the client's. */
import type { JsonSpan } from "../core/json-scan.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
import type { Call, PassKind } from "./call.ts";
import type { Understanding, UnderstoodPrompt } from "./understand.ts";

/** Stands for the prompt while the request around it is made; its own bytes then take its place, without being written anew. */
const PLACEHOLDER = "\u0000prompt\u0000";
const WRITTEN_PLACEHOLDER = Buffer.from(JSON.stringify(PLACEHOLDER));

/** The client's bytes, unchanged but for the model's name where the config renames it. */
export function composePassThrough(call: Call, { path, named }: PassKind, request: Understanding): UpstreamRequest {
  const rename = call.model?.model;
  const target = typeof path === "string" ? path : path(rename ?? named!.model);
  const span = request.modelSpan;
  const body =
    rename === undefined || span === undefined
      ? [request.body]
      : exchange(request.body, span, named === undefined ? rename : `models/${rename}`);
  return { method: "POST", path: target, headers: requestHeaders(call, request.stream), body };
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
  return [
    "content-type",
    "application/json",
    "accept",
    stream ? "text/event-stream" : "application/json",
    "accept-encoding",
    "identity",
    "x-request-id",
    call.id,
    ...call.forwardHeaders,
    ...missing(call.upstream!.dialect.required, call.forwardHeaders),
  ];
}

/** The pairs of `required` whose names `given` has not. */
function missing(required: readonly string[], given: readonly string[]): readonly string[] {
  if (required.length === 0) return required;
  return required.filter((_, i) => !given.includes(required[i - (i % 2)]!));
}
