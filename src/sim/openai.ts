/** The OpenAI API, as far as the simulated provider speaks it: chat completions, completions, embeddings, models. */

import { refusal } from "./dialect.ts";
import type { ErrorBody, Operation, Order, StreamPlan } from "./dialect.ts";
import { asciiJson, isObject, jsonAround } from "./json.ts";

const EVENT_STREAM = "text/event-stream; charset=utf-8";

const EMBEDDING = [0.25, -0.5, 0.75, -1, 0.5, -0.25, 1, -0.75];

const MAX_EMBEDDINGS = 2_048;

/** `POST /v1/chat/completions`. */
export const chatCompletion: Operation = (order) => {
  if (order.model === "") return refusal("you must provide a model parameter");
  const id = `chatcmpl-${serial(order)}`;
  if (order.body["stream"] === true) {
    const chunk = (delta: object, finishReason: string | null) => ({
      ...head(order, id, "chat.completion.chunk"),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...(includesUsage(order) ? { usage: null } : {}),
    });
    return eventStream(order, {
      opening: chunk({ role: "assistant", content: "", refusal: null }, null),
      token: (content) => chunk({ content }, null),
      last: chunk({}, "stop"),
      usage: { ...head(order, id, "chat.completion.chunk"), choices: [], usage: usage(order) },
    });
  }
  return {
    kind: "whole",
    hasTokens: true,
    render: (content) =>
      asciiJson({
        ...head(order, id, "chat.completion"),
        choices: [
          { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" },
        ],
        usage: usage(order),
      }),
  };
};

/** `POST /v1/completions`. */
export const completion: Operation = (order) => {
  if (order.model === "") return refusal("you must provide a model parameter");
  const id = `cmpl-${serial(order)}`;
  const answer = (text: string, finishReason: string | null) => ({
    ...head(order, id, "text_completion"),
    choices: [{ text, index: 0, logprobs: null, finish_reason: finishReason }],
  });
  if (order.body["stream"] === true) {
    const withUsage = includesUsage(order) ? { usage: null } : {};
    return eventStream(order, {
      token: (text) => ({ ...answer(text, null), ...withUsage }),
      last: { ...answer("", "stop"), ...withUsage },
      usage: { ...head(order, id, "text_completion"), choices: [], usage: usage(order) },
    });
  }
  return {
    kind: "whole",
    hasTokens: true,
    render: (text) => asciiJson({ ...answer(text, "stop"), usage: usage(order) }),
  };
};

/** `POST /v1/embeddings`: the same eight numbers for each input, as floats or, as the SDKs ask, base64 of floats. */
export const embeddings: Operation = (order) => {
  if (order.model === "") return refusal("you must provide a model parameter");
  const input = order.body["input"];
  const count = Array.isArray(input) && typeof input[0] !== "number" ? input.length : 1;
  if (count > MAX_EMBEDDINGS) return refusal(`'input' holds more than ${MAX_EMBEDDINGS} items`);
  const inBase64 = order.body["encoding_format"] === "base64";
  const embedding = inBase64 ? Buffer.from(new Float32Array(EMBEDDING).buffer).toString("base64") : EMBEDDING;
  return {
    kind: "whole",
    hasTokens: false,
    render: () =>
      asciiJson({
        object: "list",
        data: Array.from({ length: count }, (_, index) => ({ object: "embedding", index, embedding })),
        model: order.model,
        usage: { prompt_tokens: order.promptTokens, total_tokens: order.promptTokens },
      }),
  };
};

export const openaiError: ErrorBody = (status, message) =>
  asciiJson({
    error: { message, type: errorType(status), param: null, code: status === 429 ? "rate_limit_exceeded" : null },
  });

/** `GET /v1/models`. */
export function openaiModels(models: readonly string[]): string {
  return asciiJson({ object: "list", data: models.map(model) });
}

/** `GET /v1/models/{model}`. */
export function openaiModel(name: string): string {
  return asciiJson(model(name));
}

function model(id: string): object {
  return { id, object: "model", created: 1_700_000_000, owned_by: "headwaiter" };
}

function serial(order: Order): string {
  return String(order.sequence).padStart(12, "0");
}

function head(order: Order, id: string, object: string): object {
  return { id, object, created: order.createdS, model: order.model };
}

function usage(order: Order): object {
  return {
    prompt_tokens: order.promptTokens,
    completion_tokens: order.tokens,
    total_tokens: order.promptTokens + order.tokens,
  };
}

function includesUsage(order: Order): boolean {
  const options = order.body["stream_options"];
  return isObject(options) && options["include_usage"] === true;
}

interface Events {
  readonly opening?: object;
  readonly token: (text: string) => object;
  readonly last: object;
  /** Sent only where the request asks for it. */
  readonly usage: object;
}

function eventStream(order: Order, events: Events): StreamPlan {
  const { before, after } = jsonAround(events.token);
  const usage = includesUsage(order) ? event(events.usage) : "";
  return {
    kind: "stream",
    contentType: EVENT_STREAM,
    opening: events.opening === undefined ? "" : event(events.opening),
    before: `data: ${before}`,
    after: `${after}\n\n`,
    closing: `${event(events.last)}${usage}data: [DONE]\n\n`,
  };
}

function event(value: object): string {
  return `data: ${asciiJson(value)}\n\n`;
}

function errorType(status: number): string {
  if (status >= 500) return "server_error";
  return status === 429 ? "requests" : "invalid_request_error";
}
