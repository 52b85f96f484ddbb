import assert from "node:assert/strict";
import { test } from "node:test";
import { BARE_REQUEST } from "../../../../support/common-request.ts";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-responses/read-request.ts";

const MINIMAL = { model: "m", input: "Hi" };

function readWhole(body: unknown): { request: CommonRequest; losses: readonly Loss[] } {
  const read = readRequest(body, {});
  assert.ok(read.ok, JSON.stringify(read));
  return read;
}

/** Reads what must not lose anything. */
function read(more: object): CommonRequest {
  const { request, losses } = readWhole({ ...MINIMAL, ...more });
  assert.deepEqual(losses, []);
  return request;
}

const inputOf = (...input: object[]): CommonRequest => read({ input });
const lossesOf = (more: object): readonly Loss[] => readWhole({ ...MINIMAL, ...more }).losses;
const faultOf = (body: unknown): string => {
  const found = readRequest(body, {});
  return found.ok ? "none" : `${found.fault.field} ${found.fault.message}`;
};

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

test("instructions come first, then the system and developer messages at the beginning", () => {
  const { system, messages } = read({
    instructions: "one",
    input: [
      { role: "developer", content: "two" },
      { type: "message", role: "system", content: [{ type: "input_text", text: "three" }] },
      { role: "user", content: "Hi" },
    ],
  });
  assert.deepEqual(
    system.map(({ text }) => text),
    ["one", "two", "three"],
  );
  assert.equal(messages.length, 1);
});

test("a system message in the middle moves to the beginning, and that is said", () => {
  const { request, losses } = readWhole({
    model: "m",
    input: [
      { role: "user", content: "Hi" },
      { role: "developer", content: "Be brief." },
    ],
  });
  assert.deepEqual(request.system, [{ kind: "text", text: "Be brief." }]);
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [["input[1].role", undefined]],
  );
});

test("images, files and sound are told apart, whatever their base64 looks like", () => {
  const { messages } = inputOf({
    role: "user",
    content: [
      { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
      { type: "input_image", image_url: "data:image/webp;base64,_-8" },
      { type: "input_file", file_data: "data:application/pdf;base64,AAAA", filename: "a.pdf" },
      { type: "input_file", file_data: "AAAA", filename: "notes.txt" },
      { type: "input_file", file_data: "JVBERi0x" },
      { type: "input_file", file_url: "https://example.com/b.pdf" },
      { type: "input_file", file_data: "data:image/png;base64,AAAA" },
      { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
      { type: "input_text", text: "x", prompt_cache_breakpoint: { mode: "explicit" } },
    ],
  });
  assert.deepEqual(messages[0]!.parts, [
    { kind: "image", source: { kind: "url", url: "https://example.com/a.png", mediaType: undefined }, detail: "low" },
    { kind: "image", source: { kind: "base64", mediaType: "image/webp", data: "/+8=" } },
    { kind: "document", source: { kind: "base64", mediaType: "application/pdf", data: "AAAA" }, name: "a.pdf" },
    { kind: "document", source: { kind: "base64", mediaType: "text/plain", data: "AAAA" }, name: "notes.txt" },
    { kind: "document", source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0x" } },
    { kind: "document", source: { kind: "url", url: "https://example.com/b.pdf", mediaType: undefined } },
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
    { kind: "audio", source: { kind: "base64", mediaType: "audio/mpeg", data: "AAAA" } },
    { kind: "text", text: "x", cache: { ttl: undefined } },
  ]);
});

test("what others have less of is carried as their most, and that is said", () => {
  const { request, losses } = readWhole({
    model: "m",
    input: [
      {
        role: "user",
        content: [
          { type: "input_image", image_url: "https://example.com/a.png", detail: "original" },
          { type: "input_file", file_url: "https://example.com/a.pdf", detail: "high" },
          { type: "input_text", text: "x", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
          { type: "input_text", text: "y", prompt_cache_breakpoint: { mode: "explicit", ttl: "30m" } },
        ],
      },
    ],
  });
  assert.partialDeepStrictEqual(request.messages[0]!.parts, [
    { detail: "high" },
    { kind: "document" },
    { cache: { ttl: "1h" } },
    { cache: { ttl: undefined } },
  ]);
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [
      ["input[0].content[0].detail", undefined],
      ["input[0].content[1].detail", undefined],
      ["input[0].content[2].prompt_cache_breakpoint.ttl", undefined],
    ],
  );
});

test("a conversation with thoughts, calls and results is read into turns", () => {
  const { messages } = inputOf(
    { role: "user", content: "Weather?" },
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm" }], encrypted_content: "gAAA" },
    {
      type: "message",
      id: "msg_1",
      status: "completed",
      role: "assistant",
      phase: "commentary",
      content: [{ type: "output_text", text: "Let me see.", annotations: [], logprobs: [] }],
    },
    { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: '{"at":1}', status: "completed" },
    { type: "function_call", call_id: "c2", name: "now", arguments: "" },
    { type: "function_call_output", call_id: "c2", output: "noon" },
    {
      type: "function_call_output",
      call_id: "c1",
      output: [
        { type: "input_text", text: "sun" },
        { type: "input_image", image_url: "data:image/png;base64,AAAA" },
      ],
    },
    { role: "user", content: "Thanks" },
    { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
  );
  assert.deepEqual(messages, [
    { role: "user", parts: [{ kind: "text", text: "Weather?" }] },
    {
      role: "assistant",
      parts: [
        { kind: "reasoning", text: "Hm", signature: { family: "openai", data: "gAAA" } },
        { kind: "text", text: "Let me see." },
        { kind: "tool_call", id: "c1", name: "look", arguments: '{"at":1}' },
        { kind: "tool_call", id: "c2", name: "now", arguments: "{}" },
      ],
    },
    {
      role: "user",
      parts: [
        { kind: "tool_result", id: "c2", name: "now", content: [{ kind: "text", text: "noon" }], isError: false },
        {
          kind: "tool_result",
          id: "c1",
          name: "look",
          content: [
            { kind: "text", text: "sun" },
            { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
          ],
          isError: false,
        },
        { kind: "text", text: "Thanks" },
      ],
    },
    { role: "assistant", parts: [{ kind: "refusal", text: "No." }] },
  ]);
});

test("a call's signature is read from the item before it, and from none of an earlier turn", () => {
  const carrier = { type: "reasoning", summary: [], encrypted_content: "hw1.gemini.call.c2ln" };
  const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c", output: "" };
  const calls = (...items: object[]): unknown[] =>
    inputOf(...items).messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === "tool_call" ? [part.signature] : [])),
    );
  assert.deepEqual(calls(carrier, call, output), [{ family: "gemini", data: "c2ln" }]);
  assert.deepEqual(calls(carrier, call, call), [{ family: "gemini", data: "c2ln" }, undefined]);
  assert.deepEqual(calls(carrier, { role: "user", content: "x" }, call), [undefined]);
});

test("pictures that the model made come back with the type that their bytes tell", () => {
  const types = ["iVBORw0K", "/9j/AAAA", "R0lGODlh", "UklGRgAA"].map((result) => {
    const [message] = inputOf({ type: "image_generation_call", id: "ig", status: "completed", result }).messages;
    const [part] = message!.parts;
    return part?.kind === "image" && part.source.kind === "base64" ? part.source.mediaType : undefined;
  });
  assert.deepEqual(types, ["image/png", "image/jpeg", "image/gif", "image/webp"]);
  assert.deepEqual(inputOf({ type: "image_generation_call", id: "ig", status: "failed", result: null }).messages, []);
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

test("what only OpenAI holds is refused by name, however lenient the config is", () => {
  const refusals: [object, string][] = [
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ conversation: { id: "conv_1" } }, "conversation"],
    [{ prompt: { id: "pmpt_1" } }, "prompt"],
    [{ background: true }, "background"],
    [{ prompt_cache_options: { prewarm: true } }, "prompt_cache_options.prewarm"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0]"],
    [{ input: [{ type: "compaction", encrypted_content: "x" }] }, "input[0]"],
    [{ input: [{ type: "web_search_call", id: "ws_1", status: "completed" }] }, "input[0]"],
    [
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "file_1" }] }] },
      "input[0].content[0].file_id",
    ],
    [
      { input: [{ role: "user", content: [{ type: "input_file", file_id: "file_1" }] }] },
      "input[0].content[0].file_id",
    ],
    [{ input: [{ role: "user", content: [{ type: "input_video" }] }] }, "input[0].content[0]"],
    [{ input: [{ role: "user", content: [{ type: "refusal", refusal: "no" }] }] }, "input[0].content"],
    [
      { input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_file", file_id: "f" }] }] },
      "input[0].output[0].file_id",
    ],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ tools: [{ type: "mcp", server_label: "x" }] }, "tools[0].type"],
    [{ tools: [{ type: "custom", name: "x" }] }, "tools[0].type"],
    [{ tool_choice: { type: "file_search" } }, "tool_choice.type"],
  ];
  for (const [more, field] of refusals) {
    assert.deepEqual(
      lossesOf(more).map((loss) => [loss.field, loss.essential]),
      [[field, true]],
    );
  }
});

test("a tool that is refused is named with its type", () => {
  assert.match(
    lossesOf({ tools: [{ type: "code_interpreter", container: { type: "auto" } }] })[0]!.reason,
    /code_interpreter/,
  );
});

test("fields that nobody knows are lost by name, wherever they stand", () => {
  const strange = { strange: 1 };
  const losses = lossesOf({
    ...strange,
    input: [
      {
        role: "user",
        content: [{ type: "input_text", text: "x", prompt_cache_breakpoint: strange, ...strange }],
        ...strange,
      },
    ],
    tools: [{ type: "function", name: "f", parameters: null, strict: null, ...strange }],
    text: { format: { type: "text", ...strange }, ...strange },
    reasoning: strange,
    stream_options: strange,
    include: ["strange"],
  });
  assert.deepEqual(losses.map(({ field }) => field).sort(), [
    "include[0]",
    "input[0].content[0].prompt_cache_breakpoint.strange",
    "input[0].content[0].strange",
    "input[0].strange",
    "reasoning.strange",
    "strange",
    "stream_options.strange",
    "text.format.strange",
    "text.strange",
    "tools[0].strange",
  ]);
  assert.ok(losses.every(({ essential }) => essential !== true));
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

test("ten thousand small items are read in one go", { timeout: 5_000 }, () => {
  const input = Array.from({ length: 10_000 }, () => ({ role: "user", content: "x" }));
  assert.equal(read({ input }).messages[0]!.parts.length, 10_000);
});
