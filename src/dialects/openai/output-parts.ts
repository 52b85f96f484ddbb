/** Parts of the Responses API's output items: how their text stands in the item, and what the events say that end them. */

type Json = Readonly<Record<string, unknown>>;

/** What a part is. */
export interface PartForm {
  /** Where its text stands in it, and in the event that says it whole. */
  readonly field: "text" | "refusal" | "arguments" | "input";
  /** Where it stands in the item; `undefined`: the item has the text itself. */
  readonly list?: "content" | "summary";
  /** The rest of the part. */
  readonly rest?: Json;
  /** The rest of the event that says the text whole. */
  readonly withText?: Json;
  /** The event that ends the part. */
  readonly partDone?: string;
}

const CONTENT = { list: "content", partDone: "response.content_part.done" } as const;

/** By what their events are called, without `.delta` or `.done`. */
export const PARTS: ReadonlyMap<string, PartForm> = new Map<string, PartForm>([
  [
    "response.output_text",
    {
      ...CONTENT,
      field: "text",
      rest: { type: "output_text", annotations: [], logprobs: [] },
      withText: { logprobs: [] },
    },
  ],
  ["response.refusal", { ...CONTENT, field: "refusal", rest: { type: "refusal" } }],
  ["response.reasoning_text", { ...CONTENT, field: "text", rest: { type: "reasoning_text" } }],
  [
    "response.reasoning_summary_text",
    {
      field: "text",
      list: "summary",
      rest: { type: "summary_text" },
      partDone: "response.reasoning_summary_part.done",
    },
  ],
  ["response.function_call_arguments", { field: "arguments" }],
  ["response.mcp_call_arguments", { field: "arguments" }],
  ["response.custom_tool_call_input", { field: "input" }],
]);

const NAMES: ReadonlyMap<unknown, string> = new Map([...PARTS].map(([name, { rest }]) => [rest?.["type"], name]));

/** @param type of a part, such as `output_text`. @returns what its events are called; empty where it is none that is known. */
export function partNamed(type: unknown): string {
  return (type === undefined ? undefined : NAMES.get(type)) ?? "";
}
