import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-chat/read-request.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

type Json = Readonly<Record<string, unknown>>;

function read(body: Json): { readonly request: CommonRequest; readonly losses: readonly Loss[] } {
  const result = readRequest({ model: "m", messages: [], ...body });
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

function lossless(body: Json): CommonRequest {
  const { request, losses } = read(body);
  assert.deepEqual(losses, []);
  return request;
}

const user = (...content: object[]): Json => ({ messages: [{ role: "user", content }] });
const partsOf = (body: Json): unknown => lossless(body).messages[0]!.parts;
const called = (id: string, name: string, json?: string): object => ({
  id,
  type: "function",
  function: { name, ...(json === undefined ? {} : { arguments: json }) },
});

test("instructions go before the conversation, those of both roles, in their order", () => {
  const { system, messages } = lossless({
    messages: [
      { role: "system", content: "a" },
      {
        role: "developer",
        content: [
          { type: "text", text: "b" },
          { type: "text", text: "c" },
        ],
      },
      { role: "user", content: "d" },
    ],
  });
  assert.deepEqual(
    system.map(({ text }) => text),
    ["a", "b", "c"],
  );
  assert.equal(messages.length, 1);
});

test("instructions in the middle are moved to the beginning, and their place is a loss", () => {
  const { request, losses } = read({
    messages: [
      { role: "user", content: "a" },
      { role: "system", content: "b" },
    ],
  });
  assert.deepEqual(request.system, [{ kind: "text", text: "b" }]);
  assert.deepEqual(
    losses.map(({ field, essential }) => ({ field, essential })),
    [{ field: "messages[1].role", essential: undefined }],
  );
});

test("a result is matched to its call by id, and gets the tool's name from it", () => {
  const { messages } = lossless({
    messages: [
      { role: "assistant", content: null, tool_calls: [called("1", "f", '{"a":1}'), called("2", "g", "")] },
      { role: "tool", tool_call_id: "2", content: "two" },
      { role: "tool", tool_call_id: "1", content: [{ type: "text", text: "one" }] },
      { role: "tool", tool_call_id: "9", content: "who?" },
    ],
  });
  assert.deepEqual(messages[0]!.parts, [
    { kind: "tool_call", id: "1", name: "f", arguments: '{"a":1}' },
    { kind: "tool_call", id: "2", name: "g", arguments: "{}" },
  ]);
  const results = messages.slice(1).map(({ parts }) => parts[0]);
  assert.deepEqual(
    results.map((part) => part?.kind === "tool_result" && [part.id, part.name]),
    [
      ["2", "g"],
      ["1", "f"],
      ["9", undefined],
    ],
  );
});

test("functions of 2023: calls get an id of their own, results the id of the last call of that name", () => {
  const { messages, tools, toolChoice } = lossless({
    functions: [{ name: "f", parameters: { type: "object" } }],
    function_call: "auto",
    messages: [
      { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
      { role: "function", name: "f", content: "x" },
    ],
  });
  assert.deepEqual(tools, [{ name: "f", description: undefined, parameters: { type: "object" } }]);
  assert.deepEqual(toolChoice, { kind: "auto" });
  const [call, result] = messages.map(({ parts }) => parts[0]);
  assert.ok(call?.kind === "tool_call" && result?.kind === "tool_result");
  assert.equal(result.id, call.id);
  assert.equal(result.name, "f");
});

test("a message that is sent back as the SDK gave it loses nothing", () => {
  const message = {
    role: "assistant",
    content: null,
    refusal: null,
    annotations: [],
    audio: null,
    function_call: null,
    parsed: null,
    tool_calls: [
      { index: 0, id: "1", type: "function", function: { name: "f", arguments: "{}", parsed_arguments: {} } },
    ],
  };
  assert.equal(lossless({ messages: [message] }).messages[0]!.parts.length, 1);
});

test("pictures come as data in either alphabet, or as addresses", () => {
  assert.deepEqual(
    partsOf(
      user(
        { type: "image_url", image_url: { url: "data:image/png;base64,-_8" } },
        { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
      ),
    ),
    [
      { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "+/8=" } },
      { kind: "image", source: { kind: "url", url: "https://example.com/a.png", mediaType: undefined }, detail: "low" },
    ],
  );
});

test("the original size of a picture is a loss", () => {
  const { request, losses } = read(user({ type: "image_url", image_url: { url: "https://a.b/", detail: "original" } }));
  const [part] = request.messages[0]!.parts;
  assert.equal(part?.kind === "image" && part.detail, "high");
  assert.deepEqual(losses[0]!.field, "messages[0].content[0].image_url.detail");
});

test("a file's type is what its URL, its first bytes or its name says", () => {
  const typeOf = (file: object): unknown => {
    const [part] = lossless(user({ type: "file", file })).messages[0]!.parts;
    return part?.kind === "document" || part?.kind === "image" ? [part.kind, part.source.mediaType] : part;
  };
  assert.deepEqual(typeOf({ file_data: "data:text/csv;base64,AAEC" }), ["document", "text/csv"]);
  assert.deepEqual(typeOf({ file_data: "data:image/png;base64,AAEC" }), ["image", "image/png"]);
  assert.deepEqual(typeOf({ file_data: Buffer.from("%PDF-1.7").toString("base64") }), ["document", "application/pdf"]);
  assert.deepEqual(typeOf({ file_data: "AAEC", filename: "a.TXT" }), ["document", "text/plain"]);
});

test("a file whose ending tells nothing, be it the name of what every object inherits, is a fault", () => {
  for (const filename of ["a.bin", "a.constructor", "__proto__", undefined]) {
    const found = readRequest({ model: "m", ...user({ type: "file", file: { file_data: "AAEC", filename } }) });
    assert.ok(!found.ok);
    assert.equal(found.fault.field, "messages[0].content[0].file.file_data");
  }
});

test("a part, tool, call or choice of a type that others don't have is refused by name", () => {
  const refusedOf = (body: Json): unknown => {
    const [loss, ...more] = read(body).losses;
    assert.deepEqual(more, []);
    assert.equal(loss!.essential, true);
    assert.match(loss!.reason, /"(?:video_url|web_search|custom)"/);
    return loss!.field;
  };
  assert.equal(refusedOf(user({ type: "video_url", video_url: { url: "x" } })), "messages[0].content[0]");
  assert.equal(refusedOf({ tools: [{ type: "web_search" }] }), "tools[0]");
  assert.equal(refusedOf({ tool_choice: { type: "custom", custom: { name: "f" } } }), "tool_choice");
  assert.equal(
    refusedOf({ messages: [{ role: "assistant", tool_calls: [{ id: "1", type: "custom", custom: {} }] }] }),
    "messages[0].tool_calls[0]",
  );
});

test("a choice among tools that names none, or one that is not there, is a fault, and one of another type is refused", () => {
  const choose = (...allowed: object[]): ReturnType<typeof readRequest> =>
    readRequest({
      model: "m",
      messages: [],
      tools: [{ type: "function", function: { name: "f" } }],
      tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: allowed } },
    });
  const missing = choose({ type: "function", function: { name: "f" } }, { type: "function", function: { name: "F" } });
  assert.ok(!missing.ok);
  assert.equal(missing.fault.field, "tool_choice.allowed_tools.tools[1].function.name");
  const none = choose();
  assert.deepEqual(!none.ok && none.fault.field, "tool_choice.allowed_tools.tools");
  const custom = choose({ type: "custom", custom: { name: "f" } });
  assert.ok(custom.ok);
  assert.deepEqual(
    custom.losses.map(({ field, essential }) => [field, essential]),
    [["tool_choice.allowed_tools.tools[0]", true]],
  );
});

test("a choice among some tools leaves the others out", () => {
  const body = {
    tools: ["a", "b", "c"].map((name) => ({ type: "function", function: { name } })),
    tool_choice: {
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: ["a", "c"].map((name) => ({ type: "function", function: { name } })) },
    },
  };
  const { tools, toolChoice } = lossless(body);
  assert.deepEqual(
    tools.map(({ name }) => name),
    ["a", "c"],
  );
  assert.deepEqual(toolChoice, { kind: "required" });
});

test("a choice among very many tools costs no more than each of them", () => {
  const tools = Array.from({ length: 20_000 }, (_, i) => ({ type: "function", function: { name: `f${i}` } }));
  const allowed_tools = { mode: "auto", tools: tools.toReversed() };
  const before = process.cpuUsage();
  const request = lossless({ tools, tool_choice: { type: "allowed_tools", allowed_tools } });
  const { user, system } = process.cpuUsage(before);
  assert.equal(request.tools.length, tools.length);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});

test("cache marks of a part, of a message, of a tool", () => {
  const mark = { cache_control: { type: "ephemeral", ttl: "5m" } };
  const request = lossless({
    messages: [
      { role: "system", content: "a", ...mark },
      {
        role: "user",
        content: [
          { type: "text", text: "b" },
          { type: "text", text: "c" },
        ],
        ...mark,
      },
      {
        role: "user",
        content: [{ type: "text", text: "d", prompt_cache_breakpoint: { mode: "explicit", ttl: "30m" } }],
      },
    ],
    tools: [{ type: "function", function: { name: "f" }, ...mark }],
  });
  const cache = { ttl: "5m" };
  assert.deepEqual(request.system[0]!.cache, cache);
  assert.deepEqual(request.messages[0]!.parts, [
    { kind: "text", text: "b" },
    { kind: "text", text: "c", cache },
  ]);
  assert.deepEqual(request.messages[1]!.parts[0], { kind: "text", text: "d", cache: { ttl: undefined } });
  assert.deepEqual(request.tools[0]!.cache, cache);
  const long = read(user({ type: "text", text: "d", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }));
  assert.equal(long.losses[0]!.field, "messages[0].content[0].prompt_cache_breakpoint.ttl");
  for (const name of ["cache_control", "prompt_cache_breakpoint"]) {
    const { losses } = read(user({ type: "text", text: "d", [name]: { type: "ephemeral", strange: 1 } }));
    assert.ok(losses.some(({ field }) => field === `messages[0].content[0].${name}.strange`));
  }
});

test("the newer name of a field goes before the older one", () => {
  const request = lossless({ max_tokens: 1, max_completion_tokens: 2, user: "a", safety_identifier: "b" });
  assert.equal(request.maxTokens, 2);
  assert.equal(request.userId, "b");
});

test("what is wrong is named with its path", () => {
  const faultOf = (body: unknown): unknown => {
    const result = readRequest(body);
    return result.ok ? result : result.fault;
  };
  const messages = [{ role: "user", content: "x" }];
  const of = (body: Json): unknown => faultOf({ model: "m", messages, ...body });
  const fault = (field: string, message: string): object => ({ field, message });
  assert.deepEqual(faultOf([]), fault("", "must be an object"));
  assert.deepEqual(faultOf({ messages }), fault("model", "is missing"));
  assert.deepEqual(faultOf({ model: "m" }), fault("messages", "is missing"));
  assert.deepEqual(of({ model: 5 }), fault("model", "must be a string"));
  assert.deepEqual(of({ messages: [{}] }), fault("messages[0].role", "is missing"));
  assert.deepEqual(of({ messages: [{ role: "user" }] }), fault("messages[0].content", "is missing"));
  assert.deepEqual(of({ messages: [{ role: "tool", content: "" }] }), fault("messages[0].tool_call_id", "is missing"));
  assert.deepEqual(of(user({ type: "text" })), fault("messages[0].content[0].text", "is missing"));
  assert.deepEqual(
    of(user({ type: "image_url", image_url: { url: "nowhere" } })),
    fault("messages[0].content[0].image_url.url", "must be a URL"),
  );
  assert.deepEqual(
    of(user({ type: "input_audio", input_audio: { data: "!", format: "wav" } })),
    fault("messages[0].content[0].input_audio.data", "must be base64"),
  );
  assert.deepEqual(
    of(user({ type: "file", file: { filename: "a" } })),
    fault("messages[0].content[0].file.file_data", "is missing"),
  );
  assert.deepEqual(
    of({ messages: [{ role: "function", name: "f", content: "" }] }),
    fault("messages[0].name", "no function of this name was called"),
  );
  assert.deepEqual(of({ tools: [{ type: "function" }] }), fault("tools[0].function", "is missing"));
  assert.deepEqual(of({ tool_choice: "some" }), fault("tool_choice", "must be auto, none, required or name a tool"));
  assert.deepEqual(of({ temperature: 3 }), fault("temperature", "must be at most 2"));
  assert.deepEqual(of({ max_tokens: 0 }), fault("max_tokens", "must be at least 1"));
  assert.deepEqual(of({ stop: [1] }), fault("stop[0]", "must be a string"));
  assert.deepEqual(of({ top_logprobs: 2 }), fault("top_logprobs", "needs logprobs to be true"));
  assert.deepEqual(
    of({ response_format: { type: "xml" } }),
    fault("response_format.type", "must be one of text, json_object, json_schema"),
  );
});

test("any JSON is read, refused or faulted, and never throws", () => {
  const shape = fc.oneof(
    fc.jsonValue(),
    fc.record({ model: fc.constant("m"), messages: fc.array(fc.jsonValue()), tools: fc.array(fc.jsonValue()) }),
    fc.record({
      model: fc.constant("m"),
      messages: fc.array(
        fc.record({
          role: fc.constantFrom("user", "assistant", "tool"),
          content: fc.jsonValue(),
          tool_calls: fc.jsonValue(),
        }),
      ),
      response_format: fc.jsonValue(),
      tool_choice: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(shape, (body) => {
      const result = readRequest(body);
      if (!result.ok) assert.equal(typeof result.fault.message, "string");
    }),
    { numRuns: 500 },
  );
});
