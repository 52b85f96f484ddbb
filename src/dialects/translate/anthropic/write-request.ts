/** A request as Anthropic takes it, `POST /v1/messages` (https://platform.claude.com/docs/en/api/messages). */
import type { CommonRequest, OutputFormat } from "../common.ts";
import { describedSchema } from "../described-schema.ts";
import type { Loss, WrittenRequest } from "../translation.ts";
import { fittingUserId } from "../user-id.ts";
import { traitsOf } from "./models.ts";
import type { ModelTraits } from "./models.ts";
import { outputSchema } from "./output-schema.ts";
import { writeMessages, writeSystem } from "./write-content.ts";
import { writeThinking } from "./write-thinking.ts";
import { writeTools } from "./write-tools.ts";

type Json = Readonly<Record<string, unknown>>;

const MAX_TEMPERATURE = 1;
/** The least that the API takes while the model thinks. */
const LEAST_TOP_P_THINKING = 0.95;

const MAX_USER_ID_LENGTH = 256;
/** Anthropic refuses requests that tell it an e-mail address or a telephone number. */
const PERSONAL = /@|^\+?[\d\s().-]{7,}$/;

const SAMPLING = [
  ["temperature", "temperature"],
  ["topP", "top_p"],
  ["topK", "top_k"],
] as const;

/** See {@link BackTranslation.writeRequest}. */
export function writeRequest(request: CommonRequest): WrittenRequest {
  const losses: Loss[] = [];
  const traits = traitsOf(request.model);
  const messages = writeMessages(request.messages, losses);
  const system = writeSystem(request.system);
  const maxTokens = request.maxTokens ?? traits.defaultMaxTokens;
  const { thinking, effort, thinks } = writeThinking(request, { traits, maxTokens, messages }, losses);
  const format = writeFormat(request.outputFormat, traits, losses);
  const outputConfig = {
    ...(effort === undefined ? {} : { effort }),
    ...(format === undefined ? {} : { format }),
  };
  loseOthers(request, losses);
  const body = {
    model: request.model,
    max_tokens: maxTokens,
    ...(request.stream ? { stream: true } : {}),
    ...(system.length === 0 ? {} : { system }),
    messages,
    ...writeTools(request, traits, thinks, losses),
    ...(thinking === undefined ? {} : { thinking }),
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    ...writeSampling(request, traits, thinks, losses),
    ...writeStop(request.stop, losses),
    ...(request.userId === undefined ? {} : { metadata: { user_id: fittingUserId(request.userId, isOpaque) } }),
  };
  return { path: "/messages", headers: [], body, losses };
}

function isOpaque(userId: string): boolean {
  return userId.length <= MAX_USER_ID_LENGTH && !PERSONAL.test(userId);
}

function writeFormat(format: OutputFormat | undefined, traits: ModelTraits, losses: Loss[]): Json | undefined {
  if (format?.kind === "json") {
    losses.push({ field: "outputFormat", reason: "the upstream's API (anthropic) has no JSON mode without a schema" });
  }
  if (format?.kind !== "schema") return undefined;
  if (!traits.takesSchemas) {
    losses.push({ field: "outputFormat", reason: "this model can't be held to a schema" });
    return undefined;
  }
  return { type: "json_schema", schema: outputSchema(describedSchema(format), "outputFormat.schema", losses) };
}

function writeSampling(request: CommonRequest, traits: ModelTraits, thinks: boolean, losses: Loss[]): Json {
  const { temperature = 1, topP = 1 } = request;
  const never = traits.sampling === "none" ? "this model takes none" : undefined;
  const thinking = thinks ? "this model takes none while it thinks" : undefined;
  const tooHot =
    temperature > MAX_TEMPERATURE ? `the upstream's API (anthropic) takes at most ${MAX_TEMPERATURE}` : undefined;
  const both = traits.sampling === "one" && temperature !== 1 && topP !== 1;
  const objections = {
    temperature: never ?? thinking ?? tooHot,
    topP:
      never ??
      (topP < LEAST_TOP_P_THINKING ? thinking : undefined) ??
      (both ? "this model takes temperature or top-p, not both" : undefined),
    topK: never ?? thinking,
  };
  const written: Record<string, number> = {};
  for (const [field, name] of SAMPLING) {
    const value = request[field];
    if (value === undefined) continue;
    const isDefault = value === 1 && field !== "topK";
    if (objections[field] === undefined) written[name] = value;
    else if (!isDefault) losses.push({ field, reason: objections[field] });
  }
  // Said together they are refused, even where one says nothing.
  if (traits.sampling === "one" && !both && written["temperature"] !== undefined && written["top_p"] !== undefined) {
    delete written[topP === 1 ? "top_p" : "temperature"];
  }
  return written;
}

function writeStop(stop: readonly string[], losses: Loss[]): Json {
  const kept = stop.filter((sequence, i) => {
    const fits = /\S/.test(sequence);
    if (!fits) losses.push({ field: `stop[${i}]`, reason: "the upstream's API (anthropic) takes none of white space" });
    return fits;
  });
  return kept.length === 0 ? {} : { stop_sequences: kept };
}

/** What the API has no field for. A penalty of 0 is none. */
function loseOthers(request: CommonRequest, losses: Loss[]): void {
  const lost = {
    seed: request.seed !== undefined,
    presencePenalty: (request.presencePenalty ?? 0) !== 0,
    frequencyPenalty: (request.frequencyPenalty ?? 0) !== 0,
    logprobs: request.logprobs !== undefined,
  };
  for (const [field, isLost] of Object.entries(lost)) {
    if (isLost) losses.push({ field, reason: `the upstream's API (anthropic) has none` });
  }
}
