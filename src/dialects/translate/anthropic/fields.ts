/**
 * What becomes of each field of a Messages request. The rows that are not `carried` decide it, the others tell of it (a
 * test holds them to the code). A field that has no row is lost by name.
 */
import { at, elements } from "../../json-access.ts";
import { carried, harmless, isEmpty, isOneOf, lost, refused, warned } from "../field-row.ts";
import type { FieldRow } from "../field-row.ts";

/** No other provider is sent earlier thoughts. */
const clearsThoughts = (value: unknown): boolean =>
  elements(at(value, "edits")).every((edit) => String(at(edit, "type")).startsWith("clear_thinking_"));

/** Every field of the official API. Of `content[]`, `system[]` and `tools[]`: of the types that have a place. */
export const ANTHROPIC_FIELDS: readonly FieldRow[] = [
  carried("model"),
  carried("max_tokens", "0, which only fills Anthropic's cache, is refused"),
  carried("stream"),
  carried("system"),
  carried("messages"),
  carried("messages[].role", "`system` after the conversation's beginning is moved there, which is a loss"),
  carried("messages[].content"),
  carried(
    "messages[].content[].type",
    "`text`, `image`, `document`, `thinking`, `redacted_thinking`, `tool_use`, `tool_result`; others are refused",
  ),
  carried("messages[].content[].text"),
  carried(
    "messages[].content[].source",
    "`base64`, `url`, `text`, and `content` that is a string; a `file` is refused",
  ),
  carried("messages[].content[].title", "but to Gemini, which is told and never refused"),
  carried("messages[].content[].thinking", "goes back to nobody but who takes it as input"),
  carried("messages[].content[].signature", "the proof of thoughts, which goes back to the family that made it"),
  carried("messages[].content[].data", "of `redacted_thinking`: as `signature`"),
  carried("messages[].content[].id"),
  carried("messages[].content[].name"),
  carried("messages[].content[].input"),
  carried("messages[].content[].tool_use_id"),
  carried("messages[].content[].content", "text, images and documents"),
  carried("messages[].content[].is_error"),
  carried("messages[].content[].cache_control"),
  warned(
    "messages[].content[].citations",
    "other APIs have no citations",
    (value) => isEmpty(value) || at(value, "enabled") === false,
  ),
  lost("messages[].content[].context", "other APIs have no context of a document"),
  lost(
    "messages[].content[].transformations",
    "other APIs can't be told what to do with large images",
    (value) => (at(value, "oversized_image") ?? "downsize") === "downsize",
  ),
  refused(
    "messages[].content[].caller",
    "only Anthropic runs code that calls tools",
    (value) => at(value, "type") === "direct",
  ),
  refused("messages[].content[].toolset_name", "only Anthropic has these toolsets"),
  carried("tools"),
  carried("tools[].type", "`custom`; Anthropic's own tools are refused"),
  carried("tools[].name"),
  carried("tools[].description"),
  carried("tools[].input_schema"),
  carried("tools[].strict"),
  carried("tools[].cache_control"),
  harmless("tools[].eager_input_streaming", "arguments are passed on as they come"),
  lost("tools[].allowed_callers", "only Anthropic runs code that calls tools", (value) =>
    elements(value).every(isOneOf("direct")),
  ),
  lost("tools[].defer_loading", "other APIs can't search for tools", isOneOf(false)),
  lost("tools[].input_examples", "other APIs have no examples of a tool's input", isEmpty),
  carried("tool_choice"),
  carried("tool_choice.disable_parallel_tool_use"),
  carried("temperature"),
  carried("top_p"),
  carried("top_k"),
  carried("stop_sequences"),
  carried("metadata.user_id", "as its hash where it is longer than others take"),
  carried("thinking", "`between_tools` as the effort `minimal`"),
  carried("thinking.budget_tokens"),
  carried("thinking.display"),
  carried("output_config.effort", "with thinking off it is lost"),
  carried("output_config.format"),
  lost("output_config.task_budget", "other APIs have no budget of a task"),
  carried("output_format", "the older name of `output_config.format`"),
  carried("cache_control", "as a mark on the last block"),
  harmless("service_tier", "which of Anthropic's capacities may be used"),
  lost("speed", "only Anthropic has a fast mode", isOneOf("standard")),
  refused("inference_geo", "other APIs can't be told where the data may be worked on"),
  refused("container", "only Anthropic holds the container"),
  refused("thread", "only Anthropic holds the thread's conversation; send it whole in `messages`"),
  refused("mcp_servers", "other APIs do not connect to these servers", isEmpty),
  lost("context_management", "other APIs do not edit a conversation by themselves", clearsThoughts),
  refused("compaction", "other APIs do not compact a conversation by themselves"),
  lost("diagnostics", "asks for a diagnosis of Anthropic's cache"),
  lost("fallbacks", "other APIs do not turn to another model by themselves", isEmpty),
  lost("fallback_credit_token", "only Anthropic gives these"),
  lost("billing_policy", "only Anthropic has these"),
];
