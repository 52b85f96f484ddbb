/** Vercel's AI SDK, whose OpenAI provider speaks the Responses API unless told otherwise. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import type { OpenAIProvider } from "@ai-sdk/openai";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import * as fc from "fast-check";
import { z } from "zod";
import type { AssistantPart, CommonAnswer } from "../../src/dialects/translate/common.ts";
import { startResponsesFront } from "../support/responses-front.ts";
import type { ResponsesFront } from "../support/responses-front.ts";
import { answers, cutPlaces, eventsOf } from "../unit/dialects/translate/openai-responses/conversations.ts";

let front: ResponsesFront;
let provider: OpenAIProvider;

before(async () => {
  front = await startResponsesFront();
  provider = createOpenAI({ baseURL: front.baseURL, apiKey: "key" });
});
after(() => front[Symbol.asyncDispose]());

/** Nothing is stored: by default it would refer to items of earlier answers by their ids. */
const providerOptions = { openai: { store: false } };
const weather = tool({
  description: "Weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => Promise.resolve(`sun in ${city}`),
});

function answerOf(...parts: AssistantPart[]): CommonAnswer {
  const stopReason = parts.some(({ kind }) => kind === "tool_call") ? "tool_calls" : "stop";
  const usage = { inputTokens: 30, outputTokens: 20, cachedInputTokens: 10, reasoningTokens: 5 };
  return { id: "msg_1", model: "m", createdSeconds: 1, parts, stopReason, usage };
}

const joined = (answer: CommonAnswer, kind: "text" | "refusal" | "reasoning"): string =>
  answer.parts.map((part) => (part.kind === kind ? part.text : "")).join("");

test("any stream: text, thoughts and usage are what the model said, and no event is one that it can't read", async () => {
  await fc.assert(
    fc.asyncProperty(answers, cutPlaces, async (answer, cuts) => {
      front.script(eventsOf(answer, cuts));
      const result = streamText({ model: provider("house"), prompt: "Hi", providerOptions, onError: () => undefined });
      let text = "";
      let thoughts = "";
      for await (const part of result.fullStream) {
        if (part.type === "error") assert.fail(String(part.error));
        if (part.type === "text-delta") text += part.text;
        if (part.type === "reasoning-delta") thoughts += part.text;
      }
      const refusal = joined(answer, "refusal");
      if (refusal === "") assert.equal(text, joined(answer, "text"));
      assert.equal(thoughts, joined(answer, "reasoning"));
      const usage = await result.usage;
      assert.equal(usage.inputTokens, answer.usage?.inputTokens);
      assert.equal(usage.outputTokens, answer.usage?.outputTokens);
    }),
    { numRuns: 40 },
  );
});

test("a loop with a tool, whole and streamed: two steps, and the second request tells what the first answer said", async () => {
  const said: AssistantPart[] = [
    { kind: "reasoning", text: "Hm", signature: { family: "anthropic", data: "proof" } },
    { kind: "text", text: "Let me see." },
    { kind: "tool_call", id: "call_1", name: "weather", arguments: '{"city":"Oslo"}' },
  ];
  const [first, second] = [answerOf(...said), answerOf({ kind: "text", text: "Sunny." })];
  const options = {
    model: provider("house"),
    tools: { weather },
    prompt: "Hi",
    stopWhen: stepCountIs(3),
    providerOptions,
  };
  const ways = [
    { script: [first, second], run: async () => (await generateText(options)).text },
    { script: [eventsOf(first, [4]), eventsOf(second, [])], run: async () => streamText(options).text },
  ];
  for (const { script, run } of ways) {
    front.script(...script);
    assert.equal(await run(), "Sunny.");
    assert.equal(front.requests.length, 2);
    assert.deepEqual(
      front.requests.flatMap(({ losses }) => losses),
      [],
    );
    assert.deepEqual(front.requests[1]!.request.messages.slice(1), [
      { role: "assistant", parts: said },
      {
        role: "user",
        parts: [
          {
            kind: "tool_result",
            id: "call_1",
            name: "weather",
            content: [{ kind: "text", text: "sun in Oslo" }],
            isError: false,
          },
        ],
      },
    ]);
  }
});

test("why it stopped, and the tokens, are told as the SDK tells them", async () => {
  const reasons = [
    ["stop", "stop"],
    ["length", "length"],
    ["filtered", "content-filter"],
    ["refusal", "content-filter"],
  ] as const;
  for (const [stopReason, finishReason] of reasons) {
    front.script({ ...answerOf({ kind: "text", text: "x" }), stopReason });
    const result = await generateText({ model: provider("house"), prompt: "Hi", providerOptions });
    assert.equal(result.finishReason, finishReason);
    assert.equal(result.usage.inputTokenDetails.cacheReadTokens, 10);
    assert.equal(result.usage.outputTokenDetails.reasoningTokens, 5);
  }
});

test("structured output and an image in the prompt", async () => {
  front.script(answerOf({ kind: "text", text: '{"city":"Oslo"}' }));
  const result = await generateText({
    model: provider("house"),
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "Where?" },
          { type: "file", mediaType: "image/png", data: Buffer.from("\x89PNG\r\n\x1a\n", "latin1") },
        ],
      },
    ],
    output: Output.object({ schema: z.object({ city: z.string() }) }),
    providerOptions,
  });
  assert.deepEqual(result.output, { city: "Oslo" });
  const { request, losses } = front.requests[0]!;
  assert.deepEqual(losses, []);
  assert.equal(request.outputFormat?.kind, "schema");
  assert.deepEqual(request.messages[0]!.parts[1], {
    kind: "image",
    source: { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" },
  });
});

test("an error in the middle is an error, not the end of the text", async () => {
  const started = eventsOf(answerOf({ kind: "text", text: "half" }), []).slice(0, 3);
  front.script([
    ...started,
    { kind: "error", message: "The upstream fell silent.", status: 504, code: "upstream_idle_timeout" },
  ]);
  const result = streamText({
    model: provider("house"),
    prompt: "Hi",
    providerOptions,
    maxRetries: 0,
    onError: () => undefined,
  });
  let failure: unknown;
  for await (const part of result.fullStream) if (part.type === "error") failure = part.error;
  assert.match(JSON.stringify(failure, Object.getOwnPropertyNames(failure ?? {})), /fell silent/);
});
