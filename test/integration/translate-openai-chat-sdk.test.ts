/** The official SDKs read what we read, and what we write. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";
import * as fc from "fast-check";
import OpenAI, { APIError } from "openai";
import { parse } from "yaml";
import type { CommonEvent, CommonUsage } from "../../src/dialects/translate/common.ts";
import { openaiChatBack, openaiChatFront } from "../../src/dialects/translate/openai-chat/translation.ts";
import { SseEvents } from "../../src/dialects/translate/sse-events.ts";
import { FIXTURES, recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import { commonAnswers, commonStreams } from "../unit/dialects/translate/openai-chat/arbitrary-answer.ts";
import { gather, gatherParts } from "../unit/dialects/translate/openai-chat/gathered.ts";
import type { Gathered } from "../unit/dialects/translate/openai-chat/gathered.ts";

/** What the next request is answered with, in these pieces. */
let served: { readonly type: string; readonly pieces: readonly (string | Buffer)[] };
const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": served.type });
  for (const piece of served.pieces) response.write(piece);
  response.end();
});
let baseURL: string;
let client: OpenAI;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  client = new OpenAI({ baseURL, apiKey: "key", maxRetries: 0 });
});
after(() => {
  server.close();
  server.closeAllConnections();
});

const CONTEXT = { model: "m", wantsUsage: true, framing: "sse" } as const;
const messages = [{ role: "user" as const, content: "?" }];

function serve(wire: Buffer | string, cuts: readonly number[] = []): void {
  const bytes = Buffer.from(wire as string);
  const at = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b);
  const pieces = [...at, bytes.length].map((cut, i) => bytes.subarray(at[i - 1] ?? 0, cut));
  served = { type: "text/event-stream", pieces: pieces.filter((piece) => piece.length > 0) };
}

// oxlint-disable-next-line typescript/no-explicit-any -- what imitators add to the API is in no type of the SDK's
type Json = any;

/** Everything that the SDK's chunks say, added up as its users do. */
async function readBySdk(): Promise<Omit<Gathered, "refusal" | "images" | "logprobs" | "error">> {
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  let text = "";
  let thoughts = "";
  let finish: string | undefined;
  let usage: Json;
  const calls: { id: string; name: string; arguments: string }[] = [];
  for await (const chunk of stream) {
    usage = chunk.usage ?? (chunk as Json).x_groq?.usage ?? usage;
    const choice: Json = chunk.choices[0];
    text += choice?.delta.content ?? "";
    thoughts += choice?.delta.reasoning_content ?? choice?.delta.reasoning ?? "";
    finish = choice?.finish_reason ?? finish;
    for (const piece of choice?.delta.tool_calls ?? []) {
      const call = (calls[piece.index] ??= { id: "", name: "", arguments: "" });
      call.id ||= piece.id ?? "";
      call.name ||= piece.function?.name ?? "";
      call.arguments += piece.function?.arguments ?? "";
    }
  }
  return { text, thoughts, calls, stopReason: finish, usage: inclusive(usage), isComplete: finish !== undefined };
}

/** In xAI's streams thoughts are in the total alone. */
function inclusive(usage: Json): Partial<CommonUsage> | undefined {
  if (usage === undefined) return undefined;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const thought = usage.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.total_tokens - usage.prompt_tokens,
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(thought === undefined ? {} : { reasoningTokens: thought }),
  };
}

function readByUs(wire: Buffer, cuts: readonly number[]): Gathered {
  const parser = new SseEvents();
  const reader = openaiChatBack.createReader();
  const events: CommonEvent[] = [];
  let from = 0;
  for (const cut of [...cuts, wire.length].sort((a, b) => a - b)) {
    for (const event of parser.push(wire, from, cut)) events.push(...reader.read(event));
    from = cut;
  }
  for (const event of parser.end()) events.push(...reader.read(event));
  events.push(...reader.end());
  return gather(events);
}

const recorded = recordedStreams("openai").filter(({ path }) => path === "/v1/chat/completions");

test("recordings: however cut, we read what the SDK reads", { skip: skipRecorded }, async (t) => {
  for (const { name, wire } of recorded) {
    await t.test(name, async () => {
      serve(wire);
      const expected = await readBySdk();
      const check = (cuts: readonly number[]): void => {
        const { refusal, images, logprobs, error, ...read } = readByUs(wire, cuts);
        assert.deepEqual(read, expected);
        assert.deepEqual(
          { refusal, images, logprobs, error },
          { refusal: "", images: 0, logprobs: [], error: undefined },
        );
      };
      check([]);
      check(Array.from({ length: wire.length }, (_, i) => i));
      fc.assert(fc.property(fc.array(fc.nat(wire.length), { maxLength: 60 }), check), { numRuns: 10 });
      // Not every server says [DONE].
      const { isComplete } = readByUs(wire.subarray(0, wire.lastIndexOf("data: [DONE]")), []);
      assert.equal(isComplete, true);
    });
  }
});

test("recordings: written again as a chat stream, the SDK reads the same", { skip: skipRecorded }, async (t) => {
  for (const { name, wire } of recorded) {
    await t.test(name, async () => {
      serve(wire);
      const expected = await readBySdk();
      const writer = openaiChatFront.createWriter(CONTEXT);
      const reader = openaiChatBack.createReader();
      const events = new SseEvents().push(wire).flatMap((event) => reader.read(event));
      serve(events.map((event) => writer.write(event)).join(""));
      assert.deepEqual(await readBySdk(), expected);
    });
  }
});

function callsOf(message: OpenAI.ChatCompletionMessage): Gathered["calls"] {
  return (message.tool_calls ?? []).map((call) => {
    assert.equal(call.type, "function");
    return { id: call.id, name: call.function.name, arguments: call.function.arguments };
  });
}

/** Recorded requests and answers of the chat API, as JSON; streams left out. */
function recordedAnswers(): { readonly name: string; readonly request: Json; readonly answer: Json }[] {
  if (skipRecorded !== false) return [];
  return globSync("*cassettes/*.yaml", { cwd: FIXTURES })
    .sort()
    .flatMap((name) => {
      const { interactions }: Json = parse(readFileSync(FIXTURES + name, "utf8"));
      const usable = interactions.filter(
        ({ request, response }: Json) =>
          request.url.includes("/chat/completions") && response.code === 200 && response.body.startsWith("{"),
      );
      return usable.map(({ request, response }: Json) => ({
        name,
        request: JSON.parse(request.body),
        answer: JSON.parse(response.body),
      }));
    });
}

test(
  "recorded requests are read; recorded answers say the same when we have written them anew",
  { skip: skipRecorded },
  async (t) => {
    for (const { name, request, answer } of recordedAnswers()) {
      await t.test(name, async () => {
        const read = openaiChatFront.readRequest(request, {});
        assert.ok(read.ok, JSON.stringify(read));
        const common = openaiChatBack.readAnswer(answer)!;
        served = { type: "application/json", pieces: [JSON.stringify(openaiChatFront.writeAnswer(common, CONTEXT))] };
        const { choices, usage, id, created } = await client.chat.completions.create({ model: "m", messages });
        const { message, finish_reason } = choices[0]!;
        const expected = answer.choices[0];
        assert.equal(message.content, expected.message.content);
        assert.deepEqual(message.tool_calls, expected.message.tool_calls);
        assert.equal(finish_reason, expected.finish_reason);
        assert.deepEqual([id, created], [answer.id, answer.created]);
        assert.equal(usage?.total_tokens, answer.usage.total_tokens);
        assert.equal(usage?.prompt_tokens_details?.cached_tokens, answer.usage.prompt_tokens_details?.cached_tokens);
      });
    }
  },
);

const FINISH: Readonly<Record<string, string>> = { filtered: "content_filter", refusal: "stop" };

test("any stream that we write is a whole one to the SDK, and says the same", async () => {
  await fc.assert(
    fc.asyncProperty(commonStreams, fc.array(fc.nat(2000), { maxLength: 4 }), async ({ answer, events }, cuts) => {
      const writer = openaiChatFront.createWriter(CONTEXT);
      serve(events.map((event) => writer.write(event)).join(""), cuts);
      assert.equal((await readBySdk()).thoughts, gatherParts(answer.parts).thoughts);
      // The helper checks what it reads: roles, order, a finish reason for each choice.
      const completion = await client.chat.completions.stream({ model: "m", messages }).finalChatCompletion();
      const parts = gatherParts(answer.parts);
      const { message, finish_reason } = completion.choices[0]!;
      assert.equal(message.content ?? "", parts.text);
      assert.equal(message.refusal ?? "", parts.refusal);
      assert.equal(finish_reason, FINISH[answer.stopReason] ?? answer.stopReason);
      assert.deepEqual(callsOf(message), parts.calls);
      assert.equal(completion.id, answer.id);
      assert.equal(completion.created, answer.createdSeconds);
      assert.equal(completion.usage?.prompt_tokens, answer.usage?.inputTokens);
      assert.equal(completion.usage?.completion_tokens, answer.usage?.outputTokens);
      assert.equal(completion.usage?.prompt_tokens_details?.cached_tokens, answer.usage?.cachedInputTokens);
      assert.equal(completion.usage?.completion_tokens_details?.reasoning_tokens, answer.usage?.reasoningTokens);
      assert.deepEqual(
        completion.choices[0]!.logprobs?.content?.map(({ token, logprob }) => ({ token, logprob })),
        answer.logprobs?.map(({ token, logprob }) => ({ token, logprob })),
      );
    }),
    { numRuns: 60 },
  );
});

test("any whole answer that we write is one to the SDK, and says the same", async () => {
  await fc.assert(
    fc.asyncProperty(commonAnswers, async (answer) => {
      served = { type: "application/json", pieces: [JSON.stringify(openaiChatFront.writeAnswer(answer, CONTEXT))] };
      const completion = await client.chat.completions.create({ model: "m", messages });
      const { message } = completion.choices[0]!;
      const parts = gatherParts(answer.parts);
      assert.equal(message.content ?? "", parts.text);
      assert.deepEqual(callsOf(message), parts.calls);
      assert.equal(
        completion.usage?.total_tokens,
        answer.usage && answer.usage.inputTokens + answer.usage.outputTokens,
      );
    }),
    { numRuns: 30 },
  );
});

test("Vercel's provider reads our streams: text, calls, stop reason, usage", async () => {
  const model = createOpenAI({ baseURL, apiKey: "key" }).chat("m");
  await fc.assert(
    fc.asyncProperty(commonStreams, async ({ answer, events }) => {
      const writer = openaiChatFront.createWriter(CONTEXT);
      serve(events.map((event) => writer.write(event)).join(""));
      const result = streamText({
        model,
        prompt: "?",
        maxRetries: 0,
        onError: ({ error }) => assert.fail(String(error)),
      });
      const parts = gatherParts(answer.parts);
      // It has no refusals of their own.
      assert.equal(await result.text, parts.text + parts.refusal);
      assert.deepEqual(
        (await result.toolCalls).map(({ toolCallId, toolName, input }) => ({ id: toolCallId, name: toolName, input })),
        parts.calls.map(({ id, name, arguments: json }) => ({ id, name, input: JSON.parse(json) as unknown })),
      );
      const usage = await result.usage;
      if (answer.usage !== undefined) {
        assert.equal(usage.inputTokens, answer.usage.inputTokens);
        assert.equal(usage.outputTokens, answer.usage.outputTokens);
      }
      const finish =
        answer.stopReason === "refusal" ? "content_filter" : (FINISH[answer.stopReason] ?? answer.stopReason);
      assert.equal((await result.finishReason).replace("-", "_"), finish);
    }),
    { numRuns: 20 },
  );
});

test("an error in the middle of a stream is thrown by the SDK with its message, after what came before it", async () => {
  const writer = openaiChatFront.createWriter(CONTEXT);
  const events: CommonEvent[] = [
    { kind: "start", id: "a", model: "m", createdSeconds: 1 },
    { kind: "text", text: "half" },
    { kind: "error", message: 'It "broke"\n', status: 529 },
    { kind: "text", text: "never" },
    { kind: "end" },
  ];
  const wire = events.map((event) => writer.write(event)).join("");
  assert.doesNotMatch(wire, /DONE|never/);
  serve(wire);
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  let text = "";
  await assert.rejects(
    async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    },
    (error) => error instanceof APIError && error.message.includes('It "broke"') && error.code === "upstream_error",
  );
  assert.equal(text, "half");
});
