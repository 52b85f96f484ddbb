import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { CHAT_FIELDS } from "../../../../../src/dialects/translate/openai-chat/fields.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-chat/read-request.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

type Body = Readonly<Record<string, unknown>>;

const USER = { role: "user", content: "hi" };
const CALL = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
const TOOL = { type: "function", function: { name: "f" } };
const base: Body = { model: "m", messages: [USER] };

const withMessage = (message: object): Body => ({ ...base, messages: [USER, message] });
const withPart = (part: object): Body => ({ ...base, messages: [{ role: "user", content: [part] }] });
const withTool = (extra: object): Body => ({ ...base, tools: [{ ...TOOL, function: { name: "f", ...extra } }] });
const file = (fields: object): Body => withPart({ type: "file", file: fields });
const text = { type: "text", text: "hi" };

/** A request that uses the field, and what it is to be compared with where that is not the plainest request. */
const EXAMPLES: Readonly<Record<string, Body | { readonly body: Body; readonly without: Body }>> = {
  model: { ...base, model: "other" },
  messages: { ...base, messages: [USER, USER] },
  "messages[].role": { ...base, messages: [{ role: "developer", content: "hi" }] },
  "messages[].content": { ...base, messages: [{ role: "user", content: "ho" }] },
  "messages[].name": { ...base, messages: [{ ...USER, name: "Ann" }] },
  "messages[].refusal": withMessage({ role: "assistant", content: null, refusal: "no" }),
  "messages[].tool_calls": withMessage({ role: "assistant", tool_calls: [CALL] }),
  "messages[].tool_calls[].extra_content.google.thought_signature": {
    body: withMessage({
      role: "assistant",
      tool_calls: [{ ...CALL, extra_content: { google: { thought_signature: "s" } } }],
    }),
    without: withMessage({ role: "assistant", tool_calls: [CALL] }),
  },
  "messages[].function_call": withMessage({ role: "assistant", function_call: { name: "f", arguments: "{}" } }),
  "messages[].tool_call_id": {
    body: withMessage({ role: "tool", tool_call_id: "a", content: "x" }),
    without: withMessage({ role: "tool", tool_call_id: "b", content: "x" }),
  },
  "messages[].reasoning_content": {
    body: withMessage({ role: "assistant", content: "x", reasoning_content: "hm" }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].reasoning_details": {
    body: withMessage({
      role: "assistant",
      content: "x",
      reasoning_details: [{ type: "reasoning.text", text: "hm", signature: "s", format: "anthropic-claude-v1" }],
    }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].images": {
    body: withMessage({
      role: "assistant",
      content: "x",
      images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAEC" } }],
    }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].audio": {
    body: withMessage({ role: "assistant", content: "x", audio: { id: "a" } }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].annotations": {
    body: withMessage({ role: "assistant", content: "x", annotations: [{ type: "url_citation" }] }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].parsed": {
    body: withMessage({ role: "assistant", content: "x", parsed: {} }),
    without: withMessage({ role: "assistant", content: "x" }),
  },
  "messages[].content[].text": withPart({ type: "text", text: "ho" }),
  "messages[].content[].refusal": withMessage({ role: "assistant", content: [{ type: "refusal", refusal: "no" }] }),
  "messages[].content[].image_url": withPart({ type: "image_url", image_url: { url: "https://example.com/a.png" } }),
  "messages[].content[].input_audio": withPart({ type: "input_audio", input_audio: { data: "AAEC", format: "wav" } }),
  "messages[].content[].file.file_data": file({ file_data: "data:application/pdf;base64,AAEC" }),
  "messages[].content[].file.filename": {
    body: file({ file_data: "data:application/pdf;base64,AAEC", filename: "a.pdf" }),
    without: file({ file_data: "data:application/pdf;base64,AAEC" }),
  },
  "messages[].content[].file.file_id": {
    body: file({ file_id: "file-1" }),
    without: { ...base, messages: [{ role: "user", content: [] }] },
  },
  "messages[].content[].prompt_cache_breakpoint": withPart({ ...text, prompt_cache_breakpoint: { mode: "explicit" } }),
  "messages[].content[].cache_control": withPart({ ...text, cache_control: { type: "ephemeral", ttl: "1h" } }),
  "tools[].function.name": { ...base, tools: [TOOL] },
  "tools[].function.description": { body: withTool({ description: "d" }), without: withTool({}) },
  "tools[].function.parameters": { body: withTool({ parameters: { type: "object" } }), without: withTool({}) },
  "tools[].function.strict": { body: withTool({ strict: true }), without: withTool({}) },
  "tools[].custom": { ...base, tools: [{ type: "custom", custom: { name: "f" } }] },
  functions: { ...base, functions: [{ name: "f" }] },
  function_call: { ...base, function_call: { name: "f" } },
  tool_choice: { ...base, tool_choice: "required" },
  parallel_tool_calls: { ...base, parallel_tool_calls: false },
  max_completion_tokens: { ...base, max_completion_tokens: 5 },
  max_tokens: { ...base, max_tokens: 5 },
  temperature: { ...base, temperature: 0 },
  top_p: { ...base, top_p: 0.5 },
  top_k: { ...base, top_k: 5 },
  seed: { ...base, seed: -5 },
  presence_penalty: { ...base, presence_penalty: -1 },
  frequency_penalty: { ...base, frequency_penalty: 1 },
  stop: { ...base, stop: "x" },
  response_format: { ...base, response_format: { type: "json_object" } },
  reasoning_effort: { ...base, reasoning_effort: "max" },
  logprobs: { ...base, logprobs: true },
  top_logprobs: { body: { ...base, logprobs: true, top_logprobs: 2 }, without: { ...base, logprobs: true } },
  user: { ...base, user: "u" },
  safety_identifier: { body: { ...base, user: "u", safety_identifier: "s" }, without: { ...base, user: "u" } },
  stream: { ...base, stream: true },
  "stream_options.include_usage": { ...base, stream_options: { include_usage: true } },
  "stream_options.include_obfuscation": { ...base, stream_options: { include_obfuscation: false } },
  prediction: { ...base, prediction: { type: "content", content: "x" } },
  prompt_cache_key: { ...base, prompt_cache_key: "k" },
  prompt_cache_retention: { ...base, prompt_cache_retention: "24h" },
  prompt_cache_options: { ...base, prompt_cache_options: { mode: "explicit" } },
  n: { ...base, n: 2 },
  modalities: { ...base, modalities: ["text", "audio"] },
  audio: { ...base, audio: { voice: "alloy", format: "wav" } },
  web_search_options: { ...base, web_search_options: {} },
  moderation: { ...base, moderation: { model: "omni" } },
  logit_bias: { ...base, logit_bias: { "1": 5 } },
  metadata: { ...base, metadata: { a: "b" } },
  service_tier: { ...base, service_tier: "flex" },
  store: { ...base, store: true },
  verbosity: { ...base, verbosity: "low" },
};

/** Values that lose nothing. */
const HARMLESS: Body = {
  n: 1,
  modalities: ["text"],
  logit_bias: {},
  metadata: {},
  service_tier: "auto",
  store: false,
  verbosity: "medium",
};

function read(body: Body): { readonly request: CommonRequest; readonly losses: readonly Loss[] } {
  const result = readRequest(body);
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

test("every row of the reference has its example, and every example its row", () => {
  const names = CHAT_FIELDS.map(({ field }) => field);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(Object.keys(EXAMPLES).sort(), names.sort());
});

for (const { field, fate, note } of CHAT_FIELDS) {
  test(`${field} is ${fate}, as the reference has it`, () => {
    const example = EXAMPLES[field]!;
    const { body, without } =
      "without" in example ? (example as { body: Body; without: Body }) : { body: example, without: base };
    const { request, losses } = read(body);
    if (fate === "carried") {
      assert.deepEqual(losses, []);
      assert.notDeepEqual(request, read(without).request);
      return;
    }
    assert.deepEqual(request, read(without).request);
    assert.notEqual(note, "");
    if (fate === "harmless") return assert.deepEqual(losses, []);
    const [loss, ...others] = losses;
    assert.deepEqual(others, []);
    // A custom tool is named as the tool that it is.
    assert.equal(loss!.field.replaceAll(/\[\d+\]/g, "[]"), field.replace(".custom", ""));
    assert.equal(loss!.essential === true, fate === "refused");
  });
}

test("values that lose nothing are passed over", () => {
  assert.deepEqual(
    CHAT_FIELDS.filter(({ harmlessWhen }) => harmlessWhen !== undefined)
      .map(({ field }) => field)
      .sort(),
    Object.keys(HARMLESS).sort(),
  );
  assert.deepEqual(read({ ...base, ...HARMLESS }), read(base));
  const nothing = Object.fromEntries(Object.keys(EXAMPLES).map((field) => [field, null]));
  assert.deepEqual(read({ ...nothing, ...base }), read(base));
});

test("a field that nobody knows is lost by its name", () => {
  const { losses } = read({ ...base, min_p: 0.5, messages: [{ ...USER, mood: "sad" }] });
  assert.deepEqual(losses, [
    { field: "messages[0].mood", reason: "is no field that other APIs have" },
    { field: "min_p", reason: "is no field that other APIs have" },
  ]);
});

test("a known field in the wrong place is lost by its name", () => {
  const { losses } = read({ ...base, messages: [{ ...USER, tool_calls: [CALL] }] });
  assert.deepEqual(losses, [{ field: "messages[0].tool_calls", reason: "means nothing here" }]);
});
