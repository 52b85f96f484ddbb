/** The Gemini API, as far as the simulated provider speaks it: generation, token counts, embeddings, models. */

import { refusal } from "./dialect.ts";
import type { ErrorBody, Operation, Order } from "./dialect.ts";
import { asciiJson, jsonAround } from "./json.ts";

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

const EMBEDDING = [0.25, -0.5, 0.75, -1, 0.5, -0.25, 1, -0.75];

const MAX_EMBEDDINGS = 2_048;

/** `POST /v1beta/models/{model}:generateContent`. */
export const generateContent: Operation = (order) => ({
  kind: "whole",
  hasTokens: true,
  render: (text) => asciiJson(answer(order, text, { finished: true })),
});

/** `POST /v1beta/models/{model}:streamGenerateContent`: events with `?alt=sse`, else one JSON array in pieces. */
export const streamGenerateContent: Operation = (order) => {
  const { before, after } = jsonAround((text) => answer(order, text, { finished: false }));
  const last = asciiJson(answer(order, "", { finished: true }));
  if (order.sse) {
    return {
      kind: "stream",
      contentType: "text/event-stream",
      opening: "",
      before: `data: ${before}`,
      after: `${after}\r\n\r\n`,
      closing: `data: ${last}\r\n\r\n`,
    };
  }
  return {
    kind: "stream",
    contentType: "application/json; charset=UTF-8",
    opening: "[",
    before,
    after: `${after}\n,\r\n`,
    closing: `${last}\n]\n`,
  };
};

/** `POST /v1beta/models/{model}:countTokens`. */
export const countTokens: Operation = (order) => ({
  kind: "whole",
  hasTokens: false,
  render: () => asciiJson({ totalTokens: order.promptTokens }),
});

/** `POST /v1beta/models/{model}:embedContent`. */
export const embedContent: Operation = () => ({
  kind: "whole",
  hasTokens: false,
  render: () => asciiJson({ embedding: { values: EMBEDDING } }),
});

/** `POST /v1beta/models/{model}:batchEmbedContents`. */
export const batchEmbedContents: Operation = (order) => {
  const requests = order.body["requests"];
  if (!Array.isArray(requests)) return refusal("requests must be specified");
  if (requests.length > MAX_EMBEDDINGS) return refusal(`at most ${MAX_EMBEDDINGS} requests can be in one batch`);
  const { length } = requests;
  return {
    kind: "whole",
    hasTokens: false,
    render: () => asciiJson({ embeddings: Array.from({ length }, () => ({ values: EMBEDDING })) }),
  };
};

export const geminiError: ErrorBody = (status, message) =>
  asciiJson({ error: { code: status, message, status: STATUS_NAMES[status] ?? "UNKNOWN" } });

/** `GET /v1beta/models`. */
export function geminiModels(models: readonly string[]): string {
  return asciiJson({ models: models.map(model) });
}

/** `GET /v1beta/models/{model}`. */
export function geminiModel(name: string): string {
  return asciiJson(model(name));
}

function model(name: string): object {
  return {
    name: `models/${name}`,
    displayName: name,
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: [
      "generateContent",
      "streamGenerateContent",
      "countTokens",
      "embedContent",
      "batchEmbedContents",
    ],
  };
}

function answer(order: Order, text: string, state: { readonly finished: boolean }): object {
  const { promptTokens, tokens } = order;
  return {
    candidates: [
      {
        content: { parts: [{ text }], role: "model" },
        ...(state.finished ? { finishReason: "STOP" } : {}),
        index: 0,
      },
    ],
    usageMetadata: state.finished
      ? { promptTokenCount: promptTokens, candidatesTokenCount: tokens, totalTokenCount: promptTokens + tokens }
      : { promptTokenCount: promptTokens, totalTokenCount: promptTokens },
    modelVersion: order.model,
    responseId: `sim-${String(order.sequence).padStart(12, "0")}`,
  };
}
