/** Google's own SDK, and Vercel's, read what we are sent and what we write: all have to say the same. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { ApiError, GoogleGenAI } from "@google/genai";
import type { GenerateContentResponse } from "@google/genai";
import { streamText } from "ai";
import * as fc from "fast-check";
import type { CommonEvent } from "../../src/dialects/translate/common.ts";
import { geminiBack, geminiFront } from "../../src/dialects/translate/gemini/translation.ts";
import { SseEvents } from "../../src/dialects/translate/sse-events.ts";
import { recordedGeminiText, recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import { startServing } from "../support/serving.ts";
import type { Serving } from "../support/serving.ts";
import { answers, eventsOf } from "../unit/dialects/translate/gemini/arbitraries.ts";
import { gather } from "../unit/dialects/translate/gemini/gathered.ts";
import type { Gathered } from "../unit/dialects/translate/gemini/gathered.ts";

let serving: Serving;
let google: GoogleGenAI;

before(async () => {
  serving = await startServing();
  google = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: serving.url } });
});
after(async () => {
  await serving[Symbol.asyncDispose]();
});

/** What a stream says, in the words of Google's SDK. */
interface Said {
  readonly text: string;
  readonly thoughts: string;
  readonly signatures: readonly string[];
  readonly calls: readonly (readonly [string, unknown])[];
  readonly finishReason: string | undefined;
  readonly counts: readonly (number | undefined)[];
}

async function readByGoogle(wire: string | Buffer): Promise<Said> {
  serving.serve({ body: wire });
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of await google.models.generateContentStream({ model: "m", contents: "x" }))
    chunks.push(chunk);
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const usage = chunks.findLast(({ usageMetadata }) => usageMetadata?.promptTokenCount !== undefined)?.usageMetadata;
  const reasons = chunks.flatMap(
    ({ candidates, promptFeedback }) => candidates?.[0]?.finishReason ?? promptFeedback?.blockReason ?? [],
  );
  return {
    text: parts.map(({ text, thought }) => (thought === true ? "" : (text ?? ""))).join(""),
    thoughts: parts.map(({ text, thought }) => (thought === true ? (text ?? "") : "")).join(""),
    signatures: parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
    calls: parts.flatMap(({ functionCall }) =>
      functionCall?.name === undefined ? [] : [[functionCall.name, functionCall.args ?? {}] as const],
    ),
    finishReason: reasons.at(-1),
    counts: [
      (usage?.promptTokenCount ?? 0) + (usage?.toolUsePromptTokenCount ?? 0),
      (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
      usage?.thoughtsTokenCount,
      usage?.cachedContentTokenCount,
    ],
  };
}

/** The calls as Vercel's SDK puts them together, which knows those in pieces too. */
async function callsByVercel(wire: string | Buffer): Promise<Said["calls"]> {
  serving.serve({ body: wire });
  const model = createGoogleGenerativeAI({ apiKey: "k", baseURL: serving.url })("m");
  const result = streamText({ model, prompt: "x", onError: () => {} });
  const calls = await result.toolCalls;
  return calls.filter(({ providerExecuted }) => providerExecuted !== true).map((call) => [call.toolName, call.input]);
}

function readByUs(wire: Buffer, cuts: readonly number[]): readonly CommonEvent[] {
  const parser = new SseEvents();
  const reader = geminiBack.createReader();
  const read: CommonEvent[] = [];
  let from = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), wire.length]) {
    for (const event of parser.push(wire, from, cut)) read.push(...reader.read(event));
    from = cut;
  }
  for (const event of parser.end()) read.push(...reader.read(event));
  return [...read, ...reader.end()];
}

function saidByUs({ parts, usage, stopReason }: Gathered): Said {
  return {
    text: parts.map((part) => (part.kind === "text" ? part.text : "")).join(""),
    thoughts: parts.map((part) => (part.kind === "reasoning" ? part.text : "")).join(""),
    signatures: parts.flatMap((part) =>
      "signature" in part && part.signature !== undefined ? [part.signature.data] : [],
    ),
    calls: parts.flatMap((part) =>
      part.kind === "tool_call" ? [[part.name, JSON.parse(part.arguments) as unknown] as const] : [],
    ),
    finishReason: stopReason,
    counts: [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0, usage?.reasoningTokens, usage?.cachedInputTokens],
  };
}

/** Our word for Google's. */
function stopReasonOf({ finishReason, calls }: Said): string {
  if (finishReason === "STOP") return calls.length > 0 ? "tool_calls" : "stop";
  return finishReason === "MAX_TOKENS" ? "length" : "filtered";
}

const recordings = [
  ...recordedStreams("gemini"),
  ...recordedGeminiText().filter(({ name, wire }) => {
    const text = wire.toString();
    return text.startsWith("data:") && !name.includes("invalid-json") && !name.includes("mid-stream");
  }),
];

for (const { name, wire } of recordings) {
  test(`${name}: we read what the SDKs read, wherever it is cut`, { skip: skipRecorded }, async () => {
    const whole = readByUs(wire, []);
    const gathered = gather(whole);
    assert.equal(gathered.isEnded, true);
    // Google's SDK takes no stream whose last event has no blank line behind it.
    const byGoogle = await readByGoogle(Buffer.concat([wire, Buffer.from("\n\n")]));
    const { calls, ...byUs } = saidByUs(gathered);
    const { calls: _, ...expected } = byGoogle;
    assert.deepEqual(byUs, { ...expected, finishReason: stopReasonOf(byGoogle) });
    assert.deepEqual(calls, await callsByVercel(wire));
    const cuts = fc.array(fc.nat(wire.length), { maxLength: 40 });
    const timeless = (events: readonly CommonEvent[]): unknown =>
      events.map((event) => (event.kind === "start" ? event.model : event.kind === "tool_call" ? event.name : event));
    fc.assert(
      fc.property(cuts, (places) => assert.deepEqual(timeless(readByUs(wire, places)), timeless(whole))),
      { numRuns: 20 },
    );
  });
}

const streams = answers.chain((answer) => fc.tuple(fc.constant(answer), eventsOf(answer)));

test("Google's SDK reads from what we write what we were told", async () => {
  await fc.assert(
    fc.asyncProperty(streams, async ([answer, events]) => {
      const writer = geminiFront.createWriter({ model: "asked-for", wantsUsage: true, framing: "sse" });
      const said = await readByGoogle(events.map((event) => writer.write(event)).join(""));
      const { signatures: _, ...byUs } = saidByUs(gather(events));
      const { signatures: __, ...byGoogle } = said;
      assert.deepEqual(byGoogle, { ...byUs, finishReason: answer.stopReason === "length" ? "MAX_TOKENS" : "STOP" });
    }),
    { numRuns: 60 },
  );
});

test("Vercel's SDK reads from what we write what we were told", async () => {
  const model = createGoogleGenerativeAI({ apiKey: "k", baseURL: serving.url })("m");
  await fc.assert(
    fc.asyncProperty(streams, async ([, events]) => {
      const writer = geminiFront.createWriter({ model: "asked-for", wantsUsage: true, framing: "sse" });
      serving.serve({ body: events.map((event) => writer.write(event)).join("") });
      const result = streamText({ model, prompt: "x", onError: () => {} });
      const byUs = saidByUs(gather(events));
      const [text, thoughts, calls, usage] = await Promise.all([
        result.text,
        result.reasoningText,
        result.toolCalls,
        result.totalUsage,
      ]);
      assert.deepEqual([text, thoughts ?? ""], [byUs.text, byUs.thoughts]);
      assert.deepEqual(
        calls.map(({ toolName, input }) => [toolName, input]),
        byUs.calls,
      );
      assert.deepEqual([usage.inputTokens ?? 0, usage.outputTokens ?? 0], byUs.counts.slice(0, 2));
    }),
    { numRuns: 40 },
  );
});

test("an error in the middle of what we write is one to Google's SDK", async () => {
  const writer = geminiFront.createWriter({ model: "m", wantsUsage: true, framing: "sse" });
  const events: readonly CommonEvent[] = [
    { kind: "start", id: "r", model: "m", createdSeconds: 0 },
    { kind: "text", text: "a" },
    { kind: "error", message: "the upstream broke", status: 503 },
  ];
  await assert.rejects(readByGoogle(events.map((event) => writer.write(event)).join("")), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 503);
    assert.match(error.message, /the upstream broke/);
    return true;
  });
});

test("Google's SDK reads from a whole answer what we were told", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      const body = geminiFront.writeAnswer(answer, { model: "asked-for", wantsUsage: true, framing: "sse" });
      serving.serve({ body: JSON.stringify(body), contentType: "application/json" });
      const read = await google.models.generateContent({ model: "m", contents: "x" });
      const texts = answer.parts.flatMap((part) => (part.kind === "text" ? [part.text] : []));
      const parts = read.candidates?.[0]?.content?.parts ?? [];
      assert.equal(parts.map(({ text, thought }) => (thought === true ? "" : (text ?? ""))).join(""), texts.join(""));
      assert.deepEqual(
        (read.functionCalls ?? []).map(({ id, name, args }) => [id, name, args]),
        answer.parts.flatMap((part) =>
          part.kind === "tool_call" ? [[part.id, part.name, JSON.parse(part.arguments) as unknown]] : [],
        ),
      );
      assert.equal(
        read.usageMetadata?.totalTokenCount,
        answer.usage && answer.usage.inputTokens + answer.usage.outputTokens,
      );
      assert.equal(read.responseId, answer.id);
    }),
    { numRuns: 60 },
  );
});
