/** Which request is for which API. */

import { anthropicError, anthropicModel, anthropicModels, countMessageTokens, message } from "./anthropic.ts";
import type { ErrorBody, Operation } from "./dialect.ts";
import {
  batchEmbedContents,
  countTokens,
  embedContent,
  geminiError,
  geminiModel,
  geminiModels,
  generateContent,
  streamGenerateContent,
} from "./gemini.ts";
import { chatCompletion, completion, embeddings, openaiError, openaiModel, openaiModels } from "./openai.ts";
import type { Asked } from "./outlet.ts";

/** The models that are listed. Any other name is answered just the same. */
const MODELS = ["sim"];

/** A request that has an answer of one of the APIs. */
export interface Route {
  readonly errorBody: ErrorBody;
  readonly action:
    | { readonly kind: "operate"; readonly operation: Operation; readonly pathModel: string | undefined }
    | { readonly kind: "say"; readonly json: string }
    | { readonly kind: "refuse"; readonly status: 404 | 405; readonly message: string };
}

/** Base URLs differ in whether they end in the version, and clients in whether they add it: any number of them may lead. */
const VERSIONS = /^(?:\/v\d+(?:alpha|beta)?\d*(?=\/))*/;

const OPERATIONS: ReadonlyMap<string, { readonly operation: Operation; readonly errorBody: ErrorBody }> = new Map([
  ["/chat/completions", { operation: chatCompletion, errorBody: openaiError }],
  ["/completions", { operation: completion, errorBody: openaiError }],
  ["/embeddings", { operation: embeddings, errorBody: openaiError }],
  ["/messages", { operation: message, errorBody: anthropicError }],
  ["/messages/count_tokens", { operation: countMessageTokens, errorBody: anthropicError }],
]);

const MODEL_OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ["generateContent", generateContent],
  ["streamGenerateContent", streamGenerateContent],
  ["countTokens", countTokens],
  ["embedContent", embedContent],
  ["batchEmbedContents", batchEmbedContents],
]);

/** Finds what a request asks for. @param path Without the query. */
export function findRoute(asked: Asked, path: string): Route {
  const version = VERSIONS.exec(path)![0];
  const rest = path.slice(version.length);
  const known = OPERATIONS.get(rest);
  if (known !== undefined) return operate(asked, known.operation, known.errorBody, undefined);
  const gemini = /^\/models\/([^:]+):(\w+)$/.exec(rest);
  if (gemini !== null) {
    const operation = MODEL_OPERATIONS.get(gemini[2]!);
    if (operation !== undefined) return operate(asked, operation, geminiError, decode(gemini[1]!));
    return refuse(geminiError, 404, `Method ${gemini[2]!.slice(0, 64)} is not found.`);
  }
  return findModels(asked, version, rest) ?? refuse(openaiError, 404, `Unknown request URL: ${path.slice(0, 256)}`);
}

function operate(asked: Asked, operation: Operation, errorBody: ErrorBody, pathModel: string | undefined): Route {
  if (asked.method !== "POST") return refuse(errorBody, 405, "Only POST is allowed here.");
  return { errorBody, action: { kind: "operate", operation, pathModel } };
}

function findModels(asked: Asked, version: string, rest: string): Route | undefined {
  const name = /^\/models(?:\/(.+))?$/.exec(rest);
  if (name === null) return undefined;
  const one = name[1] === undefined ? undefined : decode(name[1]);
  if (asked.header("anthropic-version") !== undefined) {
    return list(asked, anthropicError, one === undefined ? anthropicModels(MODELS) : anthropicModel(one));
  }
  if (version.includes("beta") || asked.header("x-goog-api-key") !== undefined) {
    return list(asked, geminiError, one === undefined ? geminiModels(MODELS) : geminiModel(one));
  }
  return list(asked, openaiError, one === undefined ? openaiModels(MODELS) : openaiModel(one));
}

function list(asked: Asked, errorBody: ErrorBody, json: string): Route {
  if (asked.method !== "GET") return refuse(errorBody, 405, "Only GET is allowed here.");
  return { errorBody, action: { kind: "say", json } };
}

function refuse(errorBody: ErrorBody, status: 404 | 405, text: string): Route {
  return { errorBody, action: { kind: "refuse", status, message: text } };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
