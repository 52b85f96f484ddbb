/** The port that every wire API implements: what the relay has to know of one. */
import type { GatewayError } from "../core/errors.ts";
import type { ScanOptions, SseScan, Usage } from "./sse-scan.ts";

/** A request made by us for the prompt endpoints, in one dialect. */
export interface PromptRequest {
  /** Below the endpoint's base URL. */
  readonly path: string;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** One wire API: `openai`, `anthropic` or `gemini`. Stateless. */
export interface Dialect {
  readonly name: "openai" | "anthropic" | "gemini";
  /** Header fields that carry a provider's key. Flat pairs. */
  credentials(apiKey: string): readonly string[];
  /** Fields of the client's that go to an upstream of this dialect. */
  readonly forwarded: readonly string[];
  /** Fields that the API demands, with what they are where the client says nothing. Flat pairs. */
  readonly required: readonly string[];
  /** A streaming request for one user prompt. @param model the upstream's name for it. */
  promptRequest(model: string, prompt: string): PromptRequest;
  /** An error answer's JSON body. */
  errorBody(error: GatewayError): string;
  /** An error inside a stream that has begun: whole server-sent events. */
  errorEvent(error: GatewayError): string;
  /** The message inside an upstream's error body, if it is shaped as this dialect's are. */
  errorMessage(body: unknown): string | undefined;
  createScan(options?: ScanOptions): SseScan;
  /** Usage of a whole JSON answer. */
  usageOf(body: unknown): Usage | undefined;
}
