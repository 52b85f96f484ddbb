/** What whole answers and streams of the Responses API have in common: the response object, ids, usage. */
import type { CommonUsage, StopReason } from "../common.ts";

/** A part of the answer's JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** What a response is called, and when it began. */
export interface ResponseHead {
  /** `resp_…` */
  readonly id: string;
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdSeconds: number;
}

/** How a response stands. */
export interface ResponseState {
  readonly status: "in_progress" | "completed" | "incomplete" | "failed";
  readonly output: readonly Json[];
  readonly usage?: CommonUsage | undefined;
  /** With `incomplete`. */
  readonly reason?: "max_output_tokens" | "content_filter";
  /** With `failed`. */
  readonly error?: Json;
}

/** OpenAI's own ids are shorter. */
const MAX_ID_CHARACTERS = 64;

/** Makes the head of the response out of what the upstream said. */
export function responseHead(start: ResponseHead, model: string): ResponseHead {
  return {
    id: `resp_${idBody(start.id)}`,
    model: start.model === "" ? model : start.model,
    createdSeconds: start.createdSeconds,
  };
}

/** An output item's id: the same in every event that names the item, and no other item's. @param prefix such as `msg`. */
export function itemId(prefix: string, head: ResponseHead, outputIndex: number): string {
  return `${prefix}_${idBody(head.id)}_${outputIndex}`;
}

function idBody(id: string): string {
  return id
    .replace(/^resp_/, "")
    .replaceAll(/[^A-Za-z0-9_-]/g, "")
    .slice(0, MAX_ID_CHARACTERS);
}

/**
 * The response object. Fields that repeat the request are in `echo`; where that says nothing, they have the value that means
 * nothing was asked for. Nothing is ever stored.
 */
export function responseObject(head: ResponseHead, state: ResponseState, echo: Json | undefined): Json {
  return {
    id: head.id,
    object: "response",
    created_at: head.createdSeconds,
    status: state.status,
    background: false,
    error: state.error ?? null,
    incomplete_details: state.reason === undefined ? null : { reason: state.reason },
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    model: head.model,
    output: state.output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    user: null,
    ...echo,
    store: false,
    usage: state.usage === undefined ? null : usageObject(state.usage),
  };
}

function usageObject(usage: CommonUsage): Json {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cachedInputTokens ?? 0,
      cache_write_tokens: usage.cacheWriteTokens ?? 0,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

/**
 * How a response ends. A refusal that is there to be read is a complete answer; one without words, as Anthropic's may be, is
 * a filtered one: `completed` would pass it off as all that the model had to say.
 *
 * @param refused whether the output holds a refusal.
 */
export function endOf(stopReason: StopReason, refused: boolean): Pick<ResponseState, "status" | "reason"> {
  if (stopReason === "length") return { status: "incomplete", reason: "max_output_tokens" };
  if (stopReason === "filtered" || (stopReason === "refusal" && !refused)) {
    return { status: "incomplete", reason: "content_filter" };
  }
  return { status: "completed" };
}
