import assert from "node:assert/strict";
import { test } from "node:test";
import { readCountRequest, readRequest } from "../../../../../src/dialects/translate/anthropic/read-request.ts";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

const USER = { role: "user", content: "hi" };

/** Of a body with what it has to have, and `fields`. */
function read(fields: object): { readonly request: CommonRequest; readonly losses: readonly Loss[] } {
  const result = readRequest({ model: "m", max_tokens: 10, messages: [USER], ...fields });
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

function faultOf(body: unknown): string {
  const result = readRequest(body);
  assert.ok(!result.ok);
  return `${result.fault.field}: ${result.fault.message}`;
}

/** The paths of what is lost, those that are refused however lenient with a `!`. */
function lost(fields: object): string[] {
  return read(fields).losses.map(({ field, essential }) => (essential === true ? `${field}!` : field));
}

const content = (...blocks: object[]): object => ({ messages: [{ role: "user", content: blocks }] });
const said = (...blocks: object[]): object => ({ messages: [USER, { role: "assistant", content: blocks }] });

test("what is not as the API says is a fault with its path", () => {
  const whole = { model: "m", max_tokens: 10, messages: [USER] };
  const cases: readonly [unknown, string][] = [
    [[], ": must be an object"],
    [{ ...whole, model: undefined }, "model: is missing"],
    [{ ...whole, max_tokens: undefined }, "max_tokens: is missing"],
    [{ ...whole, max_tokens: -1 }, "max_tokens: must be at least 0"],
    [{ ...whole, messages: undefined }, "messages: is missing"],
    [{ ...whole, messages: [{ content: "x" }] }, "messages[0].role: is missing"],
    [{ ...whole, messages: [{ role: "user" }] }, "messages[0].content: is missing"],
    [{ ...whole, messages: [{ role: "user", content: [{ text: "x" }] }] }, "messages[0].content[0].type: is missing"],
    [{ ...whole, system: [{ type: "image" }] }, "system[0].type: must be one of text"],
    [{ ...whole, temperature: 2 }, "temperature: must be at most 1"],
    [{ ...whole, tools: [{ name: "f" }] }, "tools[0].input_schema: is missing"],
    [{ ...whole, tool_choice: { type: "tool" } }, "tool_choice.name: is missing"],
    [{ ...whole, thinking: { type: "enabled" } }, "thinking.budget_tokens: is missing"],
    [{ ...whole, thinking: { type: "enabled", budget_tokens: 5 } }, "thinking.budget_tokens: must be at least 1024"],
    [
      { ...whole, ...said({ type: "tool_use", id: "a", name: "f", input: "{}" }) },
      "messages[1].content[0].input: must be an object",
    ],
    [
      { ...whole, ...content({ type: "image", source: { type: "base64", media_type: "image/png", data: "?" } }) },
      "messages[0].content[0].source.data: must be base64",
    ],
  ];
  for (const [body, fault] of cases) assert.equal(faultOf(body), fault);
});

test("counting tokens needs no max_tokens", () => {
  const result = readCountRequest({ model: "m", messages: [USER] });
  assert.ok(result.ok);
  assert.equal(result.request.maxTokens, undefined);
});

test("state that Anthropic alone holds is refused by name", () => {
  assert.deepEqual(lost({ container: "c1" }), ["container!"]);
  assert.deepEqual(lost({ thread: { id: "t1" } }), ["thread!"]);
  assert.deepEqual(lost({ mcp_servers: [{ type: "url" }] }), ["mcp_servers!"]);
  assert.deepEqual(lost(content({ type: "document", source: { type: "file", file_id: "f1" } })), [
    "messages[0].content[0].source!",
  ]);
  assert.deepEqual(lost(content({ type: "container_upload", file_id: "f1" })), ["messages[0].content[0]!"]);
});

test("Anthropic's own tools are refused with their type", () => {
  const { losses } = read({ tools: [{ type: "web_search_20250305", name: "web_search" }] });
  assert.deepEqual(losses, [
    { field: "tools[0]", reason: "the tool web_search_20250305 is Anthropic's own", essential: true },
  ]);
});

test("blocks that only Anthropic's own tools have are refused, in a tool's result too", () => {
  const result = { type: "tool_result", tool_use_id: "a", content: [{ type: "tool_reference", tool_name: "x" }] };
  assert.deepEqual(lost(content(result)), ["messages[0].content[0].content[0]!"]);
  assert.deepEqual(lost(said({ type: "server_tool_use", id: "s", name: "web_search", input: {} })), [
    "messages[1].content[0]!",
  ]);
});

test("an unknown field is lost by name, wherever it stands", () => {
  const block = { type: "text", text: "x", novelty: 1 };
  assert.deepEqual(lost({ novelty: 1 }), ["novelty"]);
  assert.deepEqual(lost(content(block)), ["messages[0].content[0].novelty"]);
  assert.deepEqual(lost({ system: [block] }), ["system[0].novelty"]);
  assert.deepEqual(lost({ tools: [{ name: "f", input_schema: {}, novelty: 1 }] }), ["tools[0].novelty"]);
  assert.deepEqual(lost({ messages: [{ ...USER, novelty: 1 }] }), ["messages[0].novelty"]);
});

test("editing that only clears thoughts is harmless: nobody else is sent them", () => {
  const edits = (type: string): object => ({ context_management: { edits: [{ type }] } });
  assert.deepEqual(lost(edits("clear_thinking_20251015")), []);
  assert.deepEqual(lost(edits("clear_tool_uses_20250919")), ["context_management"]);
});

test("system messages at the beginning are the system prompt; later ones move there, which is told", () => {
  const system = { role: "system", content: "b" };
  const first = read({ system: "a", messages: [system, USER] });
  assert.deepEqual(first.request.system, [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]);
  assert.deepEqual(first.losses, []);
  const later = read({ messages: [USER, system] });
  assert.deepEqual(later.request.system, [{ kind: "text", text: "b" }]);
  assert.deepEqual(
    later.losses.map(({ field }) => field),
    ["messages[1].role"],
  );
});

test("a cache mark on the whole request stands on its last block that takes one", () => {
  const { request } = read({ cache_control: { type: "ephemeral" }, messages: [USER] });
  assert.deepEqual(request.messages[0]!.parts, [{ kind: "text", text: "hi", cache: { ttl: undefined } }]);
  const thoughts = read({
    cache_control: { type: "ephemeral", ttl: "1h" },
    ...said({ type: "text", text: "a" }, { type: "thinking", thinking: "hm", signature: "s" }),
  });
  assert.deepEqual(thoughts.request.messages[1]!.parts[0], { kind: "text", text: "a", cache: { ttl: "1h" } });
});

test("how much to think is read from thinking and effort together", () => {
  const cases: readonly [object, object | undefined][] = [
    [{}, undefined],
    [{ thinking: { type: "disabled" } }, { effort: "none" }],
    [{ thinking: { type: "enabled", budget_tokens: 2000 } }, { budgetTokens: 2000, visible: true }],
    [{ thinking: { type: "adaptive", display: "omitted" } }, { visible: false }],
    [
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
      { effort: "low", visible: true },
    ],
    [{ thinking: { type: "between_tools" } }, { effort: "minimal", visible: true }],
    [{ output_config: { effort: "max" } }, { effort: "max" }],
  ];
  for (const [fields, reasoning] of cases) {
    const result = read(fields);
    assert.deepEqual(result.request.reasoning, reasoning);
    assert.deepEqual(result.losses, []);
  }
  assert.deepEqual(lost({ thinking: { type: "disabled" }, output_config: { effort: "high" } }), [
    "output_config.effort",
  ]);
});

test("a schema is strict where it leaves nothing open, under its older name too", () => {
  const open = { type: "object", properties: { a: { type: "string" } } };
  const closed = { ...open, required: ["a"], additionalProperties: false };
  const format = (schema: object): object => ({ type: "json_schema", schema });
  assert.deepEqual(read({ output_config: { format: format(closed) } }).request.outputFormat, {
    kind: "schema",
    schema: closed,
    name: undefined,
    strict: true,
  });
  assert.deepEqual(read({ output_format: format(open) }).request.outputFormat, {
    kind: "schema",
    schema: open,
    name: undefined,
  });
});

test("base64 comes out in the standard alphabet, text documents as their bytes", () => {
  const { request } = read(
    content(
      { type: "image", source: { type: "base64", media_type: "image/png", data: "_-8" } },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "é" } },
      { type: "document", source: { type: "content", content: "x" }, citations: { enabled: false } },
    ),
  );
  assert.deepEqual(request.messages[0]!.parts, [
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "/+8=" } },
    { kind: "document", source: { kind: "base64", mediaType: "text/plain", data: "w6k=" } },
    { kind: "document", source: { kind: "base64", mediaType: "text/plain", data: "eA==" } },
  ]);
});

test("thoughts without a proof are read without one", () => {
  const { request } = read(said({ type: "thinking", thinking: "hm", signature: "" }));
  assert.deepEqual(request.messages[1]!.parts, [{ kind: "reasoning", text: "hm" }]);
});

test("a field of an object's prototype is not read", () => {
  const body = JSON.parse('{"model":"m","max_tokens":1,"messages":[],"__proto__":{"stream":true}}') as object;
  const result = readRequest(body);
  assert.ok(result.ok);
  assert.equal(result.request.stream, false);
  assert.deepEqual(
    result.losses.map(({ field }) => field),
    ["__proto__"],
  );
});
