/** Reads a request's `generationConfig`. */
import type { CommonRequest, OutputFormat, Reasoning } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { isStrict } from "../strict-schema.ts";
import { protoEnum, protoInteger, protoNumber, protoObject, protoStrings } from "./proto-json.ts";
import { readDetail } from "./read-media.ts";
import { jsonSchema } from "./schema.ts";

/** What a `generationConfig` says. */
export type ReadConfig = Pick<
  CommonRequest,
  | "maxTokens"
  | "temperature"
  | "topP"
  | "topK"
  | "seed"
  | "presencePenalty"
  | "frequencyPenalty"
  | "stop"
  | "outputFormat"
  | "reasoning"
  | "logprobs"
> & {
  /** For every picture of the request. */
  readonly detail: "low" | "high" | undefined;
};

const LEVELS = ["MINIMAL", "LOW", "MEDIUM", "HIGH"] as const;

/** @throws {FieldFault} */
export function readConfig(config: Fields, losses: Losses): ReadConfig {
  const read: ReadConfig = {
    maxTokens: protoInteger(config, "maxOutputTokens", 1),
    temperature: protoNumber(config, "temperature"),
    topP: protoNumber(config, "topP"),
    topK: protoInteger(config, "topK"),
    seed: protoInteger(config, "seed"),
    presencePenalty: protoNumber(config, "presencePenalty"),
    frequencyPenalty: protoNumber(config, "frequencyPenalty"),
    stop: protoStrings(config, "stopSequences"),
    outputFormat: readFormat(config, losses),
    reasoning: readReasoning(config, losses),
    logprobs: readLogprobsWish(config),
    detail: readDetail(config.string("mediaResolution"), config.pathOf("mediaResolution"), losses),
  };
  readSingle(config, losses);
  losses.unread(config);
  return read;
}

/** One answer, in words: what the common form has. */
function readSingle(config: Fields, losses: Losses): void {
  if ((protoInteger(config, "candidateCount", 1) ?? 1) > 1) {
    losses.refuse(config.pathOf("candidateCount"), "there is one answer");
  }
  const modalities = protoStrings(config, "responseModalities").filter((modality) => !/^text$/i.test(modality));
  if (modalities.some((modality) => modality !== "MODALITY_UNSPECIFIED")) {
    losses.refuse(config.pathOf("responseModalities"), "only text is known elsewhere");
  }
}

function readFormat(config: Fields, losses: Losses): OutputFormat | undefined {
  const type = config.string("responseMimeType")?.toLowerCase();
  const older = config.record("responseSchema");
  // The name that it had before it was public.
  const newer = config.record("responseJsonSchema") ?? config.record("_responseJsonSchema");
  const schema = newer ?? (older === undefined ? undefined : jsonSchema(older));
  if (type !== undefined && !["", "text/plain", "application/json"].includes(type)) {
    losses.lose(config.pathOf("responseMimeType"), `${type} has no place outside the Gemini API`);
    return undefined;
  }
  if (schema !== undefined) {
    // Gemini always holds the model to it; elsewhere that is to be asked for, and only of such a schema.
    return { kind: "schema", schema, name: undefined, ...(isStrict(schema) ? { strict: true } : {}) };
  }
  if (type === "application/json") return { kind: "json" };
  return type === "text/plain" ? { kind: "text" } : undefined;
}

function readReasoning(config: Fields, losses: Losses): Reasoning | undefined {
  const thinking = protoObject(config, "thinkingConfig");
  if (thinking === undefined) return undefined;
  const visible = thinking.boolean("includeThoughts");
  const level = protoEnum(thinking, "thinkingLevel", LEVELS, "THINKING_LEVEL_UNSPECIFIED");
  const budget = protoInteger(thinking, "thinkingBudget", -1);
  losses.unread(thinking);
  const effort = level?.toLowerCase() as Reasoning["effort"];
  return {
    ...(budget === 0 ? { effort: "none" } : effort === undefined ? {} : { effort }),
    // -1: as much as the model likes, which is what every model does that is told nothing.
    ...(budget === undefined || budget <= 0 ? {} : { budgetTokens: budget }),
    ...(visible === undefined ? {} : { visible }),
  };
}

function readLogprobsWish(config: Fields): CommonRequest["logprobs"] {
  const wanted = config.boolean("responseLogprobs") ?? false;
  const top = protoInteger(config, "logprobs", 0) ?? 0;
  return wanted ? { top } : undefined;
}
