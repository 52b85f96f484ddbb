/**
 * Fields of a request that have no place in the common form: which are lost, which are harmless to pass over, and which
 * hold a state that only OpenAI has. One table; what is in none of these lists is a loss of its own.
 */
import type { Loss } from "../translation.ts";
import type { Fields } from "../json-pick.ts";

/** What becomes of a top-level field that nothing else reads. */
export interface UncarriedField {
  readonly field: string;
  /** The values by which nothing is lost: a list of them, or any. `null` and leaving it out always are. */
  readonly harmless?: readonly unknown[] | "any";
  /** Losing any other value would falsify the conversation. */
  readonly essential?: boolean;
  /** Why it is lost, or why it is not missed. */
  readonly note: string;
}

/** See {@link UncarriedField}. */
export const UNCARRIED_FIELDS: readonly UncarriedField[] = [
  {
    field: "previous_response_id",
    essential: true,
    note: "the conversation so far is held by OpenAI alone; send it whole in `input`",
  },
  {
    field: "conversation",
    essential: true,
    note: "the conversation is held by OpenAI alone; send it whole in `input`",
  },
  { field: "prompt", essential: true, note: "prompt templates are held by OpenAI alone" },
  { field: "background", harmless: [false], essential: true, note: "no other API answers in the background" },
  { field: "store", harmless: [false], note: "nothing is stored, so it can't be retrieved or referred to later" },
  { field: "metadata", harmless: [{}], note: "it is kept with stored responses, and nothing is stored" },
  {
    field: "truncation",
    harmless: ["disabled"],
    note: "no other API drops the beginning of an input that is too long",
  },
  { field: "context_management", harmless: [[]], note: "no other API compacts a conversation by itself" },
  { field: "moderation", note: "no other API returns moderation results" },
  { field: "access_programs", note: "these are programs of OpenAI's" },
  {
    field: "image",
    harmless: [{}, { context_compression: "auto" }],
    note: "no other API has image compression to set",
  },
  { field: "service_tier", harmless: ["auto", "default"], note: "tiers are each provider's own" },
  { field: "max_tool_calls", harmless: "any", note: "it counts calls of built-in tools, of which there are none" },
  { field: "prompt_cache_key", harmless: "any", note: "a hint for OpenAI's cache; answers are the same without" },
  { field: "prompt_cache_retention", harmless: "any", note: "a hint for OpenAI's cache; answers are the same without" },
];

/** The losses of the fields that are in the table, and of those that nobody has asked for. */
export function uncarriedLosses(body: Fields): Loss[] {
  const losses: Loss[] = [];
  for (const { field, harmless = [], essential, note } of UNCARRIED_FIELDS) {
    const value = body.value(field);
    if (value === undefined || harmless === "any" || harmless.some((allowed) => isSame(allowed, value))) continue;
    losses.push({ field, reason: note, ...(essential === true ? { essential } : {}) });
  }
  for (const field of body.unread()) losses.push({ field, reason: "no field of the Responses API that is known here" });
  return losses;
}

function isSame(allowed: unknown, value: unknown): boolean {
  return JSON.stringify(allowed) === JSON.stringify(value);
}
