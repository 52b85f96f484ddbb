/**
 * Fields of a request that have no place in the common form: which of them mean nothing elsewhere, and what is said of the
 * rest. What stands in neither table is a {@link Loss} like any other.
 */
import { at, elements } from "../../json-access.ts";
import type { Fields } from "../json-pick.ts";
import type { Loss } from "../translation.ts";

interface OtherField {
  /** Why it may be left out, and when. */
  readonly harmless?: { readonly when: (value: unknown) => boolean; readonly why: string };
  /** What is said otherwise. */
  readonly reason?: string;
  readonly essential?: boolean;
}

/** Fields by name. */
type OtherFields = Readonly<Record<string, OtherField>>;

const always = (): boolean => true;
const isEmpty = (value: unknown): boolean => elements(value).length === 0 && Array.isArray(value);
const isFalse = (value: unknown): boolean => value === false;

/** Of the body. */
export const OTHER_REQUEST_FIELDS: OtherFields = {
  service_tier: { harmless: { when: always, why: "says which of Anthropic's capacities may be used" } },
  speed: {
    harmless: { when: (value) => value === "standard", why: "the default" },
    reason: "Anthropic's fast mode is known to Anthropic alone",
  },
  inference_geo: { reason: "where the data may be worked on can't be said to another provider", essential: true },
  container: { reason: "a container lives with Anthropic alone", essential: true },
  thread: { reason: "a thread's conversation is known to Anthropic alone", essential: true },
  mcp_servers: {
    harmless: { when: isEmpty, why: "there is none" },
    reason: "Anthropic's MCP connector is known to Anthropic alone",
    essential: true,
  },
  context_management: {
    harmless: {
      when: (value) =>
        elements(at(value, "edits")).every((edit) => String(at(edit, "type")).startsWith("clear_thinking_")),
      why: "no other provider is sent earlier thoughts",
    },
    reason: "Anthropic's context editing is known to Anthropic alone",
  },
  compaction: { reason: "Anthropic's compaction is known to Anthropic alone", essential: true },
  diagnostics: { reason: "Anthropic's cache diagnosis is known to Anthropic alone" },
  fallbacks: { reason: "fallbacks at Anthropic's side are known to Anthropic alone" },
};

/** Of `output_config`. */
export const OTHER_OUTPUT_FIELDS: OtherFields = {
  task_budget: { reason: "the upstream's API has no task budget" },
};

/** Of a tool. */
export const OTHER_TOOL_FIELDS: OtherFields = {
  eager_input_streaming: { harmless: { when: always, why: "asks for no more than arguments as they come" } },
  allowed_callers: {
    harmless: { when: (value) => elements(value).every((caller) => caller === "direct"), why: "the default" },
    reason: "only the model itself can call a tool at other providers",
  },
  defer_loading: { harmless: { when: isFalse, why: "the default" }, reason: "the upstream's API has no tool search" },
  input_examples: {
    harmless: { when: isEmpty, why: "there is none" },
    reason: "the upstream's API has no examples of a tool's input",
  },
};

/** Of a content block. */
export const OTHER_BLOCK_FIELDS: OtherFields = {
  citations: {
    harmless: { when: (value) => isEmpty(value) || at(value, "enabled") === false, why: "there is none" },
    reason: "the upstream's API has no citations",
  },
  caller: {
    harmless: { when: (value) => at(value, "type") === "direct", why: "the default" },
    reason: "the call was made by code that runs at Anthropic's",
    essential: true,
  },
  toolset_name: { reason: "Anthropic's toolsets are known to Anthropic alone", essential: true },
  transformations: {
    harmless: { when: (value) => (at(value, "oversized_image") ?? "downsize") === "downsize", why: "the default" },
    reason: "the upstream's API does not say what it does with large images",
  },
  context: { reason: "the upstream's API has no context of a document" },
};

/** Says what of `fields` has not been read and means something. Called when all that has a place has been read. */
export function loseUnread(fields: Fields, others: OtherFields, losses: Loss[]): void {
  for (const key of fields.unread()) {
    const other = Object.hasOwn(others, key) ? others[key]! : {};
    if (other.harmless?.when(fields.value(key)) === true) continue;
    const reason = other.reason ?? "the upstream's API has no such field";
    losses.push({ field: fields.pathOf(key), reason, ...(other.essential === true ? { essential: true } : {}) });
  }
}
