import assert from "node:assert/strict";
import { test } from "node:test";
import { writeRequest } from "../../../../../src/dialects/translate/anthropic/write-request.ts";
import type { CommonRequest, Message, Tool } from "../../../../../src/dialects/translate/common.ts";
import { BARE_REQUEST } from "../../../../support/common-request.ts";

const BARE: CommonRequest = {
  ...BARE_REQUEST,
  model: "claude-sonnet-4-20250514",
  messages: [{ role: "user", parts: [{ kind: "text", text: "hi" }] }],
};
const TOOLS: readonly Tool[] = ["f", "g", "h"].map((name) => ({ name, description: undefined, parameters: undefined }));

interface Written {
  readonly body: Readonly<Record<string, unknown>>;
  /** The paths of what is lost, those that are refused however lenient with a `!`. */
  readonly lost: readonly string[];
}

function write(request: Partial<CommonRequest>): Written {
  const { body, losses } = writeRequest({ ...BARE, ...request });
  return { body, lost: losses.map(({ field, essential }) => (essential === true ? `${field}!` : field)) };
}

function writeTurns(...messages: Message[]): { readonly turns: unknown; readonly lost: readonly string[] } {
  const { body, lost } = write({ messages });
  return { turns: body["messages"], lost };
}

test("a bare request has what the API demands, and no more", () => {
  assert.deepEqual(writeRequest(BARE), {
    path: "/messages",
    headers: [],
    body: {
      model: "claude-sonnet-4-20250514",
      max_tokens: 32_000,
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    },
    losses: [],
  });
});

test("neighbours of one role are one turn, with the results of tools at its beginning", () => {
  const { turns } = writeTurns(
    { role: "assistant", parts: [{ kind: "tool_call", id: "a", name: "f", arguments: "" }] },
    { role: "user", parts: [{ kind: "text", text: "before" }] },
    { role: "user", parts: [{ kind: "tool_result", id: "a", name: "f", content: [], isError: true }] },
    { role: "user", parts: [{ kind: "text", text: "after" }] },
  );
  assert.deepEqual(turns, [
    { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", is_error: true },
        { type: "text", text: "before" },
        { type: "text", text: "after" },
      ],
    },
  ]);
});

test("text of white space alone is left out, and turns and prompts that hold no other", () => {
  const blank = { kind: "text", text: " \n" } as const;
  const { body } = write({
    system: [blank],
    messages: [...BARE.messages, { role: "assistant", parts: [blank] }, ...BARE.messages],
  });
  assert.equal(body["system"], undefined);
  const hi = { type: "text", text: "hi" };
  assert.deepEqual(body["messages"], [{ role: "user", content: [hi, hi] }]);
});

test("an id that Anthropic does not take is another in call and result alike", () => {
  const { turns } = writeTurns(
    { role: "assistant", parts: [{ kind: "tool_call", id: "functions.f:0", name: "f", arguments: "{}" }] },
    { role: "user", parts: [{ kind: "tool_result", id: "functions.f:0", name: "f", content: [], isError: false }] },
  );
  const [call, result] = turns as { content: Record<string, string>[] }[];
  assert.match(call!.content[0]!["id"]!, /^[a-zA-Z0-9_-]+$/);
  assert.equal(call!.content[0]!["id"], result!.content[0]!["tool_use_id"]);
});

test("thoughts go back with Anthropic's own proof alone; others are dropped without a word", () => {
  const { turns, lost } = writeTurns(...BARE.messages, {
    role: "assistant",
    parts: [
      { kind: "reasoning", text: "theirs", signature: { family: "openai", data: "o" } },
      { kind: "reasoning", text: "nobody's" },
      { kind: "reasoning", text: "ours", signature: { family: "anthropic", data: "s" } },
      { kind: "reasoning", text: "", signature: { family: "anthropic", data: "r", redacted: true } },
      { kind: "refusal", text: "I won't." },
    ],
  });
  assert.deepEqual((turns as { content: unknown }[])[1]!.content, [
    { type: "thinking", thinking: "ours", signature: "s" },
    { type: "redacted_thinking", data: "r" },
    { type: "text", text: "I won't." },
  ]);
  assert.deepEqual(lost, []);
});

test("what Anthropic can't be shown is refused with its place", () => {
  const data = { kind: "base64", data: "AAAA" } as const;
  const { lost } = writeTurns(
    {
      role: "user",
      parts: [
        { kind: "audio", source: { ...data, mediaType: "audio/wav" } },
        { kind: "image", source: { ...data, mediaType: "image/tiff" } },
        { kind: "image", source: { kind: "url", url: "gs://b/a.png", mediaType: undefined } },
        { kind: "document", source: { ...data, mediaType: "application/zip" } },
        { kind: "document", source: { kind: "url", url: "https://x.test/a.txt", mediaType: "text/plain" } },
        {
          kind: "tool_result",
          id: "a",
          name: "f",
          content: [{ kind: "image", source: { ...data, mediaType: "image/tiff" } }],
          isError: false,
        },
      ],
    },
    {
      role: "assistant",
      parts: [
        { kind: "image", source: { ...data, mediaType: "image/png" } },
        { kind: "tool_call", id: "a", name: "f", arguments: "[1]" },
      ],
    },
  );
  assert.deepEqual(lost, [
    ...[0, 1, 2, 3, 4].map((i) => `messages[0].parts[${i}]!`),
    "messages[0].parts[5].content[0]!",
    "messages[1].parts[0]!",
    "messages[1].parts[1].arguments!",
  ]);
});

test("text files of any kind are plain text documents", () => {
  const source = { kind: "base64", mediaType: "text/markdown", data: "I2E=" } as const;
  const { turns } = writeTurns({ role: "user", parts: [{ kind: "document", source, name: "a.md" }] });
  assert.deepEqual((turns as { content: unknown }[])[0]!.content, [
    { type: "document", title: "a.md", source: { type: "text", media_type: "text/plain", data: "#a" } },
  ]);
});

test("what the API has no field for is lost by name; what asks for nothing is not", () => {
  const { body, lost } = write({
    seed: 1,
    presencePenalty: 0.5,
    frequencyPenalty: 1,
    logprobs: { top: 2 },
    outputFormat: { kind: "json" },
    stop: ["\n", "END"],
    temperature: 1.5,
  });
  assert.deepEqual(lost.toSorted(), [
    "frequencyPenalty",
    "logprobs",
    "outputFormat",
    "presencePenalty",
    "seed",
    "stop[0]",
    "temperature",
  ]);
  assert.deepEqual(body["stop_sequences"], ["END"]);
  assert.deepEqual(write({ presencePenalty: 0, frequencyPenalty: 0, outputFormat: { kind: "text" } }).lost, []);
});

test("sampling is sent as the model takes it", () => {
  const both = { temperature: 0.5, topP: 0.5 };
  assert.deepEqual(write({ model: "claude-opus-4-5", ...both }).lost, ["topP"]);
  assert.deepEqual(write({ model: "claude-opus-4-8", ...both, topK: 3 }).lost, ["temperature", "topP", "topK"]);
  const defaults = write({ model: "claude-opus-4-8", temperature: 1, topP: 1 });
  assert.deepEqual([defaults.lost, defaults.body["temperature"]], [[], undefined]);
  const one = write({ model: "claude-opus-4-5", temperature: 1, topP: 0.5 });
  assert.deepEqual([one.lost, one.body["temperature"], one.body["top_p"]], [[], undefined, 0.5]);
  const other = write({ model: "claude-opus-4-5", temperature: 0.5, topP: 1 });
  assert.deepEqual([other.lost, other.body["temperature"], other.body["top_p"]], [[], 0.5, undefined]);
  const kept = write({ model: "llama", temperature: 1 });
  assert.equal(kept.body["temperature"], 1);
});

test("one of several tools is any of these alone; one tool is that", () => {
  const names = (choice: readonly string[]): Written =>
    write({ tools: TOOLS, toolChoice: { kind: "named", names: choice } });
  const several = names(["f", "h"]);
  assert.deepEqual(
    (several.body["tools"] as Tool[]).map(({ name }) => name),
    ["f", "h"],
  );
  assert.deepEqual(several.body["tool_choice"], { type: "any" });
  assert.deepEqual(names(["g"]).body["tool_choice"], { type: "tool", name: "g" });
});

test("parallel calls are forbidden where there are tools", () => {
  assert.deepEqual(write({ tools: TOOLS, parallelToolCalls: false }).body["tool_choice"], {
    type: "auto",
    disable_parallel_tool_use: true,
  });
  assert.equal(write({ parallelToolCalls: false, toolChoice: { kind: "auto" } }).body["tool_choice"], undefined);
});

test("that a tool must be called where there is none is lost by name, and nothing is said of choosing", () => {
  for (const toolChoice of [{ kind: "required" }, { kind: "named", names: ["f"] }] as const) {
    for (const more of [{}, { reasoning: { effort: "high" } }] as const) {
      const { body, lost } = write({ toolChoice, parallelToolCalls: false, ...more });
      assert.deepEqual([body["tools"], body["tool_choice"], lost], [undefined, undefined, ["toolChoice"]]);
    }
  }
  assert.deepEqual(write({ toolChoice: { kind: "none" } }).lost, []);
});

test("tools without arguments take an object; a name that Anthropic does not take is refused", () => {
  const { body, lost } = write({ tools: [{ ...TOOLS[0]!, name: "a.b" }] });
  assert.deepEqual(body["tools"], [{ name: "a.b", input_schema: { type: "object" } }]);
  assert.deepEqual(lost, ["tools[0].name!"]);
});

test("a schema for the answer is closed, and carries its description", () => {
  const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } } };
  const { body, lost } = write({
    model: "claude-sonnet-4-5",
    outputFormat: { kind: "schema", schema, name: "x", description: "A number.", strict: false },
  });
  assert.deepEqual(body["output_config"], {
    format: {
      type: "json_schema",
      schema: {
        type: "object",
        description: "A number.",
        properties: { n: { type: "integer", description: "(minimum: 1)" } },
        additionalProperties: false,
      },
    },
  });
  assert.deepEqual(lost, ["outputFormat.schema.properties.n.minimum"]);
});

test("what is said of a schema stands before what it says itself, and both before its limits", () => {
  const schema = { type: "object", description: "Own.", minProperties: 1 };
  const { body } = write({
    model: "claude-sonnet-4-5",
    outputFormat: { kind: "schema", schema, name: "x", description: "Said." },
  });
  const description = "Said.\n\nOwn. (minProperties: 1)";
  assert.partialDeepStrictEqual(body["output_config"], { format: { schema: { description } } });
});

test("a model that can't be held to a schema is not asked to, which is told", () => {
  const { body, lost } = write({
    model: "claude-sonnet-4-0",
    tools: [
      { ...TOOLS[0]!, strict: true },
      { ...TOOLS[1]!, strict: false },
    ],
    outputFormat: { kind: "schema", schema: { type: "object" }, name: undefined },
  });
  assert.deepEqual(lost, ["outputFormat", "tools[0].strict"]);
  assert.equal(body["output_config"], undefined);
  assert.ok(!JSON.stringify(body).includes("strict"));
});
