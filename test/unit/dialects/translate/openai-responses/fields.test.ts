/** Holds the table of fields to the code: each row's field is sent, and becomes what the row says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RESPONSES_FIELDS } from "../../../../../src/dialects/translate/openai-responses/fields.ts";
import type { FieldRow } from "../../../../../src/dialects/translate/field-row.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-responses/read-request.ts";

type Json = Readonly<Record<string, unknown>>;

const message = (more: object): Json => ({ role: "user", content: "x", ...more });
const part = (value: object): Json => ({ role: "user", content: [value] });
const image = (more: object): Json => part({ type: "input_image", image_url: "https://example.com/a", ...more });
const file = (more: object): Json => part({ type: "input_file", ...more });
const textPart = (more: object): Json => part({ type: "input_text", text: "x", ...more });
const call = (more: object): Json => ({ type: "function_call", call_id: "c", name: "f", arguments: "{}", ...more });
const thoughts = (more: object): Json => ({ type: "reasoning", summary: [], ...more });
const tool = (more: object): Json => ({ type: "function", name: "f", parameters: null, strict: null, ...more });

/** For the inside of items and tools: without the field (or with another value of it), and with it. */
const NESTED: Readonly<Record<string, readonly [object, object]>> = {
  "input[].type": [{ input: [message({})] }, { input: [call({})] }],
  "input[].role": [{ input: [message({})] }, { input: [message({ role: "developer" })] }],
  "input[].content": [{ input: [message({})] }, { input: [message({ content: "y" })] }],
  "input[].content[].text": [{ input: [textPart({})] }, { input: [textPart({ text: "y" })] }],
  "input[].content[].refusal": [
    { input: [message({})] },
    { input: [message({}), { role: "assistant", content: [{ type: "refusal", refusal: "no" }] }] },
  ],
  "input[].content[].image_url": [{ input: [image({})] }, { input: [image({ image_url: "https://example.com/b" })] }],
  "input[].content[].detail": [{ input: [image({})] }, { input: [image({ detail: "low" })] }],
  "input[].content[].file_data": [
    { input: [file({ file_data: "data:text/plain;base64,AAAA" })] },
    { input: [file({ file_data: "data:text/plain;base64,AAAB" })] },
  ],
  "input[].content[].file_url": [
    { input: [file({ file_url: "https://example.com/a" })] },
    { input: [file({ file_url: "https://example.com/b" })] },
  ],
  "input[].content[].filename": [
    { input: [file({ file_url: "https://example.com/a" })] },
    { input: [file({ file_url: "https://example.com/a", filename: "a" })] },
  ],
  "input[].content[].input_audio": [
    { input: [message({})] },
    { input: [part({ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } })] },
  ],
  "input[].content[].prompt_cache_breakpoint": [
    { input: [textPart({})] },
    { input: [textPart({ prompt_cache_breakpoint: { mode: "explicit" } })] },
  ],
  "input[].content[].file_id": [{ input: [image({})] }, { input: [image({ file_id: "f" })] }],
  "input[].content[].annotations": [
    { input: [textPart({})] },
    { input: [textPart({ annotations: [{ type: "url_citation" }] })] },
  ],
  "input[].content[].logprobs": [{ input: [textPart({})] }, { input: [textPart({ logprobs: [1] })] }],
  "input[].content[].parsed": [{ input: [textPart({})] }, { input: [textPart({ parsed: { a: 1 } })] }],
  "input[].call_id": [{ input: [call({})] }, { input: [call({ call_id: "d" })] }],
  "input[].name": [{ input: [call({})] }, { input: [call({ name: "g" })] }],
  "input[].arguments": [{ input: [call({})] }, { input: [call({ arguments: '{"a":1}' })] }],
  "input[].parsed_arguments": [{ input: [call({})] }, { input: [call({ parsed_arguments: {} })] }],
  "input[].output": [
    { input: [{ type: "function_call_output", call_id: "c", output: "x" }] },
    { input: [{ type: "function_call_output", call_id: "c", output: "y" }] },
  ],
  "input[].summary": [
    { input: [thoughts({})] },
    { input: [thoughts({ summary: [{ type: "summary_text", text: "x" }] })] },
  ],
  "input[].encrypted_content": [{ input: [thoughts({})] }, { input: [thoughts({ encrypted_content: "x" })] }],
  "input[].result": [
    { input: [{ type: "image_generation_call", id: "i", status: "completed", result: "AAAA" }] },
    { input: [{ type: "image_generation_call", id: "i", status: "completed", result: "AAAB" }] },
  ],
  "input[].caller": [{ input: [call({})] }, { input: [call({ caller: { type: "program", caller_id: "p" } })] }],
  "input[].namespace": [{ input: [call({})] }, { input: [call({ namespace: "n" })] }],
  "input[].async": [{ input: [call({})] }, { input: [call({ async: true })] }],
  "input[].id": [{ input: [call({})] }, { input: [call({ id: "fc_1" })] }],
  "input[].status": [{ input: [call({})] }, { input: [call({ status: "completed" })] }],
  "input[].phase": [{ input: [message({})] }, { input: [message({ phase: "commentary" })] }],
  "tools[].type": [{}, { tools: [tool({})] }],
  "tools[].name": [{ tools: [tool({})] }, { tools: [tool({ name: "g" })] }],
  "tools[].description": [{ tools: [tool({})] }, { tools: [tool({ description: "d" })] }],
  "tools[].parameters": [{ tools: [tool({})] }, { tools: [tool({ parameters: { type: "object" } })] }],
  "tools[].strict": [{ tools: [tool({})] }, { tools: [tool({ strict: true })] }],
  "tools[].allowed_callers": [{ tools: [tool({})] }, { tools: [tool({ allowed_callers: ["programmatic"] })] }],
  "tools[].async": [{ tools: [tool({})] }, { tools: [tool({ async: true })] }],
  "tools[].defer_loading": [{ tools: [tool({})] }, { tools: [tool({ defer_loading: true })] }],
  "tools[].output_schema": [{ tools: [tool({})] }, { tools: [tool({ output_schema: {} })] }],
};

/** A value of each other field. */
const VALUES: Readonly<Record<string, unknown>> = {
  model: "n",
  instructions: "i",
  input: "y",
  previous_response_id: "r",
  conversation: "c",
  prompt: { id: "p" },
  tool_choice: "required",
  parallel_tool_calls: false,
  max_tool_calls: 3,
  max_output_tokens: 9,
  temperature: 1,
  top_p: 0.5,
  top_logprobs: 2,
  include: ["message.output_text.logprobs"],
  "text.format": { type: "json_object" },
  "text.verbosity": "low",
  "reasoning.effort": "low",
  "reasoning.summary": "auto",
  "reasoning.generate_summary": "auto",
  "reasoning.mode": "pro",
  "reasoning.context": "all_turns",
  safety_identifier: "s",
  user: "u",
  stream: true,
  "stream_options.include_obfuscation": false,
  background: true,
  store: true,
  metadata: { a: "b" },
  truncation: "auto",
  context_management: [{ type: "compaction" }],
  moderation: { model: "m" },
  access_programs: { cyber: "standard" },
  image: { context_compression: "enabled" },
  service_tier: "flex",
  prompt_cache_key: "k",
  prompt_cache_retention: "24h",
  "prompt_cache_options.mode": "explicit",
  "prompt_cache_options.ttl": "12h",
  "prompt_cache_options.comparison_response_id": "r",
  "prompt_cache_options.prewarm": true,
};

/** Values that lose nothing. */
const HARMLESS: Readonly<Record<string, readonly unknown[]>> = {
  "text.verbosity": ["medium"],
  "reasoning.mode": ["standard"],
  "reasoning.context": ["auto", "current_turn"],
  background: [false],
  store: [false],
  metadata: [{}],
  truncation: ["disabled"],
  context_management: [[]],
  image: [{}, { context_compression: "auto" }],
  service_tier: ["auto", "default"],
  "prompt_cache_options.prewarm": [false],
};

/** The request without the field and the one with it. @param value instead of the usual one. */
function pairOf(field: string, value: unknown = VALUES[field]): readonly [object, object] {
  const nested = NESTED[field];
  if (nested !== undefined) return nested;
  assert.notEqual(value, undefined, `no sample of ${field}`);
  const [outer, inner] = field.split(".") as [string, string?];
  return inner === undefined ? [{}, { [outer]: value }] : [{ [outer]: {} }, { [outer]: { [inner]: value } }];
}

function reads(more: object): { request: unknown; losses: [string, FieldRow["fate"]][] } {
  const read = readRequest({ model: "m", input: "x", ...more }, {});
  assert.ok(read.ok, JSON.stringify(read));
  const losses = read.losses.map(({ field, essential, warning }): [string, FieldRow["fate"]] => [
    field.replaceAll(/\[\d+\]/g, "[]"),
    essential === true ? "refused" : warning === true ? "warned" : "lost",
  ]);
  return { request: read.request, losses };
}

for (const { field, fate, harmlessWhen } of RESPONSES_FIELDS) {
  test(`${field} is ${fate}`, () => {
    const [without, having] = pairOf(field).map(reads) as [ReturnType<typeof reads>, ReturnType<typeof reads>];
    assert.deepEqual(without.losses, []);
    if (fate === "carried") assert.notDeepEqual(having.request, without.request);
    else assert.deepEqual(having.request, without.request);
    const expected = fate === "carried" || fate === "harmless" ? [] : [[field, fate]];
    assert.deepEqual(having.losses, expected);
    if (field in NESTED) return;
    assert.equal(field in HARMLESS, harmlessWhen !== undefined);
    for (const value of HARMLESS[field] ?? []) {
      const harmless = reads(pairOf(field, value)[1]);
      assert.deepEqual(harmless, without, JSON.stringify(value));
    }
  });
}

test("there is a sample of nothing but what has a row", () => {
  const rows = new Set(RESPONSES_FIELDS.map(({ field }) => field));
  assert.deepEqual(
    [...Object.keys(NESTED), ...Object.keys(VALUES)].filter((field) => !rows.has(field)),
    [],
  );
  assert.equal(rows.size, RESPONSES_FIELDS.length);
});
