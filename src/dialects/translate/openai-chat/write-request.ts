/** Writes a request of the common form for an upstream that speaks OpenAI's chat API. */
import type { CommonRequest, OutputFormat, Tool, ToolChoice } from "../common.ts";
import { wantedEffort } from "../effort.ts";
import { fittingUserId } from "../user-id.ts";
import { hasTools } from "../tool-demand.ts";
import type { Loss, WrittenRequest } from "../translation.ts";
import { cacheMarkField, maxTokensField, refusesEffort } from "./quirks.ts";
import type { ChatQuirks } from "./quirks.ts";
import { writeCacheMark } from "./write-content.ts";
import type { CacheMarkField } from "./write-content.ts";
import { writeMessages } from "./write-messages.ts";

/** The API demands a name. */
const SCHEMA_NAME = "response";
/** The least of what servers take: OpenAI's own limit has been 64 characters and is 128 now. Claude Code's ids have more. */
const MAX_USER_LENGTH = 64;

/** See `BackTranslation.writeRequest`. Usage is asked for always: our own accounts need it. */
export function writeRequest(request: CommonRequest, quirks: ChatQuirks): WrittenRequest {
  const losses: Loss[] = [];
  const body: Record<string, unknown> = {
    model: request.model,
    messages: writeMessages(request, quirks, losses),
    ...writeTools(request, quirks, losses),
    ...writeSampling(request, quirks, losses),
    ...writeStream(request, quirks),
  };
  if (request.outputFormat !== undefined) body["response_format"] = writeFormat(request.outputFormat);
  const effort = request.reasoning === undefined ? undefined : wantedEffort(request.reasoning);
  if (effort !== undefined && !(effort === "none" && refusesEffort(quirks, request.model)))
    body["reasoning_effort"] = effort;
  if (request.userId !== undefined) {
    if (quirks.hasUser) body["user"] = fittingUserId(request.userId, ({ length }) => length <= MAX_USER_LENGTH);
    else losses.push({ field: "userId", reason: "this server has no place for the end user", warning: true });
  }
  return { path: "/chat/completions", headers: [], body, losses };
}

function writeStream({ stream }: CommonRequest, { hasStreamOptions }: ChatQuirks): object {
  if (!stream) return {};
  return { stream, ...(hasStreamOptions ? { stream_options: { include_usage: true } } : {}) };
}

function writeSampling(request: CommonRequest, quirks: ChatQuirks, losses: Loss[]): object {
  const body: Record<string, unknown> = {};
  const put = (key: string, value: unknown): void => {
    if (value !== undefined) body[key] = value;
  };
  put(maxTokensField(quirks, request.model), request.maxTokens);
  put("temperature", request.temperature);
  put("top_p", request.topP);
  put(quirks.seedField, request.seed);
  put("presence_penalty", request.presencePenalty);
  put("frequency_penalty", request.frequencyPenalty);
  if (request.stop.length > 0) body["stop"] = request.stop;
  if (request.topK !== undefined) {
    if (quirks.hasTopK) body["top_k"] = request.topK;
    else losses.push({ field: "topK", reason: "the upstream's API (OpenAI chat) has none" });
  }
  if (request.logprobs !== undefined) {
    const { top } = request.logprobs;
    if (quirks.hasLogprobs) Object.assign(body, { logprobs: true }, top > 0 ? { top_logprobs: top } : {});
    else losses.push({ field: "logprobs", reason: "the upstream has none" });
  }
  return body;
}

function writeTools(request: CommonRequest, quirks: ChatQuirks, losses: Loss[]): object {
  const { toolChoice, parallelToolCalls } = request;
  if (!hasTools(request, losses)) return {};
  const field = cacheMarkField(quirks, request.model);
  // OpenAI's breakpoints stand in content alone.
  const markField = field === "cache_control" ? field : "none";
  // A choice among several has no form that all servers take; leaving the others out has.
  const names = toolChoice?.kind === "named" && toolChoice.names.length > 1 ? toolChoice.names : undefined;
  const tools = names === undefined ? request.tools : request.tools.filter(({ name }) => names.includes(name));
  return {
    tools: tools.map((tool) => writeTool(tool, markField)),
    ...(toolChoice === undefined ? {} : { tool_choice: writeChoice(toolChoice) }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  };
}

function writeTool({ name, description, parameters, strict, cache }: Tool, markField: CacheMarkField): object {
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(strict === undefined ? {} : { strict }),
    },
    ...writeCacheMark(cache, markField),
  };
}

function writeChoice(choice: ToolChoice): string | object {
  if (choice.kind !== "named") return choice.kind;
  const [name] = choice.names;
  if (choice.names.length > 1 || name === undefined) return "required";
  return { type: "function", function: { name } };
}

function writeFormat(format: OutputFormat): object {
  if (format.kind !== "schema") return { type: format.kind === "text" ? "text" : "json_object" };
  const { name, description, schema, strict } = format;
  return {
    type: "json_schema",
    json_schema: {
      name: name ?? SCHEMA_NAME,
      ...(description === undefined ? {} : { description }),
      schema,
      ...(strict === undefined ? {} : { strict }),
    },
  };
}
