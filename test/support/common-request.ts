/** A request of the common form that says nothing. */
import type { CommonRequest } from "../../src/dialects/translate/common.ts";

/** To be spread, with what a test is about. */
export const BARE_REQUEST: CommonRequest = {
  model: "m",
  stream: false,
  wantsUsage: false,
  system: [],
  messages: [],
  tools: [],
  toolChoice: undefined,
  parallelToolCalls: undefined,
  maxTokens: undefined,
  temperature: undefined,
  topP: undefined,
  topK: undefined,
  seed: undefined,
  presencePenalty: undefined,
  frequencyPenalty: undefined,
  stop: [],
  outputFormat: undefined,
  reasoning: undefined,
  logprobs: undefined,
  userId: undefined,
};
