/** Writes `generationConfig` (https://ai.google.dev/api/generate-content#generationconfig). */
import type { CommonRequest, Message, OutputFormat, UserPart } from "../common.ts";
import { pathsOf } from "../common-path.ts";
import { describedSchema } from "../described-schema.ts";
import type { Loss } from "../translation.ts";
import type { ModelTraits } from "./model-traits.ts";
import { writeThinking } from "./write-thinking.ts";

/** Gemini takes no more. */
const MAX_STOP_SEQUENCES = 5;

/** @returns `generationConfig`, without what was not said. */
export function writeConfig(
  request: CommonRequest,
  traits: ModelTraits,
  losses: Loss[],
): Readonly<Record<string, unknown>> {
  const { stop, seed, logprobs } = request;
  if (stop.length > MAX_STOP_SEQUENCES) {
    losses.push({ field: "stop", reason: `Gemini takes at most ${MAX_STOP_SEQUENCES} stop sequences` });
  }
  const isSeed = seed === undefined || Math.trunc(seed) === (seed | 0);
  if (!isSeed) losses.push({ field: "seed", reason: "Gemini takes seeds of 32 bits" });
  const config = {
    maxOutputTokens: request.maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    seed: isSeed ? seed : undefined,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    stopSequences: stop.length > 0 ? stop.slice(0, MAX_STOP_SEQUENCES) : undefined,
    ...writeFormat(request.outputFormat),
    responseLogprobs: logprobs === undefined ? undefined : true,
    logprobs: logprobs === undefined || logprobs.top === 0 ? undefined : logprobs.top,
    thinkingConfig: writeThinking(request.reasoning, traits.thinking, losses),
    mediaResolution: writeDetail(request.messages, losses),
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

function writeFormat(format: OutputFormat | undefined): Readonly<Record<string, unknown>> {
  if (format === undefined) return {};
  if (format.kind !== "schema") return { responseMimeType: format.kind === "text" ? "text/plain" : "application/json" };
  // The schema's name is a label for the caller; its description speaks to the model.
  return { responseMimeType: "application/json", responseJsonSchema: describedSchema(format) };
}

/** One resolution for the whole request: the parts' own is for Gemini 3 alone. */
function writeDetail(messages: readonly Message[], losses: Loss[]): string | undefined {
  const parts = messages.flatMap((message): readonly UserPart[] => (message.role === "user" ? message.parts : []));
  const images = parts.filter((part) => part.kind === "image");
  const details = new Set(images.map(({ detail }) => detail ?? "auto"));
  const pathOf = pathsOf(messages);
  for (const image of details.size > 1 ? images : []) {
    if ((image.detail ?? "auto") === "auto") continue;
    losses.push({
      field: `${pathOf(image)}.detail`,
      reason: "Gemini has one resolution for all pictures of a request",
    });
  }
  const [detail] = details;
  if (details.size !== 1 || detail === "auto") return undefined;
  return detail === "low" ? "MEDIA_RESOLUTION_LOW" : "MEDIA_RESOLUTION_HIGH";
}
