/** A request of the Responses API, read into the common form. */
import type { CommonRequest, OutputFormat, Reasoning, TextPart } from "../common.ts";
import { Fields, FieldFault, reading } from "../json-pick.ts";
import type { ReadRequest } from "../translation.ts";
import { Losses } from "./losses.ts";
import { readInput } from "./read-input.ts";
import { readTools } from "./read-tools.ts";
import { echoOf } from "./request-echo.ts";
import { uncarriedLosses } from "./request-fields.ts";

/** Of `include`: what concerns tools that are refused by themselves, or responses that are stored. */
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
const LOGPROBS = "message.output_text.logprobs";

/** See `FrontTranslation.readRequest`. */
export function readRequest(body: unknown, path: { readonly model?: string }): ReadRequest {
  const losses = new Losses();
  const read = reading(() => {
    const fields = new Fields(body);
    return { fields, request: requestOf(fields, path.model, losses) };
  });
  if (read instanceof FieldFault) return { ok: false, fault: read };
  losses.list.push(...uncarriedLosses(read.fields));
  return { ok: true, request: read.request, losses: losses.list, echo: echoOf(body as Record<string, unknown>) };
}

function requestOf(body: Fields, modelOfPath: string | undefined, losses: Losses): CommonRequest {
  const model = body.string("model") ?? modelOfPath ?? body.fault("model", "is missing");
  const instructions = body.string("instructions");
  const input = readInput(body, losses);
  const system: TextPart[] =
    instructions === undefined || instructions === "" ? [] : [{ kind: "text", text: instructions }];
  readStreamOptions(body, losses);
  readCacheOptions(body, losses);
  const user = body.string("user");
  return {
    model,
    stream: body.boolean("stream") ?? false,
    wantsUsage: true,
    system: [...system, ...input.system],
    messages: input.messages,
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
    outputFormat: readText(body.object("text"), losses),
    reasoning: readReasoning(body.object("reasoning"), losses),
    logprobs: readLogprobs(body, losses),
    userId: body.string("safety_identifier") ?? user,
  };
}

function readText(text: Fields | undefined, losses: Losses): OutputFormat | undefined {
  if (text === undefined) return undefined;
  const verbosity = text.oneOf("verbosity", ["low", "medium", "high"]);
  if (verbosity !== undefined && verbosity !== "medium") {
    losses.add(text.pathOf("verbosity"), "other APIs have no verbosity to set");
  }
  for (const field of text.unread()) {
    if (field !== "format") losses.add(text.pathOf(field), "no field of `text` that is known here");
  }
  const format = text.object("format");
  if (format === undefined) return undefined;
  const type = format.oneOf("type", ["text", "json_object", "json_schema"]) ?? format.fault("type", "is missing");
  if (type !== "json_schema") return { kind: type === "text" ? "text" : "json" };
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
  const summary = reasoning.string("summary") ?? reasoning.string("generate_summary");
  reasoning.value("generate_summary");
  if ((reasoning.string("mode") ?? "standard") !== "standard") {
    losses.add(reasoning.pathOf("mode"), "other APIs have no modes of reasoning");
  }
  const context = reasoning.string("context") ?? "auto";
  if (context !== "auto" && context !== "current_turn") {
    losses.add(reasoning.pathOf("context"), "which earlier thoughts a model sees is up to each API");
  }
  for (const field of reasoning.unread()) {
    losses.add(reasoning.pathOf(field), "no field of `reasoning` that is known here");
  }
  return {
    // The common form's most is `xhigh`; the other APIs' most is not more.
    ...(effort === undefined ? {} : { effort: effort === "max" ? "xhigh" : effort }),
    ...(summary === undefined ? {} : { visible: true }),
  };
}

function readLogprobs(body: Fields, losses: Losses): { readonly top: number } | undefined {
  const top = body.integer("top_logprobs", { min: 0, max: 20 });
  const include = body.strings("include") ?? [];
  for (const [i, value] of include.entries()) {
    if (value !== LOGPROBS && !HARMLESS_INCLUDES.has(value)) {
      losses.add(body.pathOf(`include[${i}]`), `${value} is not known here`);
    }
  }
  if (!include.includes(LOGPROBS) && (top ?? 0) === 0) return undefined;
  return { top: top ?? 0 };
}

function readStreamOptions(body: Fields, losses: Losses): void {
  const options = body.object("stream_options");
  // Padding against eavesdroppers who know the sizes of packets; our answers have none.
  options?.boolean("include_obfuscation");
  for (const field of options?.unread() ?? []) {
    losses.add(options!.pathOf(field), "no field of `stream_options` that is known here");
  }
}

function readCacheOptions(body: Fields, losses: Losses): void {
  const options = body.record("prompt_cache_options");
  if (options?.["prewarm"] === true) {
    losses.essential(body.pathOf("prompt_cache_options.prewarm"), "no other API reads a prompt without answering it");
  }
}
