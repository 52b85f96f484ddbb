/** What official SDKs send us as Anthropic's API, and that they can read what we answer. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import type { AnthropicLanguageModelOptions, AnthropicProvider } from "@ai-sdk/anthropic";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, jsonSchema, streamText, tool } from "ai";
import type { CommonAnswer, CommonEvent, CommonRequest } from "../../src/dialects/translate/common.ts";
import { anthropicFront } from "../../src/dialects/translate/anthropic/translation.ts";
import { startServing } from "../support/serving.ts";
import type { Serving } from "../support/serving.ts";

const CONTEXT = { model: "asked-for", wantsUsage: true, framing: "sse" } as const;
const SCHEMA = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false,
};
/** Newer models take none of these, and the SDK's types no longer name them. */
const SAMPLING = { temperature: 0.5, top_p: 0.9, top_k: 5 };
const CALL = { kind: "tool_call", id: "call_1", name: "weather", arguments: '{"city":"Bern"}' } as const;
const ANSWER: CommonAnswer = {
  id: "chatcmpl-1",
  model: "gpt-5",
  createdSeconds: 1,
  parts: [{ kind: "reasoning", text: "hm" }, { kind: "text", text: "Let me see." }, CALL],
  stopReason: "tool_calls",
  usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 7, reasoningTokens: 2 },
};
const EVENTS: readonly CommonEvent[] = [
  { kind: "start", id: ANSWER.id, model: ANSWER.model, createdSeconds: 1 },
  { kind: "reasoning", text: "h" },
  { kind: "reasoning", text: "m" },
  { kind: "text", text: "Let me " },
  { kind: "text", text: "see." },
  { kind: "tool_call", index: 0, id: CALL.id, name: CALL.name },
  { kind: "tool_arguments", index: 0, json: '{"city":' },
  { kind: "tool_arguments", index: 0, json: '"Bern"}' },
  { kind: "finish", stopReason: "tool_calls" },
  { kind: "usage", usage: ANSWER.usage! },
  { kind: "end" },
];

let serving: Serving;
let official: Anthropic;
let vercel: AnthropicProvider;

before(async () => {
  serving = await startServing();
  official = new Anthropic({ baseURL: serving.url, apiKey: "k", maxRetries: 0 });
  vercel = createAnthropic({ baseURL: `${serving.url}/v1`, apiKey: "k" });
});
after(async () => {
  await serving[Symbol.asyncDispose]();
});

function serveAnswer(): void {
  const body = JSON.stringify(anthropicFront.writeAnswer(ANSWER, CONTEXT));
  serving.serve({ body, contentType: "application/json" });
}

function serveStream(): void {
  const writer = anthropicFront.createWriter(CONTEXT);
  serving.serve({ body: EVENTS.map((event) => writer.write(event)).join("") });
}

/** The last request, of which nothing was lost. */
function receivedWhole(): CommonRequest {
  const read = anthropicFront.readRequest(serving.received(), {});
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(read.losses, []);
  return read.request;
}

test("a request of the official SDK with all that has a place is read whole, and its answer as it was", async () => {
  serveAnswer();
  const message = await official.messages.create({
    model: "house",
    max_tokens: 500,
    system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
    ...SAMPLING,
    stop_sequences: ["END"],
    metadata: { user_id: "u1" },
    service_tier: "auto",
    tools: [{ name: "weather", description: "Of a city.", input_schema: SCHEMA, eager_input_streaming: true }],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
    output_config: { format: { type: "json_schema", schema: SCHEMA } },
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "And this?" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } },
          { type: "document", title: "a.pdf", source: { type: "url", url: "https://x.test/a.pdf" } },
        ],
      },
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Bern" } }],
      },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "rain", is_error: false }],
      },
    ],
  });
  assert.deepEqual(
    message.content.map(({ type }) => type),
    ["thinking", "text", "tool_use"],
  );
  assert.partialDeepStrictEqual(message, {
    stop_reason: "tool_use",
    usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 7 },
  });
  const request = receivedWhole();
  assert.deepEqual(request.messages[1]!.parts, [
    { kind: "tool_call", id: "toolu_1", name: "weather", arguments: '{"city":"Bern"}' },
  ]);
  assert.deepEqual(request.messages[2]!.parts, [
    {
      kind: "tool_result",
      id: "toolu_1",
      name: "weather",
      content: [{ kind: "text", text: "rain" }],
      isError: false,
    },
  ]);
  assert.deepEqual(request.messages[0]!.parts[2], {
    kind: "document",
    name: "a.pdf",
    source: { kind: "url", url: "https://x.test/a.pdf", mediaType: "application/pdf" },
  });
  assert.partialDeepStrictEqual(request, {
    model: "house",
    stream: false,
    maxTokens: 500,
    temperature: 0.5,
    topP: 0.9,
    topK: 5,
    stop: ["END"],
    userId: "u1",
    system: [{ kind: "text", text: "Be brief.", cache: { ttl: "1h" } }],
    tools: [{ name: "weather", description: "Of a city.", parameters: SCHEMA }],
    toolChoice: { kind: "required" },
    parallelToolCalls: false,
    outputFormat: { kind: "schema", schema: SCHEMA, strict: true },
  });
});

test("what the official SDK got goes back with its proofs, each to its own family", async () => {
  const signed: CommonAnswer = {
    ...ANSWER,
    parts: [
      { kind: "reasoning", text: "hm", signature: { family: "openai", data: "o1" } },
      { kind: "reasoning", text: "", signature: { family: "anthropic", data: "a1", redacted: true } },
      { ...CALL, signature: { family: "gemini", data: "g1" } },
    ],
  };
  const body = JSON.stringify(anthropicFront.writeAnswer(signed, CONTEXT));
  serving.serve({ body, contentType: "application/json" });
  const ask = { role: "user", content: "x" } as const;
  const thinking = { type: "enabled", budget_tokens: 2000 } as const;
  const first = await official.messages.create({ model: "house", max_tokens: 4000, thinking, messages: [ask] });
  const result = { type: "tool_result", tool_use_id: CALL.id, content: "rain" } as const;
  await official.messages.create({
    model: "house",
    max_tokens: 4000,
    thinking,
    messages: [ask, { role: "assistant", content: first.content }, { role: "user", content: [result] }],
  });
  const request = receivedWhole();
  assert.deepEqual(request.messages[1]!.parts, signed.parts);
  assert.deepEqual(request.reasoning, { budgetTokens: 2000, visible: true });
});

test("Vercel's provider is read whole, and reads the whole answer", async () => {
  serveAnswer();
  const { text, reasoningText, toolCalls, finishReason, usage } = await generateText({
    model: vercel("claude-sonnet-4-6"),
    instructions: "Be brief.",
    prompt: "Weather in Bern?",
    tools: { weather: tool({ description: "Of a city.", inputSchema: jsonSchema(SCHEMA) }) },
    maxRetries: 0,
    providerOptions: {
      anthropic: {
        thinking: { type: "adaptive" },
        effort: "max",
        metadata: { userId: "u1" },
      } satisfies AnthropicLanguageModelOptions,
    },
  });
  assert.deepEqual([text, reasoningText, finishReason], ["Let me see.", "hm", "tool-calls"]);
  assert.partialDeepStrictEqual(toolCalls, [{ toolCallId: "call_1", toolName: "weather", input: { city: "Bern" } }]);
  assert.deepEqual([usage.inputTokens, usage.outputTokens], [10, 7]);
  assert.partialDeepStrictEqual(receivedWhole(), {
    reasoning: { effort: "max", visible: true },
    userId: "u1",
    system: [{ kind: "text", text: "Be brief." }],
    tools: [{ name: "weather", description: "Of a city.", parameters: SCHEMA }],
  });
});

test("Vercel's provider reads our stream", async () => {
  serveStream();
  const stream = streamText({
    model: vercel("claude-sonnet-4-6"),
    prompt: "Weather in Bern?",
    tools: { weather: tool({ description: "Of a city.", inputSchema: jsonSchema(SCHEMA) }) },
    maxRetries: 0,
    onError: ({ error }) => {
      throw error;
    },
  });
  await stream.consumeStream();
  assert.deepEqual(
    [await stream.text, await stream.reasoningText, await stream.finishReason],
    ["Let me see.", "hm", "tool-calls"],
  );
  const calls = (await stream.toolCalls).map(({ toolCallId, toolName, input }) => ({ toolCallId, toolName, input }));
  assert.deepEqual(calls, [{ toolCallId: "call_1", toolName: "weather", input: { city: "Bern" } }]);
  const usage = await stream.usage;
  assert.deepEqual([usage.inputTokens, usage.outputTokens], [10, 7]);
  assert.equal(receivedWhole().stream, true);
});
