import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { writeAnswer } from "../../../../../src/dialects/translate/gemini/write-answer.ts";
import { GeminiWriter } from "../../../../../src/dialects/translate/gemini/write-stream.ts";

const start: CommonEvent = { kind: "start", id: "r1", model: "x", createdSeconds: 0 };
const finish: CommonEvent = { kind: "finish", stopReason: "stop" };
const end: CommonEvent = { kind: "end" };

function write(framing: "sse" | "json_array", ...events: readonly CommonEvent[]): readonly string[] {
  const writer = new GeminiWriter({ model: "m", wantsUsage: true, framing });
  return events.map((event) => writer.write(event));
}

type Json = Record<string, never>;
const chunksOf = (texts: readonly string[]): readonly Json[] =>
  texts
    .join("")
    .split("\r\n\r\n")
    .filter((event) => event !== "")
    .map((event) => {
      assert.ok(event.startsWith("data: {"));
      return JSON.parse(event.slice("data: ".length)) as Json;
    });

test("events are framed as Google's are, the finish reason and the usage last", () => {
  const texts = write(
    "sse",
    start,
    { kind: "text", text: 'a"\n' },
    { kind: "usage", usage: { inputTokens: 3 } },
    finish,
    { kind: "usage", usage: { outputTokens: 5, reasoningTokens: 2 } },
    end,
  );
  assert.deepEqual(texts, [
    "",
    'data: {"candidates":[{"content":{"parts":[{"text":"a\\"\\n"}],"role":"model"},"index":0}],"modelVersion":"x","responseId":"r1"}\r\n\r\n',
    "",
    "",
    "",
    'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],' +
      '"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,"totalTokenCount":8,"thoughtsTokenCount":2},' +
      '"modelVersion":"x","responseId":"r1"}\r\n\r\n',
  ]);
});

test("the array is whole JSON at its end, and only there", () => {
  const texts = write("json_array", start, { kind: "text", text: "a" }, { kind: "text", text: "b" }, finish, end);
  assert.equal((JSON.parse(texts.join("")) as unknown[]).length, 3);
  assert.throws(() => JSON.parse(texts.slice(0, -1).join("")), SyntaxError);
  assert.match(texts[1]!, /^\[\{/);
  assert.match(texts[2]!, /^,\r\n\{/);
  assert.match(texts.at(-1)!, /^,\r\n\{.*\}\n\]\n$/);
});

test("an error is the last, in both framings, with a status that Google's SDK takes for one", () => {
  const error: CommonEvent = { kind: "error", message: "gone", status: undefined };
  const body = { error: { code: 500, message: "gone", status: "INTERNAL" } };
  const [, said, nothing] = write("sse", start, error, end);
  assert.deepEqual([chunksOf([said!]), nothing], [[body], ""]);
  assert.deepEqual(JSON.parse(write("json_array", error, end).join("")), [body]);
  assert.deepEqual(chunksOf(write("sse", { ...error, status: 299 })), [body]);
  const texts = write("json_array", start, { kind: "text", text: "a" }, { ...error, status: 429 }, finish, end);
  assert.deepEqual((JSON.parse(texts.join("")) as unknown[])[1], {
    error: { code: 429, message: "gone", status: "RESOURCE_EXHAUSTED" },
  });
});

const callOf = (index: number): CommonEvent => ({ kind: "tool_call", index, id: `id${index}`, name: `f${index}` });
const piece = (index: number, json: string): CommonEvent => ({ kind: "tool_arguments", index, json });

/** What each event brought: texts, and calls with their arguments. */
const partsOf = (chunks: readonly Json[]): unknown[] =>
  chunks.flatMap(({ candidates }) => {
    const [{ content }] = candidates as unknown as [{ content?: { parts: Record<string, never>[] } }];
    return (content?.parts ?? []).map(({ text, functionCall }) =>
      functionCall === undefined ? text : [functionCall["id"], functionCall["name"], functionCall["args"]],
    );
  });

test("calls are told whole and in order, though their pieces come mixed", () => {
  const texts = write(
    "sse",
    start,
    { kind: "text", text: "a" },
    callOf(0),
    callOf(1),
    piece(0, '{"a":'),
    piece(1, "{"),
    piece(0, "1}"),
    piece(1, "}"),
    finish,
    end,
  );
  assert.deepEqual(partsOf(chunksOf(texts)), ["a", ["id0", "f0", { a: 1 }], ["id1", "f1", {}], ""]);
});

test("a call that is whole is told before what follows it; one without arguments has none", () => {
  const texts = write(
    "sse",
    start,
    callOf(0),
    piece(0, '{"a":{}}'),
    { kind: "text", text: "b" },
    callOf(1),
    finish,
    end,
  );
  assert.deepEqual(partsOf(chunksOf([texts[3]!])), [["id0", "f0", { a: {} }], "b"]);
  assert.deepEqual(partsOf(chunksOf(texts.slice(4))), [["id1", "f1", {}], ""]);
  const spaced = write(
    "sse",
    start,
    callOf(0),
    piece(0, " "),
    { kind: "text", text: "b" },
    piece(0, '{"a":1}'),
    finish,
    end,
  );
  assert.deepEqual(partsOf(chunksOf(spaced)), ["b", ["id0", "f0", { a: 1 }], ""]);
});

test("a call with broken arguments is never told as if it had none", () => {
  const last = chunksOf(write("sse", start, callOf(0), piece(0, '{"a":'), finish, end)).at(-1);
  assert.deepEqual(last?.["candidates"], [
    { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: 'Malformed function call: f0({"a":)', index: 0 },
  ]);
  const cut = write("sse", start, callOf(0), piece(0, '{"a":'), { kind: "finish", stopReason: "length" }, end);
  assert.match(cut.join(""), /"finishReason":"MAX_TOKENS"/);
  const whole = writeAnswer(
    {
      id: "r",
      model: "x",
      createdSeconds: 0,
      parts: [{ kind: "tool_call", id: "1", name: "f", arguments: '"x"' }],
      stopReason: "tool_calls",
      usage: undefined,
    },
    { model: "m", wantsUsage: true, framing: "sse" },
  );
  assert.match(JSON.stringify(whole), /MALFORMED_FUNCTION_CALL.*f\(\\"x\\"\)/);
});

test("arguments that grow beyond all measure end the stream with an error", () => {
  const writer = new GeminiWriter({ model: "m", wantsUsage: true, framing: "sse" });
  writer.write(start);
  writer.write(callOf(0));
  const mebibyte = "x".repeat(1024 * 1024);
  const texts = Array.from({ length: 6 }, () => writer.write(piece(0, mebibyte)));
  assert.deepEqual(
    texts.map((text) => text.slice(0, 22)),
    ["", "", "", "", 'data: {"error":{"code"', ""],
  );
});

test("a refusal's words are told, and that it was one", () => {
  const texts = write("sse", start, { kind: "refusal", text: "no" }, { kind: "finish", stopReason: "refusal" }, end);
  assert.match(texts.join(""), /"text":"no".*"finishReason":"SAFETY","finishMessage":"The model refused to answer."/s);
});

test("log probabilities are told with their text", () => {
  const logprobs = [{ token: "a", logprob: -1, top: [{ token: "b", logprob: -2 }] }];
  const [chunk] = chunksOf(write("sse", { kind: "text", text: "a", logprobs }));
  assert.deepEqual((chunk!["candidates"] as unknown as [{ logprobsResult: unknown }])[0].logprobsResult, {
    chosenCandidates: [{ token: "a", logProbability: -1 }],
    topCandidates: [{ candidates: [{ token: "b", logProbability: -2 }] }],
  });
});
