/** The Anthropic API, as far as the simulated provider speaks it: messages, count_tokens, models. */

import { refusal } from "./dialect.ts";
import type { ErrorBody, Operation, Order } from "./dialect.ts";
import { asciiJson, jsonAround } from "./json.ts";

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** `POST /v1/messages`. */
export const message: Operation = (order) => {
  if (order.model === "") return refusal("model: Field required");
  return order.body["stream"] === true ? streamedMessage(order) : wholeMessage(order);
};

const streamedMessage: Operation = (order) => {
  const opened = { ...start(order), content: [], stop_reason: null, stop_sequence: null, usage: usage(order, 1) };
  const { before, after } = jsonAround((text) => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text },
  }));
  return {
    kind: "stream",
    contentType: "text/event-stream; charset=utf-8",
    opening:
      event("message_start", { message: opened }) +
      event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
      event("ping", {}),
    before: `event: content_block_delta\ndata: ${before}`,
    after: `${after}\n\n`,
    closing:
      event("content_block_stop", { index: 0 }) +
      event("message_delta", {
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: usage(order, order.tokens),
      }) +
      event("message_stop", {}),
  };
};

const wholeMessage: Operation = (order) => ({
  kind: "whole",
  hasTokens: true,
  render: (text) =>
    asciiJson({
      ...start(order),
      content: [{ type: "text", text }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: usage(order, order.tokens),
    }),
});

/** `POST /v1/messages/count_tokens`. */
export const countMessageTokens: Operation = (order) => {
  if (order.model === "") return refusal("model: Field required");
  return { kind: "whole", hasTokens: false, render: () => asciiJson({ input_tokens: order.promptTokens }) };
};

export const anthropicError: ErrorBody = (status, message) =>
  asciiJson({
    type: "error",
    error: { type: ERROR_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error"), message },
    request_id: null,
  });

/** `GET /v1/models` with `anthropic-version`. */
export function anthropicModels(models: readonly string[]): string {
  return asciiJson({
    data: models.map(model),
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  });
}

/** `GET /v1/models/{model}` with `anthropic-version`. */
export function anthropicModel(name: string): string {
  return asciiJson(model(name));
}

function model(id: string): object {
  return { type: "model", id, display_name: id, created_at: "2023-11-14T22:13:20Z" };
}

function start(order: Order): object {
  return {
    id: `msg_${String(order.sequence).padStart(12, "0")}`,
    type: "message",
    role: "assistant",
    model: order.model,
  };
}

function usage(order: Order, outputTokens: number): object {
  return {
    input_tokens: order.promptTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
  };
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${asciiJson({ type, ...fields })}\n\n`;
}
