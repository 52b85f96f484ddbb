/** Reads a chat completions request into the common form. */
import type { CommonRequest, OutputFormat, Reasoning } from "../common.ts";
import { FieldFault, Fields, reading } from "../json-pick.ts";
import type { ReadRequest } from "../translation.ts";
import type { Losses } from "../losses.ts";
import { chatLosses } from "./losses.ts";
import { readMessages } from "./read-messages.ts";
import { readTools } from "./read-tools.ts";

const MAX_TOP_LOGPROBS = 20;
const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** See `FrontTranslation.readRequest`. */
export function readRequest(body: unknown): ReadRequest {
  const losses = chatLosses();
  const request = reading(() => readBody(new Fields(body), losses));
  if (request instanceof FieldFault) return { ok: false, fault: { field: request.field, message: request.message } };
  // There is no way to ask for thoughts.
  return { ok: true, request, losses: losses.found, places: losses.places, thoughts: "told" };
}

function readBody(body: Fields, losses: Losses): CommonRequest {
  const maxTokens = body.integer("max_tokens", { min: 1 });
  const user = body.string("user");
  const options = body.object("stream_options");
  const request: CommonRequest = {
    model: body.requiredString("model"),
    stream: body.boolean("stream") ?? false,
    wantsUsage: options?.boolean("include_usage") ?? false,
    ...readMessages(body, losses),
    ...readTools(body, losses),
    parallelToolCalls: body.boolean("parallel_tool_calls"),
    maxTokens: body.integer("max_completion_tokens", { min: 1 }) ?? maxTokens,
    temperature: body.number("temperature", { min: 0, max: 2 }),
    topP: body.number("top_p", { min: 0, max: 1 }),
    topK: topK(body),
    seed: body.integer("seed"),
    presencePenalty: body.number("presence_penalty", { min: -2, max: 2 }),
    frequencyPenalty: body.number("frequency_penalty", { min: -2, max: 2 }),
    stop: readStop(body),
    outputFormat: readOutputFormat(body, losses),
    reasoning: readReasoning(body),
    logprobs: readLogprobs(body),
    userId: body.string("safety_identifier") ?? user,
  };
  if (options !== undefined) losses.unread(options);
  losses.unread(body);
  return request;
}

/** 0 and -1 say that there is no limit, as vLLM and SGLang have it. */
function topK(body: Fields): number | undefined {
  const value = body.integer("top_k", { min: -1 });
  return value === undefined || value <= 0 ? undefined : value;
}

function readStop(body: Fields): readonly string[] {
  const stop = body.value("stop");
  if (stop === undefined) return [];
  return typeof stop === "string" ? [stop] : (body.strings("stop") ?? []);
}

function readReasoning(body: Fields): Reasoning | undefined {
  const effort = body.oneOf("reasoning_effort", EFFORTS);
  return effort === undefined ? undefined : { effort };
}

function readLogprobs(body: Fields): CommonRequest["logprobs"] {
  const wanted = body.boolean("logprobs") ?? false;
  const top = body.integer("top_logprobs", { min: 0, max: MAX_TOP_LOGPROBS }) ?? 0;
  if (top > 0 && !wanted) body.fault("top_logprobs", "needs logprobs to be true");
  return wanted ? { top } : undefined;
}

function readOutputFormat(body: Fields, losses: Losses): OutputFormat | undefined {
  const format = body.object("response_format");
  if (format === undefined) return undefined;
  const type = format.oneOf("type", ["text", "json_object", "json_schema"]) ?? format.fault("type", "is missing");
  if (type !== "json_schema") {
    losses.unread(format);
    return { kind: type === "text" ? "text" : "json" };
  }
  const described = format.requiredObject("json_schema");
  const schema = described.record("schema");
  const name = described.string("name");
  const description = described.string("description");
  const strict = described.boolean("strict");
  losses.unread(described);
  losses.unread(format);
  // A schema that says nothing asks for JSON of any shape.
  if (schema === undefined) return { kind: "json" };
  return {
    kind: "schema",
    schema,
    name,
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  };
}
