/** An error as the Responses API has it inside a stream. */
import type { CommonEvent } from "../common.ts";

/** What an `error` event says, at its top and under `error`: the API's documents have it there, the API itself here. */
export interface ErrorFields {
  readonly code: string;
  readonly message: string;
  readonly param: null;
}

/** @returns the fields of an error that came after the first byte. */
export function errorFields(error: Extract<CommonEvent, { kind: "error" }>): ErrorFields {
  return { code: error.code ?? codeOf(error.status), message: error.message, param: null };
}

/** OpenAI's own codes, by the status that such a failure would have had. */
function codeOf(status: number | undefined): string {
  if (status === 429) return "rate_limit_exceeded";
  return status !== undefined && status < 500 ? "invalid_prompt" : "server_error";
}
