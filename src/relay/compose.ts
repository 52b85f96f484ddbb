/** Makes the upstream's request out of the client's. */
import type { UpstreamRequest } from "../upstream/exchange.ts";
import type { Call } from "./call.ts";
import type { Understanding, UnderstoodPrompt } from "./understand.ts";

/** Stands for the prompt while the request around it is made; its own bytes then take its place, without being written anew. */
const PLACEHOLDER = "\u0000prompt\u0000";
const WRITTEN_PLACEHOLDER = Buffer.from(JSON.stringify(PLACEHOLDER));

/**
 * The client's bytes, unchanged but for the model's name where the config renames it.
 * @param path below the endpoint's base URL.
 */
export function composePassThrough(call: Call, path: string, request: Understanding): UpstreamRequest {
  const rename = call.model?.model;
  const span = request.modelSpan;
  const body =
    rename === undefined || span === undefined
      ? [request.body]
      : [request.body.subarray(0, span.start), Buffer.from(JSON.stringify(rename)), request.body.subarray(span.end)];
  return { method: "POST", path, headers: requestHeaders(call, request.stream), body };
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
function requestHeaders(call: Call, stream: boolean): string[] {
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
  ];
}
