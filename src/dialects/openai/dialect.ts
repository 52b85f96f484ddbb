/** The OpenAI API as a {@link Dialect}. */
import type { GatewayError } from "../../core/errors.ts";
import type { Dialect, PromptRequest } from "../dialect.ts";
import { at } from "../json-access.ts";
import { OpenAiScan, usageOf } from "./scan.ts";

/** @returns the `error` object that the official SDKs read. */
function errorObject(error: GatewayError): object {
  return {
    error: {
      message: error.message,
      type: error.source === "client" ? "invalid_request_error" : "server_error",
      param: error.param ?? null,
      code: error.code,
    },
  };
}

/** See {@link Dialect}. */
export const openai: Dialect = {
  name: "openai",
  credentials: (apiKey) => ["authorization", `Bearer ${apiKey}`],
  forwarded: ["openai-beta"],
  required: [],
  promptRequest(model: string, prompt: string): PromptRequest {
    const body = {
      model,
      messages: [{ role: "user", content: prompt }],
      stream: true,
      stream_options: { include_usage: true },
    };
    return { path: "/chat/completions", headers: [], body: Buffer.from(JSON.stringify(body)) };
  },
  errorBody: (error) => JSON.stringify(errorObject(error)),
  errorEvent: (error) => `data: ${JSON.stringify(errorObject(error))}\n\n`,
  errorMessage(body: unknown): string | undefined {
    const candidates = [at(body, "error", "message"), at(body, "message"), at(body, "detail"), at(body, "error")];
    return candidates.find((message) => typeof message === "string");
  },
  createScan: (options) => new OpenAiScan(options),
  usageOf,
};
