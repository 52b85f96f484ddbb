/** What the SDKs that speak Gemini really send is read, with nothing lost. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { FunctionCallingConfigMode, GoogleGenAI, ThinkingLevel, Type } from "@google/genai";
import { generateText, Output, stepCountIs, tool } from "ai";
import { z } from "zod";
import type { AssistantPart, CommonRequest, Message } from "../../src/dialects/translate/common.ts";
import { geminiFront } from "../../src/dialects/translate/gemini/translation.ts";
import { startServing } from "../support/serving.ts";
import type { Serving } from "../support/serving.ts";

let serving: Serving;
let google: GoogleGenAI;

before(async () => {
  // It tells on the console that it helps itself with the signature, as it should.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  serving = await startServing();
  google = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: serving.url } });
});
after(async () => {
  await serving[Symbol.asyncDispose]();
});

const context = { model: "m", wantsUsage: true, framing: "sse" } as const;

/** The next answer, whatever is asked. */
function answerWith(...parts: readonly AssistantPart[]): void {
  const answer = { id: "r", model: "m", createdSeconds: 0, parts, stopReason: "stop", usage: undefined } as const;
  serving.serve({ body: JSON.stringify(geminiFront.writeAnswer(answer, context)), contentType: "application/json" });
}

/** What was asked last. */
function received(): CommonRequest {
  const read = geminiFront.readRequest(serving.received(), { model: "m" });
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(read.losses, []);
  return read.request;
}

const toolCall = (messages: readonly Message[]): AssistantPart | undefined =>
  messages
    .flatMap((message) => (message.role === "assistant" ? message.parts : []))
    .find(({ kind }) => kind === "tool_call");

test("Google's SDK: everything that it can configure", async () => {
  answerWith({ kind: "text", text: "ok" });
  await google.models.generateContent({
    model: "m",
    contents: [
      { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "_-8=" } }] },
      { role: "model", parts: [{ text: "hm", thought: true }, { text: "ho" }] },
      { role: "user", parts: [{ fileData: { fileUri: "https://files.example/a.pdf", mimeType: "application/pdf" } }] },
    ],
    config: {
      systemInstruction: "be brief",
      temperature: 0.5,
      topP: 0.9,
      topK: 10,
      candidateCount: 1,
      maxOutputTokens: 100,
      stopSequences: ["x"],
      responseLogprobs: true,
      logprobs: 3,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 7,
      responseMimeType: "application/json",
      responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.STRING, nullable: true } } },
      thinkingConfig: { includeThoughts: true, thinkingLevel: ThinkingLevel.LOW },
      tools: [{ functionDeclarations: [{ name: "f", description: "d", parameters: { type: Type.OBJECT } }] }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY, allowedFunctionNames: ["f"] } },
    },
  });
  assert.deepEqual(received(), {
    model: "m",
    stream: false,
    wantsUsage: true,
    system: [{ kind: "text", text: "be brief" }],
    messages: [
      {
        role: "user",
        parts: [
          { kind: "text", text: "hi" },
          { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "/+8=" } },
        ],
      },
      {
        role: "assistant",
        parts: [
          { kind: "reasoning", text: "hm" },
          { kind: "text", text: "ho" },
        ],
      },
      {
        role: "user",
        parts: [
          {
            kind: "document",
            source: { kind: "url", url: "https://files.example/a.pdf", mediaType: "application/pdf" },
          },
        ],
      },
    ],
    tools: [{ name: "f", description: "d", parameters: { type: "object" } }],
    toolChoice: { kind: "named", names: ["f"] },
    parallelToolCalls: undefined,
    maxTokens: 100,
    temperature: 0.5,
    topP: 0.9,
    topK: 10,
    seed: 7,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    stop: ["x"],
    outputFormat: {
      kind: "schema",
      schema: { type: "object", properties: { a: { type: ["string", "null"] } } },
      name: undefined,
    },
    reasoning: { effort: "low", visible: true },
    logprobs: { top: 3 },
    userId: undefined,
  });
});

test("Google's SDK: a chat gives back another family's thoughts with their signature, and the result its call's id", async () => {
  const said: readonly AssistantPart[] = [
    { kind: "reasoning", text: "hm", signature: { family: "anthropic", data: "proof+/=" } },
    { kind: "tool_call", id: "toolu_1", name: "f", arguments: '{"a":1}' },
  ];
  answerWith(...said);
  const chat = google.chats.create({ model: "m" });
  await chat.sendMessage({ message: "hi" });
  answerWith({ kind: "text", text: "ok" });
  await chat.sendMessage({ message: [{ functionResponse: { name: "f", response: { output: "3" } } }] });
  assert.deepEqual(received().messages.slice(1), [
    { role: "assistant", parts: said },
    {
      role: "user",
      parts: [
        { kind: "tool_result", id: "toolu_1", name: "f", content: [{ kind: "text", text: "3" }], isError: false },
      ],
    },
  ]);
});

test("Google's SDK calls functions by itself", async () => {
  answerWith({ kind: "tool_call", id: "c1", name: "add", arguments: '{"a":1}' });
  await google.models.generateContent({
    model: "m",
    contents: "hi",
    config: {
      automaticFunctionCalling: { maximumRemoteCalls: 2 },
      tools: [
        {
          tool: () =>
            Promise.resolve({ functionDeclarations: [{ name: "add", parametersJsonSchema: { type: "object" } }] }),
          callTool: (calls) => {
            answerWith({ kind: "text", text: "ok" });
            return Promise.resolve(
              calls.map(({ name, id }) => ({ functionResponse: { name: name!, id: id!, response: { sum: 2 } } })),
            );
          },
        },
      ],
    },
  });
  const { messages, tools } = received();
  assert.equal(tools[0]?.name, "add");
  assert.deepEqual(messages.at(-1)?.parts, [
    { kind: "tool_result", id: "c1", name: "add", content: [{ kind: "text", text: '{"sum":2}' }], isError: false },
  ]);
});

test("Vercel's SDK: two steps with a tool, an object, a picture", async () => {
  const model = createGoogleGenerativeAI({ apiKey: "k", baseURL: serving.url })("gemini-3-pro-preview");
  answerWith({ kind: "tool_call", id: "c1", name: "weather", arguments: '{"city":"Rome"}' });
  const weather = tool({
    description: "Weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      answerWith({ kind: "text", text: "ok" });
      return Promise.resolve(`sun in ${city}`);
    },
  });
  const result = await generateText({
    model,
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "hi" },
          { type: "file", mediaType: "image/png", data: Buffer.from([0xff, 0xef]) },
        ],
      },
    ],
    tools: { weather },
    stopWhen: stepCountIs(2),
  });
  assert.equal(result.text, "ok");
  const { messages, tools } = received();
  assert.equal(tools[0]?.parameters?.["type"], "object");
  assert.deepEqual(messages[0]?.parts[1], {
    kind: "image",
    source: { kind: "base64", mediaType: "image/png", data: "/+8=" },
  });
  const call = toolCall(messages);
  assert.ok(call?.kind === "tool_call");
  assert.deepEqual([call.id, call.name, call.arguments], ["c1", "weather", '{"city":"Rome"}']);
  assert.deepEqual(messages.at(-1)?.parts, [
    {
      kind: "tool_result",
      id: "c1",
      name: "weather",
      content: [{ kind: "text", text: "sun in Rome" }],
      isError: false,
    },
  ]);

  answerWith({ kind: "text", text: '{"a":1}' });
  const { output } = await generateText({
    model,
    prompt: "hi",
    output: Output.object({ schema: z.object({ a: z.number() }) }),
  });
  assert.deepEqual(output, { a: 1 });
  const { outputFormat } = received();
  assert.ok(outputFormat?.kind === "schema");
  assert.equal(JSON.stringify(outputFormat.schema["properties"]), '{"a":{"type":"number"}}');
});
