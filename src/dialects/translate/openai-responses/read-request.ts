/** A request of the Responses API, read into the common form. */
import type { CommonRequest, OutputFormat, Reasoning, TextPart } from "../common.ts";
import { Fields, FieldFault, reading } from "../json-pick.ts";
import type { ReadRequest } from "../translation.ts";
import type { Losses } from "../losses.ts";
import { responsesLosses } from "./losses.ts";
import { readInput } from "./read-input.ts";
import { readTools } from "./read-tools.ts";
import { echoOf } from "./request-echo.ts";

const LOGPROBS = "message.output_text.logprobs";
/** What else can be included concerns hosted tools, which are refused, or responses that are stored, which none is. */
const HARMLESS_INCLUDES: ReadonlySet<string> = new Set([
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "message.input_image.image_url",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
  // Always in the answer, where there is any.
  "reasoning.encrypted_content",
]);

/** See `FrontTranslation.readRequest`. */
export function readRequest(body: unknown, path: { readonly model?: string }): ReadRequest {
  const losses = responsesLosses();
  const request = reading(() => read(new Fields(body), path.model, losses));
  if (request instanceof FieldFault) return { ok: false, fault: request };
  return {
    ok: true,
    request,
    losses: losses.found,
    places: losses.places,
    thoughts: request.reasoning?.visible === true ? "told" : "proved",
    echo: echoOf(body as Readonly<Record<string, unknown>>),
  };
}

function read(body: Fields, modelOfPath: string | undefined, losses: Losses): CommonRequest {
  const instructions = body.string("instructions") ?? "";
  const instructed: TextPart[] = instructions === "" ? [] : [{ kind: "text", text: instructions }];
  const { system, messages } = readInput(body, losses);
  const user = body.string("user");
  const request: CommonRequest = {
    model: body.string("model") ?? modelOfPath ?? body.fault("model", "is missing"),
    stream: body.boolean("stream") ?? false,
    wantsUsage: true,
    system: [...instructed, ...system],
    messages,
    ...readTools(body, losses),
    parallelToolCalls: body.boolean("parallel_tool_calls"),
    maxTokens: body.integer("max_output_tokens", { min: 1 }),
    temperature: body.number("temperature", { min: 0, max: 2 }),
    topP: body.number("top_p", { min: 0, max: 1 }),
    topK: undefined,
    seed: undefined,
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    stop: [],
    outputFormat: readFormat(body.object("text"), losses),
    reasoning: readReasoning(body.object("reasoning"), losses),
    logprobs: readLogprobs(body, losses),
    userId: body.string("safety_identifier") ?? user,
  };
  for (const key of ["stream_options", "prompt_cache_options"]) {
    const options = body.object(key);
    if (options !== undefined) losses.unread(options);
  }
  losses.unread(body);
  return request;
}

function readFormat(text: Fields | undefined, losses: Losses): OutputFormat | undefined {
  if (text === undefined) return undefined;
  const format = text.object("format");
  losses.unread(text);
  if (format === undefined) return undefined;
  const type = format.oneOf("type", ["text", "json_object", "json_schema"]) ?? format.fault("type", "is missing");
  const read = type === "json_schema" ? readSchema(format) : ({ kind: type === "text" ? "text" : "json" } as const);
  losses.unread(format);
  return read;
}

function readSchema(format: Fields): OutputFormat {
  const description = format.string("description");
  const strict = format.boolean("strict");
  return {
    kind: "schema",
    schema: format.record("schema") ?? format.fault("schema", "is missing"),
    name: format.requiredString("name"),
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  };
}

function readReasoning(reasoning: Fields | undefined, losses: Losses): Reasoning | undefined {
  if (reasoning === undefined) return undefined;
  const effort = reasoning.oneOf("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
  const older = reasoning.string("generate_summary");
  const summary = reasoning.string("summary") ?? older;
  losses.unread(reasoning);
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(summary === undefined ? {} : { visible: true }),
  };
}

function readLogprobs(body: Fields, losses: Losses): { readonly top: number } | undefined {
  const top = body.integer("top_logprobs", { min: 0, max: 20 }) ?? 0;
  const included = body.strings("include") ?? [];
  for (const [i, value] of included.entries()) {
    if (value === LOGPROBS || HARMLESS_INCLUDES.has(value)) continue;
    losses.lose(body.pathOf(`include[${i}]`), `other APIs have no ${value}`);
  }
  return top > 0 || included.includes(LOGPROBS) ? { top } : undefined;
}
