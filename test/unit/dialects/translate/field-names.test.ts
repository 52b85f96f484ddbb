import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldOfCaller } from "../../../../src/dialects/translate/field-names.ts";
import { BACKS, FRONTS } from "../../../../src/dialects/translate/registry.ts";
import type { BackName, FrontName } from "../../../../src/dialects/translate/registry.ts";

type Body = Readonly<Record<string, unknown>>;

const MODELS: Readonly<Record<BackName, string>> = {
  openai: "gpt-5.1",
  anthropic: "claude-opus-4-8",
  gemini: "gemini-2.5-pro",
};

/** What `back` has no place for in `body`, by the caller's names. */
function lost(front: FrontName, back: BackName, body: Body, model = MODELS[back]): readonly string[] {
  const read = FRONTS[front].readRequest(body, { model: "m" });
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(read.losses, []);
  const { request, places } = read;
  const { losses } = BACKS[back].writeRequest({ ...request, model });
  return losses.map(({ field }) => fieldOfCaller(field, { front, body, request, places })).sort();
}

const PNG = "iVBORw0KGgo=";
const SCHEMA = { type: "object", properties: { a: { type: "string", maxLength: 5 } } };
/** No name that Anthropic takes. */
const BAD_TOOL = { name: "a.b", description: "d" };

test("a chat caller reads of its own fields", () => {
  const user = (...content: object[]): object => ({ role: "user", content });
  const image = (detail: string): object => ({
    type: "image_url",
    image_url: { url: "data:image/png;base64,AA==", detail },
  });
  const bad = { id: "c1", type: "function", function: { name: "f", arguments: "[1]" } };
  const body = {
    model: "m",
    messages: [
      { role: "system", content: "s" },
      user({ type: "text", text: "a" }, image("high")),
      { ...user({ type: "text", text: "b" }, image("low")), cache_control: { type: "ephemeral" } },
      { role: "assistant", content: "hm", tool_calls: [bad] },
      {
        role: "tool",
        tool_call_id: "c1",
        content: [{ type: "file", file: { file_data: "data:font/woff;base64,AA==" } }],
      },
      user({ type: "input_audio", input_audio: { format: "wav", data: "AAAA" } }),
    ],
    tools: [
      { type: "function", function: { name: "ok" } },
      { type: "function", function: { ...BAD_TOOL, parameters: SCHEMA, strict: true } },
    ],
    temperature: 0.5,
    top_p: 0.5,
    top_k: 5,
    seed: 1,
    presence_penalty: 1,
    frequency_penalty: 1,
    logprobs: true,
    stop: " ",
    response_format: { type: "json_schema", json_schema: { name: "n", schema: SCHEMA } },
    tool_choice: "required",
    reasoning_effort: "low",
  };
  assert.deepEqual(lost("openai_chat", "anthropic", body), [
    "frequency_penalty",
    "logprobs",
    "messages[1].content[1].image_url.detail",
    "messages[2].content[1].image_url.detail",
    "messages[3].tool_calls[0].function.arguments",
    "messages[4].content[0]",
    "messages[5].content[0]",
    "presence_penalty",
    "response_format.json_schema.schema.properties.a.maxLength",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools[1].function.name",
    "tools[1].function.parameters.properties.a.maxLength",
    "top_k",
    "top_p",
  ]);
  const more = {
    model: "m",
    messages: [user(image("low"), image("high"), image("auto"))],
    functions: [{ name: "f" }],
    parallel_tool_calls: false,
    user: "u",
    stop: ["1", "2", "3", "4", "5", "6"],
    reasoning_effort: "none",
    response_format: {
      type: "json_schema",
      json_schema: { name: "n", description: "d", schema: { ...SCHEMA, description: "e" } },
    },
  };
  assert.deepEqual(lost("openai_chat", "gemini", more), [
    "messages[0].content[0].image_url.detail",
    "messages[0].content[1].image_url.detail",
    "parallel_tool_calls",
    "reasoning_effort",
    "stop",
    "user",
  ]);
  assert.deepEqual(
    lost("openai_chat", "gemini", { ...more, messages: [user({ type: "text", text: "a" })] }).at(-1),
    "user",
  );
});

test("older names are named as they were written", () => {
  const messages = [{ role: "user", content: "a" }];
  const legacy = { model: "m", messages, functions: [BAD_TOOL], function_call: { name: "a.b" }, max_tokens: 500 };
  const body = { ...legacy, reasoning_effort: "high" };
  assert.deepEqual(lost("openai_chat", "anthropic", body, "claude-opus-4-8"), ["function_call", "functions[0].name"]);
  assert.deepEqual(lost("openai_chat", "gemini", { model: "m", messages, safety_identifier: "u" }), [
    "safety_identifier",
  ]);
  const call = { role: "assistant", content: null, function_call: { name: "f", arguments: "1" } };
  assert.deepEqual(lost("openai_chat", "gemini", { model: "m", messages: [...messages, call] }), [
    "messages[1].function_call.arguments",
  ]);
  const format = { type: "json_schema", schema: SCHEMA };
  const older = { model: "m", max_tokens: 9, messages, output_format: format };
  assert.deepEqual(lost("anthropic", "anthropic", older), ["output_format.schema.properties.a.maxLength"]);
});

test("a Responses caller reads of its own items", () => {
  const user = (...content: object[]): object => ({ role: "user", content });
  const body = {
    model: "m",
    instructions: "s",
    input: [
      user(
        { type: "input_text", text: "a" },
        { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "low" },
      ),
      { type: "function_call", call_id: "c", name: "f", arguments: "1" },
      {
        type: "function_call_output",
        call_id: "c",
        output: [{ type: "input_file", file_url: "https://x.test/a.pdf" }],
      },
      user({ type: "input_audio", input_audio: { format: "mp3", data: "AAAA" } }),
      { type: "image_generation_call", id: "ig_1", result: PNG },
    ],
    tools: [{ type: "function", ...BAD_TOOL, parameters: SCHEMA, strict: true }],
    text: { format: { type: "json_schema", name: "n", schema: SCHEMA } },
    temperature: 0.5,
    top_p: 0.5,
    top_logprobs: 2,
  };
  assert.deepEqual(lost("openai_responses", "anthropic", body), [
    "input[0].content[1].detail",
    "input[1].arguments",
    "input[3].content[0]",
    "input[4]",
    "temperature",
    "text.format.schema.properties.a.maxLength",
    "tools[0].name",
    "tools[0].parameters.properties.a.maxLength",
    "top_logprobs",
    "top_p",
  ]);
  assert.deepEqual(lost("openai_responses", "openai", body), ["input[2].output[0]", "input[4]"]);
  const included = { model: "m", input: "a", include: ["message.output_text.logprobs"], reasoning: { effort: "low" } };
  assert.deepEqual(lost("openai_responses", "anthropic", included, "claude-3-5-haiku"), ["include", "reasoning"]);
});

test("an Anthropic caller reads of its own blocks", () => {
  const url = { type: "url", url: "https://x.test/a.pdf" };
  const body = {
    model: "m",
    max_tokens: 9,
    messages: [
      { role: "system", content: "s" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "document", source: url },
        ],
      },
      {
        role: "assistant",
        content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: PNG } }],
      },
    ],
    metadata: { user_id: "u" },
    top_k: 5,
    cache_control: { type: "ephemeral" },
    stop_sequences: ["1", "2", "3", "4", "5", "6"],
    tools: [{ name: "f", input_schema: {} }],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
    output_config: { effort: "high" },
  };
  assert.deepEqual(lost("anthropic", "openai", body), ["messages[1].content[1]", "messages[2].content[0]"]);
  assert.deepEqual(lost("anthropic", "gemini", { ...body, thinking: { type: "disabled" }, output_config: {} }), [
    "metadata.user_id",
    "stop_sequences",
    "thinking",
    "tool_choice.disable_parallel_tool_use",
  ]);
  assert.deepEqual(lost("anthropic", "gemini", body, "gemini-2.0-flash").slice(1, 2), ["output_config.effort"]);
});

test("a Gemini caller reads of its own parts, however it spells them", () => {
  const inline = {
    inlineData: { mimeType: "image/png", data: PNG },
    mediaResolution: { level: "MEDIA_RESOLUTION_HIGH" },
  };
  const body = {
    systemInstruction: { parts: [{ text: "s" }] },
    contents: [
      {
        role: "user",
        parts: [{ text: "a" }, { text: "b" }, inline, { inlineData: { mimeType: "audio/wav", data: "AAAA" } }],
      },
      { role: "model", parts: [{ text: "c" }, { text: "d" }, { inlineData: { mimeType: "image/png", data: PNG } }] },
    ],
    tools: [
      { functionDeclarations: [{ name: "ok" }] },
      {
        functionDeclarations: [
          { ...BAD_TOOL, parameters: { type: "OBJECT", properties: { a: { type: "STRING", maxLength: "5" } } } },
        ],
      },
    ],
    toolConfig: { functionCallingConfig: { mode: "VALIDATED" } },
    generationConfig: {
      temperature: 0.5,
      topP: 0.5,
      topK: 5,
      seed: 1,
      presencePenalty: 1,
      frequencyPenalty: 1,
      responseLogprobs: true,
      stopSequences: ["a", " "],
      responseMimeType: "application/json",
      responseSchema: { type: "OBJECT", properties: { a: { type: "STRING", maxLength: "5" } } },
    },
  };
  assert.deepEqual(lost("gemini", "anthropic", body), [
    "contents[0].parts[2].mediaResolution",
    "contents[0].parts[3]",
    "contents[1].parts[2]",
    "generationConfig.frequencyPenalty",
    "generationConfig.presencePenalty",
    "generationConfig.responseLogprobs",
    "generationConfig.responseSchema.properties.a.maxLength",
    "generationConfig.seed",
    "generationConfig.stopSequences[1]",
    "generationConfig.temperature",
    "generationConfig.topK",
    "generationConfig.topP",
    "tools[1].functionDeclarations[0].name",
    "tools[1].functionDeclarations[0].parameters.properties.a.maxLength",
  ]);
  assert.deepEqual(lost("gemini", "anthropic", body, "claude-3-5-haiku").slice(-3), [
    "tools[0].functionDeclarations[0]",
    "tools[1].functionDeclarations[0]",
    "tools[1].functionDeclarations[0].name",
  ]);
  const snake = {
    contents: { parts: { inline_data: { mime_type: "image/png", data: PNG } } },
    generation_config: { response_mime_type: "application/json", media_resolution: "MEDIA_RESOLUTION_LOW" },
  };
  assert.deepEqual(lost("gemini", "anthropic", snake), ["contents[0].parts[0]", "generationConfig.responseMimeType"]);
});

test("what is called the same stays so, and what nobody has a name for", () => {
  const body = { model: "m", messages: [{ role: "user", content: "a" }], stop: [" "] };
  const read = FRONTS.openai_chat.readRequest(body, {});
  assert.ok(read.ok);
  const named = { front: "openai_chat", body, request: read.request, places: read.places } as const;
  for (const field of ["stop[0]", "seed", "of nobody", ""]) assert.equal(fieldOfCaller(field, named), field);
});
