/** The Anthropic API as a {@link Dialect}. */
import type { GatewayError } from "../../core/errors.ts";
import type { Dialect, PromptRequest } from "../dialect.ts";
import { at } from "../json-access.ts";
import { AnthropicScan, usageOf } from "./scan.ts";

const API_VERSION = "2023-06-01";
/** The API demands a limit; this is within what every current model accepts. */
const PROMPT_MAX_TOKENS = 4096;

/** Anthropic's own error types, by status (https://docs.anthropic.com/en/api/errors). */
function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 413) return "request_too_large";
  if (status === 429) return "rate_limit_error";
  if (status === 504) return "timeout_error";
  if (status === 503 || status === 529) return "overloaded_error";
  return status < 500 ? "invalid_request_error" : "api_error";
}

function errorObject(error: GatewayError): object {
  return { type: "error", error: { type: errorType(error.status), message: error.message } };
}

/** See {@link Dialect}. */
export const anthropic: Dialect = {
  name: "anthropic",
  credentials: (apiKey) => ["x-api-key", apiKey],
  forwarded: ["anthropic-version", "anthropic-beta"],
  required: ["anthropic-version", API_VERSION],
  promptRequest(model: string, prompt: string): PromptRequest {
    const body = { model, max_tokens: PROMPT_MAX_TOKENS, stream: true, messages: [{ role: "user", content: prompt }] };
    return { path: "/messages", headers: [], body: Buffer.from(JSON.stringify(body)) };
  },
  errorBody: (error) => JSON.stringify(errorObject(error)),
  errorEvent: (error) => `event: error\ndata: ${JSON.stringify(errorObject(error))}\n\n`,
  errorMessage(body: unknown): string | undefined {
    const message = at(body, "error", "message");
    return typeof message === "string" ? message : undefined;
  },
  createScan: () => new AnthropicScan(),
  usageOf,
};
