/**
 * What becomes of each field of a chat completions request. The rows that are not `carried` decide it, the others tell of
 * it (a test holds them to the code). A field that has no row is lost by name.
 */
import type { FieldRow } from "../field-row.ts";
import { isRecord } from "../json-pick.ts";

/** A row, with the values of the field that lose nothing. */
export interface ChatField extends FieldRow {
  readonly harmlessWhen?: (value: unknown) => boolean;
}

const isEmpty = (value: unknown): boolean => isRecord(value) && Object.keys(value).length === 0;
const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

const carried = (field: string, note = ""): ChatField => ({ field, fate: "carried", note });
const harmless = (field: string, note: string): ChatField => ({ field, fate: "harmless", note });
const lost = (field: string, note: string, harmlessWhen?: ChatField["harmlessWhen"]): ChatField => ({
  field,
  fate: "lost",
  note,
  ...(harmlessWhen === undefined ? {} : { harmlessWhen }),
});
const refused = (field: string, note: string, harmlessWhen?: ChatField["harmlessWhen"]): ChatField => ({
  ...lost(field, note, harmlessWhen),
  fate: "refused",
});

/** Every field of the official API, and those of its imitators that have a place. */
export const CHAT_FIELDS: readonly ChatField[] = [
  carried("model"),
  carried("messages"),
  carried("messages[].role", "`developer` as `system`; `function` as `tool`"),
  carried("messages[].content"),
  lost("messages[].name", "only OpenAI's chat API names who speaks"),
  carried("messages[].refusal"),
  carried("messages[].tool_calls"),
  carried("messages[].tool_calls[].extra_content.google.thought_signature", "goes back to Gemini alone"),
  carried("messages[].function_call", "a tool call whose id is made from its place"),
  carried("messages[].tool_call_id"),
  carried("messages[].reasoning_content", "also `reasoning`; thoughts go back to nobody but who takes them as input"),
  carried("messages[].reasoning_details", "signed thoughts, which go back to the family that signed them"),
  carried("messages[].images", "pictures that the model made, as OpenRouter has them"),
  refused("messages[].audio", "an answer that only OpenAI holds"),
  harmless("messages[].annotations", "of an answer; no model reads them"),
  harmless("messages[].parsed", "what the SDK made of the content"),
  carried("messages[].content[].text"),
  carried("messages[].content[].refusal"),
  carried("messages[].content[].image_url", "`detail: original` is lost"),
  carried("messages[].content[].input_audio"),
  carried("messages[].content[].file.file_data"),
  carried("messages[].content[].file.filename"),
  refused("messages[].content[].file.file_id", "a file that only OpenAI holds"),
  carried("messages[].content[].prompt_cache_breakpoint", "as a cache mark; `ttl: 12h` is lost"),
  carried("messages[].content[].cache_control", "as OpenRouter has it; also of a message and of a tool"),
  carried("tools[].function.name"),
  carried("tools[].function.description"),
  carried("tools[].function.parameters"),
  carried("tools[].function.strict"),
  refused("tools[].custom", "a tool whose input is no JSON"),
  carried("functions", "as tools"),
  carried("function_call", "as tool_choice"),
  carried("tool_choice", "`allowed_tools` leaves the tools that it names"),
  carried("parallel_tool_calls"),
  carried("max_completion_tokens"),
  carried("max_tokens"),
  carried("temperature"),
  carried("top_p"),
  carried("top_k", "no field of OpenAI's, but of most of its imitators"),
  carried("seed"),
  carried("presence_penalty"),
  carried("frequency_penalty"),
  carried("stop"),
  carried("response_format"),
  carried("reasoning_effort", "`max` as `xhigh`, the highest that all families know"),
  carried("logprobs"),
  carried("top_logprobs"),
  carried("user"),
  carried("safety_identifier", "in place of `user`"),
  carried("stream"),
  carried("stream_options.include_usage"),
  harmless(
    "stream_options.include_obfuscation",
    "padding against eavesdroppers, which is lost anyway where events are made anew",
  ),
  harmless("prediction", "saves time, never changes the answer"),
  harmless("prompt_cache_key", "where to look for a cached prompt: cost alone"),
  harmless("prompt_cache_retention", "how long to cache: cost alone"),
  harmless("prompt_cache_options", "how to cache: cost alone"),
  refused("n", "other APIs give one answer", isOneOf(1)),
  refused("modalities", "other APIs' models answer in text", (value) => JSON.stringify(value) === '["text"]'),
  lost("audio", "other APIs' models answer in text"),
  refused("web_search_options", "a search that OpenAI runs"),
  refused("moderation", "a check that OpenAI runs"),
  lost("logit_bias", "its token numbers are those of OpenAI's models", isEmpty),
  lost("metadata", "is kept with answers that OpenAI stores", isEmpty),
  lost("service_tier", "only OpenAI sells these", isOneOf("auto", "default")),
  lost("store", "only OpenAI stores answers", isOneOf(false)),
  lost("verbosity", "only OpenAI's models take it", isOneOf("medium")),
];
