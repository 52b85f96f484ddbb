/** The Gemini API as a {@link Dialect}. */
import type { GatewayError } from "../../core/errors.ts";
import type { Dialect, PromptRequest } from "../dialect.ts";
import { at } from "../json-access.ts";
import { GeminiScan, usageOf } from "./scan.ts";

/** Google's names for statuses (https://cloud.google.com/apis/design/errors). */
export function statusName(status: number): string {
  if (status === 401) return "UNAUTHENTICATED";
  if (status === 403) return "PERMISSION_DENIED";
  if (status === 404) return "NOT_FOUND";
  if (status === 429) return "RESOURCE_EXHAUSTED";
  if (status === 503) return "UNAVAILABLE";
  if (status === 504) return "DEADLINE_EXCEEDED";
  return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

function errorObject(error: GatewayError): object {
  return { error: { code: error.status, message: error.message, status: statusName(error.status) } };
}

/** See {@link Dialect}. */
export const gemini: Dialect = {
  name: "gemini",
  credentials: (apiKey) => ["x-goog-api-key", apiKey],
  forwarded: [],
  required: [],
  promptRequest(model: string, prompt: string): PromptRequest {
    const body = { contents: [{ role: "user", parts: [{ text: prompt }] }] };
    return {
      path: `/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
      headers: [],
      body: Buffer.from(JSON.stringify(body)),
    };
  },
  errorBody: (error) => JSON.stringify(errorObject(error)),
  errorEvent: (error) => `data: ${JSON.stringify(errorObject(error))}\r\n\r\n`,
  errorMessage(body: unknown): string | undefined {
    const message = at(body, "error", "message") ?? at(body, 0, "error", "message");
    return typeof message === "string" ? message : undefined;
  },
  createScan: () => new GeminiScan(),
  usageOf,
};
