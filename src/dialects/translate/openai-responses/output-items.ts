/** Output items of the Responses API, each as it stands in `output` and in the events of a stream. */
import type { MediaSource, ReasoningSignature, TokenLogprob } from "../common.ts";
import type { Json } from "./response-object.ts";
import { writeSignature } from "./signature.ts";

/** Whether the model got to the end of it. */
export type ItemStatus = "in_progress" | "completed" | "incomplete";

/** Text of a message. */
export function textPart(text: string, logprobs: readonly TokenLogprob[] = []): Json {
  return { type: "output_text", text, annotations: [], logprobs: logprobs.map(logprobObject) };
}

/** What the model would not do. */
export function refusalPart(refusal: string): Json {
  return { type: "refusal", refusal };
}

/** A message of the model's. */
export function messageItem(id: string, status: ItemStatus, content: readonly Json[]): Json {
  return { id, type: "message", status, role: "assistant", content };
}

/** Thoughts; none where the model keeps them to itself. */
export function reasoningItem(id: string, text: string, signature: ReasoningSignature | undefined): Json {
  return {
    id,
    type: "reasoning",
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    encrypted_content: signature === undefined ? null : writeSignature(signature, false),
  };
}

/** Carries the signature of the function call that follows it; there is no place for one in the call itself. */
export function callSignatureItem(id: string, signature: ReasoningSignature): Json {
  return { id, type: "reasoning", summary: [], encrypted_content: writeSignature(signature, true) };
}

/** A call of one of the caller's functions. */
export interface FunctionCall {
  /** The item's. */
  readonly id: string;
  /** What the result will name. */
  readonly callId: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** See {@link FunctionCall}. */
export function functionCallItem(call: FunctionCall, status: ItemStatus): Json {
  return {
    id: call.id,
    type: "function_call",
    status,
    arguments: call.arguments,
    call_id: call.callId,
    name: call.name,
  };
}

/** A picture of the model's. @param data base64; `null` while it is being made. */
export function imageItem(id: string, data: string | null): Json {
  return { id, type: "image_generation_call", status: data === null ? "in_progress" : "completed", result: data };
}

/** A picture that is an address, as Markdown. */
export function imageLink(source: Extract<MediaSource, { kind: "url" }>): string {
  return `![image](${source.url})`;
}

/** One token's. The API always has the bytes; where the upstream does not say them they are those of the text. */
export function logprobObject({ token, logprob, bytes, top }: TokenLogprob): Json {
  return {
    token,
    logprob,
    bytes: bytes ?? utf8(token),
    top_logprobs: top.map((other) => ({
      token: other.token,
      logprob: other.logprob,
      bytes: other.bytes ?? utf8(other.token),
    })),
  };
}

function utf8(text: string): number[] {
  return [...Buffer.from(text)];
}
