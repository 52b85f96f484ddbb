/**
 * What a field of the common form is called in each caller's API, so that a caller reads of what it wrote itself.
 *
 * A name that the request does not have is not said: some fields have an older name or another place. Of parts and tools
 * {@link Places} knows where they stand.
 */
import type { CommonRequest } from "./common.ts";
import type { Places } from "./places.ts";
import type { FrontName } from "./registry.ts";

/** From the one that is most often meant to the least. */
type Names = Readonly<Record<string, readonly string[]>>;

const SCHEMA = "response_format.json_schema";
const CONFIG = "generationConfig";
const SCHEMAS = ["responseJsonSchema", "responseSchema", "_responseJsonSchema"].map((name) => `${CONFIG}.${name}`);

/** Of the request itself. Fields that an API does not have can't be lost by its callers. */
const FIELDS: Readonly<Record<FrontName, Names>> = {
  openai_chat: {
    toolChoice: ["tool_choice", "function_call"],
    parallelToolCalls: ["parallel_tool_calls"],
    maxTokens: ["max_completion_tokens", "max_tokens"],
    topP: ["top_p"],
    topK: ["top_k"],
    stop: ["stop"],
    presencePenalty: ["presence_penalty"],
    frequencyPenalty: ["frequency_penalty"],
    outputFormat: ["response_format"],
    "outputFormat.schema": [`${SCHEMA}.schema`],
    reasoning: ["reasoning_effort"],
    userId: ["safety_identifier", "user"],
  },
  openai_responses: {
    toolChoice: ["tool_choice"],
    parallelToolCalls: ["parallel_tool_calls"],
    maxTokens: ["max_output_tokens"],
    topP: ["top_p"],
    outputFormat: ["text.format"],
    reasoning: ["reasoning"],
    logprobs: ["top_logprobs", "include"],
    userId: ["safety_identifier", "user"],
  },
  anthropic: {
    toolChoice: ["tool_choice"],
    parallelToolCalls: ["tool_choice.disable_parallel_tool_use"],
    maxTokens: ["max_tokens"],
    topP: ["top_p"],
    topK: ["top_k"],
    stop: ["stop_sequences"],
    outputFormat: ["output_config.format", "output_format"],
    reasoning: ["thinking", "output_config.effort"],
    userId: ["metadata.user_id"],
  },
  gemini: {
    toolChoice: ["toolConfig.functionCallingConfig"],
    maxTokens: [`${CONFIG}.maxOutputTokens`],
    temperature: [`${CONFIG}.temperature`],
    topP: [`${CONFIG}.topP`],
    topK: [`${CONFIG}.topK`],
    seed: [`${CONFIG}.seed`],
    presencePenalty: [`${CONFIG}.presencePenalty`],
    frequencyPenalty: [`${CONFIG}.frequencyPenalty`],
    stop: [`${CONFIG}.stopSequences`],
    outputFormat: [...SCHEMAS, `${CONFIG}.responseMimeType`],
    "outputFormat.schema": SCHEMAS,
    reasoning: [`${CONFIG}.thinkingConfig`],
    logprobs: [`${CONFIG}.responseLogprobs`],
  },
};

/** Within a part or a tool; what is not listed is called the same. */
const WITHIN: Readonly<Record<FrontName, Names>> = {
  openai_chat: { detail: ["image_url.detail"], name: ["name", "file.filename"] },
  openai_responses: { name: ["name", "filename"] },
  anthropic: { arguments: ["input"], name: ["name", "title"], parameters: ["input_schema"] },
  gemini: {
    arguments: ["args"],
    detail: ["mediaResolution"],
    parameters: ["parametersJsonSchema", "parameters"],
  },
};

/** A request, as its caller wrote it and as it was read. */
export interface NamedRequest {
  readonly front: FrontName;
  /** The caller's, parsed. */
  readonly body: unknown;
  readonly request: CommonRequest;
  readonly places: Places;
}

/** @param field of the common form, such as `messages[1].parts[0].detail` or `topK`. @returns the caller's name for it. */
export function fieldOfCaller(field: string, named: NamedRequest): string {
  const steps = stepsOf(field);
  return placed(steps, named) ?? renamed(steps, named) ?? field;
}

/** Of a part or tool whose place is known: there, or as near as the request says it. */
function placed(steps: readonly Step[], { front, body, request, places }: NamedRequest): string | undefined {
  let here: unknown = request;
  let place: string | undefined;
  let rest: readonly Step[] = [];
  for (const [i, step] of steps.entries()) {
    here = own(here, step);
    const path = places.of(here);
    if (path === undefined) continue;
    place = path;
    rest = steps.slice(i + 1);
  }
  const [first, ...others] = rest;
  if (place === undefined || first === undefined) return place;
  const names = WITHIN[front][first] ?? [String(first)];
  const paths = names.map((name) => `${place}.${name}`);
  const found = paths.find((path) => isThere(body, path));
  return found === undefined ? place : found + written(others);
}

/** Of the request itself: by its longest part that has a name. */
function renamed(steps: readonly Step[], { front, body }: NamedRequest): string | undefined {
  for (let length = steps.length; length > 0; length--) {
    const names = FIELDS[front][written(steps.slice(0, length)).slice(1)];
    if (names === undefined) continue;
    const name = names.find((path) => isThere(body, path)) ?? names[0]!;
    const rest = steps.slice(length);
    // One stop sequence may stand by itself where a list is meant.
    return typeof rest[0] === "number" && !isThere(body, name + written(rest)) ? name : name + written(rest);
  }
  return undefined;
}

type Step = string | number;

/** `a.b[0]` → `a`, `b`, 0. */
function stepsOf(path: string): readonly Step[] {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([step, index]) => (index === undefined ? step : Number(index)));
}

/** The other way round, with a dot before the first. */
function written(steps: readonly Step[]): string {
  return steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
}

function isThere(body: unknown, path: string): boolean {
  let here = body;
  for (const step of stepsOf(path)) here = own(here, step);
  return here !== undefined && here !== null;
}

/** Google takes names in snake_case, too; readers call them as its reference does. */
function own(value: unknown, step: Step): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const names = [step, String(step).replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
  const name = names.find((one) => Object.hasOwn(value, one));
  return name === undefined ? undefined : (value as Readonly<Record<Step, unknown>>)[name];
}
