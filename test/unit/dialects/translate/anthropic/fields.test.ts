/** The table of fields says what the reader of requests does, and leaves out no field of the official SDK's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ANTHROPIC_FIELDS } from "../../../../../src/dialects/translate/anthropic/fields.ts";
import { readRequest } from "../../../../../src/dialects/translate/anthropic/read-request.ts";
import type { ReadRequest } from "../../../../../src/dialects/translate/translation.ts";

type Json = Record<string, unknown>;

/** A block or tool that the field stands in, where there is more than one kind. */
const TEXT = { type: "text", text: "x" };
const IMAGE = { type: "image", source: { type: "url", url: "https://x.test/a.png" } };
const DOCUMENT = { ...IMAGE, type: "document" };
const CALL = { type: "tool_use", id: "a", name: "f", input: {} };
const RESULT = { type: "tool_result", tool_use_id: "a" };
const THOUGHT = { type: "thinking", thinking: "hm", signature: "s" };
const SCHEMA = { type: "object", properties: { a: { type: "string" } } };
const CACHE = { type: "ephemeral" };

/** A value for each field that means something, and the block around it. Fields of the body stand alone. */
const SAMPLES: Readonly<Record<string, { readonly value: unknown; readonly around?: Json; readonly role?: string }>> = {
  model: { value: "other" },
  max_tokens: { value: 7 },
  stream: { value: true },
  system: { value: "s" },
  messages: { value: [{ role: "user", content: "other" }] },
  "messages[].role": { value: "assistant", around: { content: "x" } },
  "messages[].content": { value: "other", around: { role: "user" } },
  "messages[].content[].type": { value: "text", around: { text: "x" } },
  "messages[].content[].text": { value: "other", around: TEXT },
  "messages[].content[].source": { value: { type: "url", url: "https://x.test/b.png" }, around: IMAGE },
  "messages[].content[].title": { value: "t", around: DOCUMENT },
  "messages[].content[].thinking": { value: "other", around: THOUGHT, role: "assistant" },
  "messages[].content[].signature": { value: "other", around: THOUGHT, role: "assistant" },
  "messages[].content[].data": { value: "d", around: { type: "redacted_thinking" }, role: "assistant" },
  "messages[].content[].id": { value: "b", around: CALL, role: "assistant" },
  "messages[].content[].name": { value: "g", around: CALL, role: "assistant" },
  "messages[].content[].input": { value: { a: 1 }, around: CALL, role: "assistant" },
  "messages[].content[].caller": { value: { type: "code_execution_20250825" }, around: CALL, role: "assistant" },
  "messages[].content[].toolset_name": { value: "computer", around: CALL, role: "assistant" },
  "messages[].content[].tool_use_id": { value: "b", around: RESULT },
  "messages[].content[].content": { value: "r", around: RESULT },
  "messages[].content[].is_error": { value: true, around: RESULT },
  "messages[].content[].cache_control": { value: CACHE, around: TEXT },
  "messages[].content[].citations": { value: { enabled: true }, around: DOCUMENT },
  "messages[].content[].context": { value: "c", around: DOCUMENT },
  "messages[].content[].transformations": { value: { oversized_image: "error" }, around: IMAGE },
  tools: { value: [{ name: "f", input_schema: SCHEMA }] },
  "tools[].type": { value: "custom" },
  "tools[].name": { value: "g" },
  "tools[].description": { value: "d" },
  "tools[].input_schema": { value: SCHEMA },
  "tools[].strict": { value: true },
  "tools[].cache_control": { value: CACHE },
  "tools[].eager_input_streaming": { value: true },
  "tools[].allowed_callers": { value: ["code_execution_20250825"] },
  "tools[].defer_loading": { value: true },
  "tools[].input_examples": { value: [{ a: "x" }] },
  tool_choice: { value: { type: "any" } },
  "tool_choice.disable_parallel_tool_use": { value: true, around: { type: "auto" } },
  temperature: { value: 0.5 },
  top_p: { value: 0.5 },
  top_k: { value: 5 },
  stop_sequences: { value: ["x"] },
  "metadata.user_id": { value: "u" },
  thinking: { value: { type: "adaptive" } },
  "thinking.budget_tokens": { value: 2000, around: { type: "enabled" } },
  "thinking.display": { value: "omitted", around: { type: "adaptive" } },
  "output_config.effort": { value: "low" },
  "output_config.format": { value: { type: "json_schema", schema: SCHEMA } },
  "output_config.task_budget": { value: { type: "tokens", total: 5 } },
  output_format: { value: { type: "json_schema", schema: SCHEMA } },
  cache_control: { value: CACHE },
  service_tier: { value: "standard_only" },
  speed: { value: "fast" },
  inference_geo: { value: "eu" },
  container: { value: "c" },
  thread: { value: { id: "t" } },
  mcp_servers: { value: [{ type: "url" }] },
  context_management: { value: { edits: [{ type: "clear_tool_uses_20250919" }] } },
  compaction: { value: {} },
  diagnostics: { value: { previous_message_id: "m" } },
  fallbacks: { value: ["x"] },
  fallback_credit_token: { value: "x" },
  billing_policy: { value: { type: "x" } },
};

/** A request that has the field alone, and where it stands in it. */
function requestWith(field: string): { readonly body: Json; readonly path: string } {
  const { value, around = {}, role = "user" } = SAMPLES[field]!;
  const body: Json = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "x" }] };
  const key = field.split(".").at(-1)!;
  const holder = { ...around, [key]: value };
  if (field.startsWith("messages[].content[].")) {
    return { body: { ...body, messages: [{ role, content: [holder] }] }, path: `messages[0].content[0].${key}` };
  }
  if (field.startsWith("messages[].")) return { body: { ...body, messages: [holder] }, path: `messages[0].${key}` };
  if (field.startsWith("tools[].")) {
    return { body: { ...body, tools: [{ name: "f", input_schema: {}, ...holder }] }, path: `tools[0].${key}` };
  }
  const [outer] = field.split(".");
  return { body: { ...body, [outer!]: field === outer ? value : holder }, path: field };
}

/** The same without it. */
function requestWithout(field: string): Json {
  const { body } = requestWith(field);
  const bare = structuredClone(body);
  const key = field.split(".").at(-1)!;
  const remove = (holder: unknown): void => void delete (holder as Json)[key];
  if (field.startsWith("messages[].content[].")) {
    remove(((bare["messages"] as Json[])[0]!["content"] as Json[])[0]);
  } else if (field.startsWith("messages[].")) remove((bare["messages"] as Json[])[0]);
  else if (field.startsWith("tools[].")) remove((bare["tools"] as Json[])[0]);
  else if (field.includes(".")) remove(bare[field.split(".")[0]!]);
  else remove(bare);
  return bare;
}

/** What decides whether a field made a difference. */
const meaning = (read: ReadRequest): unknown => (read.ok ? read.request : read.fault);

for (const { field, fate, note } of ANTHROPIC_FIELDS) {
  test(`${field} is ${fate}, as the table says`, () => {
    const { body, path } = requestWith(field);
    const read = readRequest(body);
    assert.ok(read.ok, JSON.stringify(read));
    const without = meaning(readRequest(requestWithout(field)));
    if (fate === "carried") {
      assert.deepEqual(read.losses, []);
      // The only type that the reader takes for granted.
      if (field !== "tools[].type") assert.notDeepEqual(read.request, without);
    } else {
      assert.deepEqual(read.request, without, "what has no place changes nothing else");
      const level = { refused: { essential: true }, warned: { warning: true }, lost: {}, harmless: {} }[fate];
      assert.deepEqual(read.losses, fate === "harmless" ? [] : [{ field: path, reason: note, ...level }]);
    }
  });
}

test("values by which nothing is lost are passed over", () => {
  const cases: readonly [string, unknown][] = [
    ["messages[].content[].citations", []],
    ["messages[].content[].citations", { enabled: false }],
    ["messages[].content[].transformations", { oversized_image: "downsize" }],
    ["messages[].content[].caller", { type: "direct" }],
    ["tools[].allowed_callers", ["direct"]],
    ["tools[].defer_loading", false],
    ["tools[].input_examples", []],
    ["speed", "standard"],
    ["mcp_servers", []],
    ["context_management", { edits: [] }],
    ["fallbacks", []],
  ];
  for (const [field, value] of cases) {
    assert.equal(ANTHROPIC_FIELDS.find((row) => row.field === field)!.harmlessWhen!(value), true, field);
  }
});

test("every field of the body that the official SDK names has its row", () => {
  const types = (file: string): string =>
    readFileSync(new URL(`../../../../../node_modules/@anthropic-ai/sdk/resources/${file}`, import.meta.url), "utf8");
  const rows = new Set(ANTHROPIC_FIELDS.map(({ field }) => field.split(/[.[]/)[0]!));
  for (const file of ["messages/messages.d.ts", "beta/messages/messages.d.ts"]) {
    const declared = /^export interface MessageCreateParamsBase \{(.*?)^\}/ms.exec(types(file))![1]!;
    const fields = [...declared.matchAll(/\/\*\*\s+\* (Body|Header) param.*?\*\/\s+(\w+)\??:/gs)];
    assert.ok(fields.length > 15);
    for (const [, place, name] of fields) if (place === "Body") assert.ok(rows.has(name!), `${file}: ${name}`);
  }
});
