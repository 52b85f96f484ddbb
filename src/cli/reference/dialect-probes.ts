/** Requests that ask for one thing each, for the reference of dialects: what every upstream's API makes of it is read off its writer. */
import type { CommonRequest, UserPart } from "../../dialects/translate/common.ts";
import type { FrontName } from "../../dialects/translate/registry.ts";

/** One row of the table of pairs. */
export interface DialectProbe {
  readonly what: string;
  /** What a caller of each API calls it; an API that can't say it has none. */
  readonly names: Readonly<Partial<Record<FrontName, string>>>;
  /** What it adds to {@link PLAIN}. */
  readonly asks: Partial<CommonRequest>;
  /** What of that is not the thing itself. */
  readonly beside?: Partial<CommonRequest>;
}

const hello = { kind: "text", text: "Hello" } as const;

/** A request that asks for nothing but an answer. */
export const PLAIN: Omit<CommonRequest, "model"> = {
  stream: false,
  wantsUsage: false,
  system: [],
  messages: [{ role: "user", parts: [hello] }],
  tools: [],
  toolChoice: undefined,
  parallelToolCalls: undefined,
  maxTokens: 32_000,
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

const userPart = (part: UserPart): Pick<CommonRequest, "messages"> => ({
  messages: [{ role: "user", parts: [hello, part] }],
});
/** Several parts, so that what is added is not that there are several. */
const besideText = userPart(hello);
const data = { kind: "base64", data: "AAAA" } as const;
const url = "https://example.com/file";
const schema = { type: "object", properties: {} };
const tool = { name: "weather", description: undefined, parameters: schema };
const call = { kind: "tool_call", id: "call_1", name: "weather", arguments: "{}" } as const;
const toolResult = { kind: "tool_result", id: "call_1", name: "weather", content: [hello], isError: false } as const;
const called: CommonRequest["messages"] = [
  { role: "user", parts: [hello] },
  { role: "assistant", parts: [call] },
];
const afterCall = (result: UserPart): Partial<CommonRequest> => ({
  tools: [tool],
  messages: [...called, { role: "user", parts: [result] }],
});

const CHAT_PART = "messages[].content[]";
const RESPONSES_PART = "input[].content[]";
const GEMINI_PART = "contents[].parts[]";
const CONFIG = "generationConfig";
const THINKING = `${CONFIG}.thinkingConfig`;

/** The names of a field that all have, from chat's to Gemini's. */
const names = (
  openai_chat: string | undefined,
  openai_responses: string | undefined,
  anthropic: string | undefined,
  gemini: string | undefined,
): DialectProbe["names"] =>
  Object.fromEntries(
    Object.entries({ openai_chat, openai_responses, anthropic, gemini }).filter(([, name]) => name !== undefined),
  );

/** See the file's comment. */
export const DIALECT_PROBES: readonly DialectProbe[] = [
  {
    what: "system prompt",
    names: names("messages[].role", "instructions", "system", "systemInstruction"),
    asks: { system: [{ kind: "text", text: "Be brief." }] },
  },
  {
    what: "picture, as data",
    names: names(
      `${CHAT_PART}.image_url`,
      `${RESPONSES_PART}.image_url`,
      `${CHAT_PART}.source`,
      `${GEMINI_PART}.inlineData`,
    ),
    beside: besideText,
    asks: userPart({ kind: "image", source: { ...data, mediaType: "image/png" } }),
  },
  {
    what: "picture, by its address",
    names: names(
      `${CHAT_PART}.image_url`,
      `${RESPONSES_PART}.image_url`,
      `${CHAT_PART}.source`,
      `${GEMINI_PART}.fileData`,
    ),
    beside: besideText,
    asks: userPart({ kind: "image", source: { kind: "url", url, mediaType: undefined } }),
  },
  {
    what: "how closely a picture is looked at",
    names: names(`${CHAT_PART}.image_url`, `${RESPONSES_PART}.detail`, undefined, `${GEMINI_PART}.mediaResolution`),
    beside: userPart({ kind: "image", source: { ...data, mediaType: "image/png" } }),
    asks: userPart({ kind: "image", source: { ...data, mediaType: "image/png" }, detail: "low" }),
  },
  {
    what: "PDF, as data",
    names: names(
      `${CHAT_PART}.file.file_data`,
      `${RESPONSES_PART}.file_data`,
      `${CHAT_PART}.source`,
      `${GEMINI_PART}.inlineData`,
    ),
    beside: besideText,
    asks: userPart({ kind: "document", source: { ...data, mediaType: "application/pdf" } }),
  },
  {
    what: "PDF, by its address",
    names: names(undefined, `${RESPONSES_PART}.file_url`, `${CHAT_PART}.source`, `${GEMINI_PART}.fileData`),
    beside: besideText,
    asks: userPart({ kind: "document", source: { kind: "url", url, mediaType: "application/pdf" } }),
  },
  {
    what: "sound (wav, mp3)",
    names: names(`${CHAT_PART}.input_audio`, `${RESPONSES_PART}.input_audio`, undefined, `${GEMINI_PART}.inlineData`),
    beside: besideText,
    asks: userPart({ kind: "audio", source: { ...data, mediaType: "audio/wav" } }),
  },
  {
    what: "tools",
    names: names("tools[].function.name", "tools[].name", "tools[].name", "tools[].functionDeclarations[].name"),
    asks: { tools: [tool] },
  },
  {
    what: "tools that keep to their schema",
    names: names(
      "tools[].function.strict",
      "tools[].strict",
      "tools[].strict",
      "toolConfig.functionCallingConfig.mode",
    ),
    beside: { tools: [tool] },
    asks: { tools: [{ ...tool, strict: true }] },
  },
  {
    what: "some tool has to be called",
    names: names("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig.mode"),
    beside: { tools: [tool] },
    asks: { tools: [tool], toolChoice: { kind: "required" } },
  },
  {
    what: "a certain tool has to be called",
    names: names("tool_choice", "tool_choice", "tool_choice", "toolConfig.functionCallingConfig.allowedFunctionNames"),
    beside: { tools: [tool, { ...tool, name: "time" }] },
    asks: { tools: [tool, { ...tool, name: "time" }], toolChoice: { kind: "named", names: ["weather"] } },
  },
  {
    what: "one tool at a time",
    names: names("parallel_tool_calls", "parallel_tool_calls", "tool_choice.disable_parallel_tool_use", undefined),
    beside: { tools: [tool] },
    asks: { tools: [tool], parallelToolCalls: false },
  },
  {
    what: "a tool's result",
    names: names(
      "messages[].tool_call_id",
      "input[].output",
      `${CHAT_PART}.tool_use_id`,
      `${GEMINI_PART}.functionResponse`,
    ),
    beside: { tools: [tool], messages: called },
    asks: afterCall(toolResult),
  },
  {
    what: "a tool's result that is an error",
    names: names(undefined, undefined, `${CHAT_PART}.is_error`, `${GEMINI_PART}.functionResponse`),
    beside: afterCall(toolResult),
    asks: afterCall({ ...toolResult, isError: true }),
  },
  {
    what: "a picture in a tool's result",
    names: names(undefined, "input[].output", `${CHAT_PART}.content`, `${GEMINI_PART}.functionResponse`),
    beside: afterCall(toolResult),
    asks: afterCall({
      ...toolResult,
      content: [hello, { kind: "image", source: { ...data, mediaType: "image/png" } }],
    }),
  },
  {
    what: "most tokens of the answer",
    names: names("max_completion_tokens", "max_output_tokens", "max_tokens", `${CONFIG}.maxOutputTokens`),
    asks: { maxTokens: 1234 },
  },
  {
    what: "no limit of the answer said",
    names: names("max_completion_tokens", "max_output_tokens", undefined, `${CONFIG}.maxOutputTokens`),
    asks: { maxTokens: undefined },
  },
  {
    what: "temperature up to 1",
    names: names("temperature", "temperature", "temperature", `${CONFIG}.temperature`),
    asks: { temperature: 0.5 },
  },
  {
    what: "temperature over 1",
    names: names("temperature", "temperature", undefined, `${CONFIG}.temperature`),
    asks: { temperature: 1.5 },
  },
  { what: "top p", names: names("top_p", "top_p", "top_p", `${CONFIG}.topP`), asks: { topP: 0.5 } },
  { what: "top k", names: names("top_k", undefined, "top_k", `${CONFIG}.topK`), asks: { topK: 5 } },
  { what: "seed", names: names("seed", undefined, undefined, `${CONFIG}.seed`), asks: { seed: 7 } },
  {
    what: "presence penalty",
    names: names("presence_penalty", undefined, undefined, `${CONFIG}.presencePenalty`),
    asks: { presencePenalty: 0.5 },
  },
  {
    what: "frequency penalty",
    names: names("frequency_penalty", undefined, undefined, `${CONFIG}.frequencyPenalty`),
    asks: { frequencyPenalty: 0.5 },
  },
  {
    what: "stop sequences",
    names: names("stop", undefined, "stop_sequences", `${CONFIG}.stopSequences`),
    asks: { stop: ["END"] },
  },
  {
    what: "JSON without a schema",
    names: names("response_format", "text.format", undefined, `${CONFIG}.responseMimeType`),
    asks: { outputFormat: { kind: "json" } },
  },
  {
    what: "JSON by a schema",
    names: names("response_format", "text.format", "output_config.format", `${CONFIG}.responseJsonSchema`),
    asks: { outputFormat: { kind: "schema", schema, name: undefined } },
  },
  {
    what: "thinking: high effort",
    names: names("reasoning_effort", "reasoning.effort", "output_config.effort", `${THINKING}.thinkingLevel`),
    asks: { reasoning: { effort: "high" } },
  },
  {
    what: "thinking: a budget",
    names: names(undefined, undefined, "thinking.budget_tokens", `${THINKING}.thinkingBudget`),
    asks: { reasoning: { budgetTokens: 4000 } },
  },
  {
    what: "thinking: none",
    names: names("reasoning_effort", "reasoning.effort", "thinking", `${THINKING}.thinkingBudget`),
    asks: { reasoning: { effort: "none" } },
  },
  {
    what: "thoughts to be shown",
    names: names(undefined, "reasoning.summary", "thinking.display", `${THINKING}.includeThoughts`),
    beside: { reasoning: { effort: "high" } },
    asks: { reasoning: { effort: "high", visible: true } },
  },
  {
    what: "probabilities of tokens",
    names: names("logprobs", "top_logprobs", undefined, `${CONFIG}.responseLogprobs`),
    asks: { logprobs: { top: 3 } },
  },
  {
    what: "who the end user is",
    names: names("safety_identifier", "safety_identifier", "metadata.user_id", undefined),
    asks: { userId: "u1" },
  },
  {
    what: "a mark of what to cache",
    names: names(
      `${CHAT_PART}.prompt_cache_breakpoint`,
      `${RESPONSES_PART}.prompt_cache_breakpoint`,
      `${CHAT_PART}.cache_control`,
      undefined,
    ),
    beside: besideText,
    asks: userPart({ ...hello, cache: { ttl: undefined } }),
  },
];
