/**
 * What becomes of each field of a Responses API request. The rows that are not `carried` decide it, the others tell of it (a
 * test holds them to the code). A field that has no row is lost by name.
 */
import type { FieldRow } from "../field-row.ts";

/** A row, with the values of the field by which nothing is lost. `null` and leaving it out never lose anything. */
export interface ResponsesField extends FieldRow {
  readonly harmlessValues?: readonly unknown[];
}

const carried = (field: string, note = ""): ResponsesField => ({ field, fate: "carried", note });
const harmless = (field: string, note: string): ResponsesField => ({ field, fate: "harmless", note });
const lost = (field: string, note: string, ...harmlessValues: readonly unknown[]): ResponsesField => ({
  field,
  fate: "lost",
  note,
  harmlessValues,
});
const refused = (field: string, note: string, ...harmlessValues: readonly unknown[]): ResponsesField => ({
  ...lost(field, note, ...harmlessValues),
  fate: "refused",
});

/** Every field of the official API. Of `input[]` and `tools[]`: of the types that have a place. */
export const RESPONSES_FIELDS: readonly ResponsesField[] = [
  carried("model"),
  carried("instructions", "before the system messages of `input`"),
  carried("input"),
  carried(
    "input[].type",
    "`message`, `function_call`, `function_call_output`, `reasoning`, `image_generation_call`; others are refused",
  ),
  carried(
    "input[].role",
    "`developer` as `system`; one after the conversation's beginning is moved there, which is a loss",
  ),
  carried("input[].content", "also the thoughts of a reasoning item"),
  carried("input[].content[].text"),
  carried("input[].content[].refusal"),
  carried("input[].content[].image_url"),
  carried("input[].content[].detail", "of images; `original` as `high`, which is a loss. Of files it is lost"),
  carried("input[].content[].file_data"),
  carried("input[].content[].file_url"),
  carried("input[].content[].filename"),
  carried("input[].content[].input_audio"),
  carried("input[].content[].prompt_cache_breakpoint", "as a cache mark; `ttl: 12h` as an hour, which is a loss"),
  refused("input[].content[].file_id", "only OpenAI holds the file; send its bytes or its address"),
  lost("input[].content[].annotations", "other APIs take no citations of earlier answers", []),
  harmless("input[].content[].logprobs", "of an answer; no model reads them"),
  harmless("input[].content[].parsed", "what the SDK made of the text"),
  carried("input[].call_id"),
  carried("input[].name"),
  carried("input[].arguments"),
  harmless("input[].parsed_arguments", "what the SDK made of the arguments"),
  carried("input[].output", "text, images and files"),
  carried("input[].summary", "thoughts; they go back to nobody but who takes them as input"),
  carried("input[].encrypted_content", "the proof of thoughts, which goes back to the family that made it"),
  carried("input[].result", "a picture that the model made"),
  refused("input[].caller", "only OpenAI runs programs that call tools", { type: "direct" }),
  refused("input[].namespace", "other APIs have no namespaces of tools"),
  refused("input[].async", "other APIs take a call's result at once", false),
  harmless("input[].id", "what OpenAI calls the item"),
  harmless("input[].status", "of an item that was returned"),
  harmless("input[].phase", "a label that only OpenAI's models read"),
  refused("previous_response_id", "only OpenAI holds the conversation; send it whole in `input`"),
  refused("conversation", "only OpenAI holds the conversation; send it whole in `input`"),
  refused("prompt", "only OpenAI holds prompt templates"),
  carried("tools[].type", "`function`; other tools are refused"),
  carried("tools[].name"),
  carried("tools[].description"),
  carried("tools[].parameters"),
  carried("tools[].strict"),
  refused("tools[].allowed_callers", "only OpenAI runs programs that call tools", ["direct"], []),
  refused("tools[].async", "other APIs take a call's result at once", false),
  lost("tools[].defer_loading", "other APIs can't search for tools; the model sees it from the beginning", false),
  lost("tools[].output_schema", "other APIs take no schema of a tool's results"),
  carried("tool_choice", "`allowed_tools` leaves the tools that it names; hosted tools are refused"),
  carried("parallel_tool_calls"),
  harmless("max_tool_calls", "counts the calls of hosted tools, which are refused"),
  carried("max_output_tokens"),
  carried("temperature"),
  carried("top_p"),
  carried("top_logprobs"),
  carried("include", "`message.output_text.logprobs`; what concerns hosted tools or stored items is harmless"),
  carried("text.format"),
  lost("text.verbosity", "only OpenAI's models take it", "medium"),
  carried("reasoning.effort", "`max` as `xhigh`, the highest that all families know"),
  carried("reasoning.summary", "any: the thoughts are shown"),
  carried("reasoning.generate_summary", "the older name of `reasoning.summary`"),
  lost("reasoning.mode", "only OpenAI's models have modes", "standard"),
  lost("reasoning.context", "which earlier thoughts a model sees is up to each API", "auto", "current_turn"),
  carried("safety_identifier"),
  carried("user", "where there is no `safety_identifier`"),
  carried("stream"),
  harmless("stream_options.include_obfuscation", "padding against eavesdroppers; the events that we make have none"),
  refused("background", "other APIs do not answer in the background", false),
  lost("store", "only OpenAI stores responses", false),
  lost("metadata", "is kept with responses that OpenAI stores", {}),
  lost("truncation", "other APIs do not shorten an input that is too long", "disabled"),
  lost("context_management", "other APIs do not compact a conversation by themselves", []),
  refused("moderation", "a check that OpenAI runs"),
  lost("access_programs", "only OpenAI has these"),
  lost("image", "only OpenAI compresses pictures", {}, { context_compression: "auto" }),
  lost("service_tier", "only OpenAI sells these", "auto", "default"),
  harmless("prompt_cache_key", "where to look for a cached prompt: cost alone"),
  harmless("prompt_cache_retention", "how long to cache: cost alone"),
  harmless("prompt_cache_options.mode", "how to cache: cost alone"),
  harmless("prompt_cache_options.ttl", "how long to cache: cost alone"),
  harmless("prompt_cache_options.comparison_response_id", "asks for a diagnosis of OpenAI's cache"),
  refused("prompt_cache_options.prewarm", "other APIs do not read a prompt without answering it", false),
];
