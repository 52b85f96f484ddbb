import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { PartialArguments } from "../../../../../src/dialects/translate/gemini/partial-arguments.ts";
import { readAnswer } from "../../../../../src/dialects/translate/gemini/read-answer.ts";
import { GeminiReader } from "../../../../../src/dialects/translate/gemini/read-stream.ts";
import { gather } from "./gathered.ts";

function readAll(...events: readonly unknown[]): readonly CommonEvent[] {
  const reader = new GeminiReader();
  const read = events.flatMap((event) =>
    reader.read({ type: "", data: typeof event === "string" ? event : JSON.stringify(event) }),
  );
  return [...read, ...reader.end()];
}

const chunk = (parts: readonly object[], more: object = {}): object => ({
  candidates: [{ content: { parts, role: "model" }, ...more }],
  modelVersion: "gemini-x",
  responseId: "r1",
});

test("the last finish reason counts, when the connection ends", () => {
  const stop = { finishReason: "STOP" };
  const events = readAll(chunk([{ text: "a" }], stop), chunk([{ text: "b" }], stop), {
    candidates: [{ finishReason: "RECITATION" }],
  });
  assert.deepEqual(
    events.map((event) => (event.kind === "finish" ? event.stopReason : event.kind)),
    ["start", "text", "text", "filtered", "end"],
  );
});

test("a stream without a finish reason has no end", () => {
  assert.equal(gather(readAll(chunk([{ text: "a" }]))).isEnded, false);
  assert.deepEqual(readAll(), []);
});

test("a blocked prompt is an empty answer that was filtered", () => {
  const body = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: { promptTokenCount: 4 } };
  const { parts, stopReason, isEnded, usage } = gather(readAll(body));
  assert.deepEqual([parts, stopReason, isEnded, usage], [[], "filtered", true, { inputTokens: 4 }]);
  const answer = readAnswer(body);
  assert.deepEqual([answer?.parts, answer?.stopReason, answer?.usage?.outputTokens], [[], "filtered", 0]);
});

test("what Google says of a stop that nobody wanted is dropped by name, and is no word of the model's", () => {
  const malformed = { finishReason: "MALFORMED_FUNCTION_CALL", finishMessage: "Malformed function call: f(" };
  const answer = readAnswer(chunk([{ text: "a" }], malformed));
  assert.deepEqual(answer?.parts, [{ kind: "text", text: "a" }]);
  assert.deepEqual(answer?.dropped, ["candidates[].finishMessage"]);
  const blocked = { promptFeedback: { blockReason: "SAFETY", blockReasonMessage: "It is not safe." } };
  assert.deepEqual(readAnswer(blocked)?.dropped, ["promptFeedback.blockReasonMessage"]);
  const natural = { finishReason: "STOP", finishMessage: "Finished." };
  assert.equal(readAnswer(chunk([{ text: "a" }], natural))?.dropped, undefined);
});

test("an error ends the stream, whatever came before and comes after", () => {
  const events = readAll(
    chunk([{ text: "a" }], { finishReason: "STOP" }),
    { error: { code: 499, message: "cancelled", status: "CANCELLED" } },
    chunk([{ text: "b" }], { finishReason: "STOP" }),
  );
  assert.deepEqual(events.slice(1), [
    { kind: "text", text: "a" },
    { kind: "error", message: "cancelled", status: 499 },
  ]);
});

test("what is no JSON object is an error; what says nothing we know is nothing", () => {
  assert.equal(gather(readAll("not json")).error, "an event of the upstream is not readable");
  assert.equal(gather(readAll("[1]")).error, "an event of the upstream is not readable");
  assert.deepEqual(readAll({ this: [{ is: "valid" }] }, ""), []);
});

test("other candidates, code that Google ran, and parts to come are passed over", () => {
  const { parts, stopReason } = gather(
    readAll(
      chunk([{ text: "a" }, { executableCode: { code: "1" } }, { novelty: {} }]),
      { candidates: [{ index: 1, content: { parts: [{ text: "other" }] } }] },
      chunk([{ codeExecutionResult: { output: "1" } }, { text: "b" }], { finishReason: "MAX_TOKENS" }),
    ),
  );
  assert.deepEqual([parts, stopReason], [[{ kind: "text", text: "ab" }], "length"]);
});

test("usage is inclusive, and told again only when it has changed", () => {
  const usageMetadata = {
    promptTokenCount: 10,
    cachedContentTokenCount: 4,
    toolUsePromptTokenCount: 3,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 2,
    totalTokenCount: 20,
  };
  const events = readAll(
    { ...chunk([]), usageMetadata: { trafficType: "ON_DEMAND" } },
    { ...chunk([{ text: "a" }]), usageMetadata },
    { ...chunk([{ text: "b" }]), usageMetadata },
    { ...chunk([], { finishReason: "STOP" }), usageMetadata: { ...usageMetadata, candidatesTokenCount: 6 } },
  );
  assert.deepEqual(
    events.filter(({ kind }) => kind === "usage"),
    [7, 8].map((outputTokens) => ({
      kind: "usage",
      usage: { inputTokens: 13, outputTokens, cachedInputTokens: 4, reasoningTokens: 2 },
    })),
  );
});

test("ids of calls are Gemini's, or made: each its own, in one answer and in two", () => {
  const ids = (responseId: string): unknown[] =>
    readAll({
      ...chunk([
        { functionCall: { name: "f" } },
        { functionCall: { name: "f", id: "own" } },
        { functionCall: { name: "f" } },
      ]),
      responseId,
    }).flatMap((event) => (event.kind === "tool_call" ? [event.id] : []));
  const both = [...ids("r1"), ...ids("r2")];
  assert.equal(both[1], "own");
  assert.equal(new Set(both).size, 5);
});

test("log probabilities come with the text that they belong to", () => {
  const logprobsResult = {
    chosenCandidates: [{ token: "a", logProbability: -0.5 }, { token: "b" }],
    topCandidates: [{ candidates: [{ token: "a", logProbability: -0.5 }] }, { candidates: [] }],
  };
  const logprobs = [
    { token: "a", logprob: -0.5, top: [{ token: "a", logprob: -0.5 }] },
    { token: "b", logprob: 0, top: [] },
  ];
  const body = chunk([{ text: "ab" }], { finishReason: "STOP", logprobsResult });
  assert.deepEqual(readAll(body)[1], { kind: "text", text: "ab", logprobs });
  assert.deepEqual(readAnswer(body)?.logprobs, logprobs);
});

test("every reason to stop that is neither natural nor a limit leaves an answer that is not whole", () => {
  const reasonOf = (finishReason: string): unknown => readAnswer(chunk([{ text: "a" }], { finishReason }))?.stopReason;
  assert.equal(reasonOf("STOP"), "stop");
  assert.equal(reasonOf("MAX_TOKENS"), "length");
  assert.equal(reasonOf("CONTINUATION"), "length");
  for (const reason of ["SAFETY", "OTHER", "MALFORMED_FUNCTION_CALL", "A_REASON_TO_COME"]) {
    assert.equal(reasonOf(reason), "filtered");
  }
});

test("a body that is no answer is none", () => {
  for (const body of [undefined, 1, [], {}, { totalTokens: 3 }, { candidates: [{ content: { parts: [] } }] }]) {
    assert.equal(readAnswer(body), undefined);
  }
});

/** The pieces in which Vertex would stream a value. */
function piecesOf(path: string, value: unknown): object[] {
  if (typeof value === "string") {
    return [
      { jsonPath: path, stringValue: value.slice(0, 2), willContinue: true },
      { jsonPath: path, stringValue: value.slice(2) },
    ];
  }
  if (typeof value === "number") return [{ jsonPath: path, numberValue: value }];
  if (typeof value === "boolean") return [{ jsonPath: path, boolValue: value }];
  if (value === null) return [{ jsonPath: path, nullValue: "NULL_VALUE" }];
  return Object.entries(value as object).flatMap(([key, inner]) =>
    piecesOf(Array.isArray(value) ? `${path}[${key}]` : `${path}['${key.replaceAll(/['\\]/g, "\\$&")}']`, inner),
  );
}

const { value: streamed } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { minLength: 1, maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie("value"), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  ),
}));

test("arguments in pieces are put together, whatever their names", () => {
  const objects = fc.dictionary(fc.string(), streamed, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  fc.assert(
    fc.property(objects, (value) => {
      const gathered = new PartialArguments();
      assert.ok(gathered.add(piecesOf("$", value)));
      assert.deepEqual(JSON.parse(gathered.json()), JSON.parse(JSON.stringify(value)));
    }),
  );
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("a value that is told again is another, unless it was said to go on", () => {
  const gathered = new PartialArguments();
  const piece = (stringValue: string, willContinue: boolean): object => ({
    jsonPath: "$.a",
    stringValue,
    willContinue,
  });
  assert.ok(gathered.add([piece("x", true), piece("y", false)]));
  assert.equal(gathered.json(), '{"a":"xy"}');
  assert.ok(gathered.add([piece("z", false)]));
  assert.equal(gathered.json(), '{"a":"z"}');
});

test("pieces that have no place are refused, and so is a list of holes", () => {
  const add = (...paths: readonly string[]): boolean =>
    new PartialArguments().add(paths.map((jsonPath) => ({ jsonPath, numberValue: 1 })));
  assert.ok(add("$.a[0]", "$.a[1]", "$.b['c d'].e", '$["f"]'));
  for (const path of ["$", "a", "$..a", "$.a[*]", "$.a[1]", "$[0]", "$.a[4294967290]"]) assert.ok(!add(path), path);
  assert.ok(!add("$.a", "$.a.b"));
  assert.ok(!add("$.a[0]", "$.a.length"));
  assert.ok(!add(`$${".a".repeat(200)}`));
  const long = { jsonPath: "$.a", stringValue: "x".repeat(1_000_000), willContinue: true };
  const gathered = new PartialArguments();
  assert.ok(gathered.add([long, long, long, long]));
  assert.ok(!gathered.add([long]));
});

test("a call in pieces is one call with all of its arguments", () => {
  const piece = (functionCall: object): object => chunk([{ functionCall }]);
  const { parts } = gather(
    readAll(
      piece({ name: "f", willContinue: true }),
      piece({ partialArgs: [{ jsonPath: "$.a[0].b", stringValue: "x", willContinue: true }], willContinue: true }),
      piece({ partialArgs: [{ jsonPath: "$.a[0].b", stringValue: "y" }], willContinue: true }),
      piece({ willContinue: true }),
      piece({}),
      piece({ name: "g" }),
      // The end of this one is missing.
      piece({ name: "h", partialArgs: [{ jsonPath: "$.c", boolValue: true }], willContinue: true }),
      chunk([], { finishReason: "STOP" }),
    ),
  );
  assert.deepEqual(
    parts.map((part) => (part.kind === "tool_call" ? [part.name, part.arguments] : [])),
    [
      ["f", '{"a":[{"b":"xy"}]}'],
      ["g", "{}"],
      ["h", '{"c":true}'],
    ],
  );
});

test("sources of an answer, and kinds of parts that nobody else knows, are dropped by name", () => {
  const parts = [
    { text: "a", thoughtSignature: "s" },
    { thought: true, executableCode: { code: "1" } },
    { executableCode: { code: "1" } },
    { thoughtSignature: "s", codeExecutionResult: { output: "1" } },
    { inlineData: { mimeType: "audio/wav", data: "AAAA" } },
    { inlineData: { mimeType: "image/png", data: "AAAA" } },
    { functionCall: { name: "f" } },
    { thoughtSignature: "s" },
  ];
  const sources = { groundingMetadata: { webSearchQueries: ["q"] }, citationMetadata: {}, urlContextMetadata: null };
  assert.deepEqual(readAnswer(chunk(parts, { finishReason: "STOP", ...sources }))?.dropped, [
    "candidates[].groundingMetadata",
    "candidates[].content.parts[].executableCode",
    "candidates[].content.parts[].codeExecutionResult",
    "candidates[].content.parts[].inlineData",
  ]);
  assert.equal(readAnswer(chunk([{ text: "a" }], { finishReason: "STOP" }))?.dropped, undefined);
});
