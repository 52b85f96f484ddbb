import assert from "node:assert/strict";
import { test } from "node:test";
import { BARE_REQUEST } from "../../../../support/common-request.ts";
import { faultOf, MINIMAL, read } from "./readings.ts";

test("the smallest request: a model and a string", () => {
  const messages = [{ role: "user", parts: [{ kind: "text", text: "Hi" }] }];
  assert.deepEqual(read({}), { ...BARE_REQUEST, wantsUsage: true, messages });
});

test("null is as good as not said, as the SDKs have it", () => {
  const nulls = Object.fromEntries(
    [
      [
        "instructions",
        "background",
        "conversation",
        "include",
        "max_output_tokens",
        "metadata",
        "moderation",
        "prompt",
      ],
      ["parallel_tool_calls", "previous_response_id", "reasoning", "service_tier", "store", "stream", "stream_options"],
      ["temperature", "text", "tools", "tool_choice", "top_logprobs", "top_p", "truncation", "user", "whatever"],
    ]
      .flat()
      .map((field) => [field, null]),
  );
  assert.deepEqual(read(nulls), read({}));
});

test("settings are carried as they are", () => {
  const request = read({
    stream: true,
    max_output_tokens: 100,
    temperature: 0.2,
    top_p: 0.9,
    parallel_tool_calls: false,
    user: "old",
    safety_identifier: "u1",
    reasoning: { effort: "max", summary: "auto" },
    include: ["message.output_text.logprobs", "reasoning.encrypted_content"],
    top_logprobs: 5,
  });
  assert.partialDeepStrictEqual(request, {
    stream: true,
    maxTokens: 100,
    temperature: 0.2,
    topP: 0.9,
    parallelToolCalls: false,
    userId: "u1",
    reasoning: { effort: "max", visible: true },
    logprobs: { top: 5 },
  });
  assert.deepEqual(read({ include: ["message.output_text.logprobs"] }).logprobs, { top: 0 });
  assert.deepEqual(read({ user: "u" }).userId, "u");
  assert.deepEqual(read({ reasoning: { effort: "low" } }).reasoning, { effort: "low" });
});

test("functions, and the choice among them", () => {
  const weather = { type: "function", name: "weather", description: "d", parameters: { type: "object" }, strict: true };
  const time = { type: "function", name: "time", parameters: null, strict: null };
  const tools = [weather, time];
  assert.deepEqual(read({ tools }).tools, [
    { name: "weather", description: "d", parameters: { type: "object" }, strict: true },
    { name: "time", description: undefined, parameters: undefined },
  ]);
  const choice = (tool_choice: unknown): unknown => read({ tools, tool_choice }).toolChoice;
  for (const kind of ["auto", "none", "required"]) assert.deepEqual(choice(kind), { kind });
  assert.deepEqual(choice({ type: "function", name: "time" }), { kind: "named", names: ["time"] });
  const allowed = read({
    tools,
    tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "time" }] },
  });
  assert.deepEqual(
    allowed.tools.map(({ name }) => name),
    ["time"],
  );
  assert.deepEqual(allowed.toolChoice, { kind: "required" });
  assert.equal(
    faultOf({ ...MINIMAL, tools, tool_choice: { type: "allowed_tools", tools: [{ type: "function", name: "tim" }] } }),
    "tool_choice.tools[0].name names no tool of this request",
  );
  assert.equal(
    faultOf({ ...MINIMAL, tools, tool_choice: { type: "allowed_tools", mode: "required", tools: [] } }),
    "tool_choice.tools must name a tool",
  );
});

test("a choice among very many tools costs no more than each of them", () => {
  const tools = Array.from({ length: 20_000 }, (_, i) => ({ type: "function", name: `f${i}` }));
  const before = process.cpuUsage();
  const request = read({ tools, tool_choice: { type: "allowed_tools", mode: "auto", tools: tools.toReversed() } });
  const { user, system } = process.cpuUsage(before);
  assert.equal(request.tools.length, tools.length);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});

test("output formats", () => {
  const schema = { type: "object", properties: {} };
  const format = (value: object): unknown => read({ text: { format: value } }).outputFormat;
  assert.deepEqual(format({ type: "text" }), { kind: "text" });
  assert.deepEqual(format({ type: "json_object" }), { kind: "json" });
  assert.deepEqual(format({ type: "json_schema", name: "n", schema, strict: true, description: "d" }), {
    kind: "schema",
    schema,
    name: "n",
    description: "d",
    strict: true,
  });
});

test("what is no request is a fault that names the field", () => {
  assert.equal(faultOf([]), " must be an object");
  assert.equal(faultOf({ input: "x" }), "model is missing");
  assert.equal(faultOf({ model: "m" }), "input is missing");
  assert.equal(faultOf({ model: "m", input: 5 }), "input must be an array");
  assert.equal(faultOf({ ...MINIMAL, temperature: "hot" }), "temperature must be a number");
  assert.equal(faultOf({ ...MINIMAL, temperature: 3 }), "temperature must be at most 2");
  assert.equal(faultOf({ ...MINIMAL, top_logprobs: 21 }), "top_logprobs must be at most 20");
  assert.equal(
    faultOf({ model: "m", input: [{ role: "robot", content: "x" }] }),
    "input[0].role must be one of user, assistant, system, developer",
  );
  assert.equal(faultOf({ model: "m", input: [{ role: "user" }] }), "input[0].content is missing");
  assert.equal(
    faultOf({ model: "m", input: [{ role: "user", content: 5 }] }),
    "input[0].content must be a string or an array of parts",
  );
  assert.equal(
    faultOf({
      model: "m",
      input: [{ role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,?" }] }],
    }),
    "input[0].content[0].image_url must be a data: URL with base64 in it",
  );
  assert.equal(
    faultOf({ model: "m", input: [{ role: "user", content: [{ type: "input_file", file_data: "AAAA" }] }] }),
    "input[0].content[0].file_data must be a data: URL, which says what type the file has",
  );
  assert.equal(
    faultOf({ model: "m", input: [{ type: "function_call", name: "f", arguments: "{}" }] }),
    "input[0].call_id is missing",
  );
  assert.equal(faultOf({ ...MINIMAL, tools: [{ type: "function" }] }), "tools[0].name is missing");
  assert.equal(
    faultOf({ ...MINIMAL, text: { format: { type: "json_schema", name: "n" } } }),
    "text.format.schema is missing",
  );
});
