import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { argumentsObject, argumentsText, parseExactly } from "../../../../src/dialects/translate/call-arguments.ts";
import type { CommonAnswer } from "../../../../src/dialects/translate/common.ts";
import { BACKS, FRONTS } from "../../../../src/dialects/translate/registry.ts";

const DEEP = '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000);
const CONTEXT = { model: "m", wantsUsage: true, framing: "sse" } as const;

test("whole numbers keep all their digits, others are JavaScript's", () => {
  const text =
    '{"id":12345678901234567891,"list":[-9007199254740993,1],"half":0.5,"big":1e+300,"text":"1234567890123456789"}';
  assert.equal(JSON.stringify(argumentsObject(text)), text);
  assert.equal(argumentsText(parseExactly(text)), text);
  assert.deepEqual(parseExactly('{"seed":9007199254740991,"x":[1234567890123456.5]}'), {
    seed: 9007199254740991,
    x: [1234567890123456.5],
  });
});

test("a long number in a text costs nothing: only one outside of texts is looked for, and never in more than 1 MiB", () => {
  // So deep that reading exactly fails.
  const deep = "[".repeat(20_000) + '"1234567890123456789, \\\\\\", :1234567890123456789\\\\"' + "]".repeat(20_000);
  assert.ok(Array.isArray(parseExactly(deep)));
  assert.equal(parseExactly(deep.replace('"', '1234567890123456789,"')), undefined);
  const long = `{"text":"${" ".repeat(1024 * 1024)}","id":1234567890123456789}`;
  assert.equal(typeof (parseExactly(long) as { id: unknown }).id, "number");
});

test("a number that JavaScript has no value for is written as it was", () => {
  for (const number of ["1e400", "-1E+400", `${"1".repeat(400)}.5`]) {
    assert.equal(JSON.stringify(argumentsObject(`{"b":${number}}`)), `{"b":${number}}`);
  }
  assert.equal(JSON.stringify(argumentsObject('{"b":1e-400,"c":1.0e2}')), '{"b":0,"c":100}');
});

test("long numbers are told from texts that look like them, wherever they stand", () => {
  const text = fc.string({ unit: fc.constantFrom('"', "\\", "1", "12345678901234567", ":", ",", "a") });
  const number = fc.bigInt(-(2n ** 70n), 2n ** 70n);
  fc.assert(
    fc.property(fc.array(fc.tuple(text, number, text)), (rows) => {
      const json = `{"a":[${rows.map(([a, n, b]) => `${JSON.stringify(a)},${n},${JSON.stringify(b)}`).join(",")}]}`;
      assert.equal(JSON.stringify(parseExactly(json)), json);
    }),
  );
});

test("nothing is no arguments; what is no object is none", () => {
  for (const none of ["", " \n", "{}", " {} "]) assert.deepEqual(argumentsObject(none), {});
  for (const bad of ["{", "[]", "null", '"a"', "12345678901234567891", "{broken"]) {
    assert.equal(argumentsObject(bad), undefined);
  }
  assert.equal(argumentsText(undefined), "{}");
  assert.equal(parseExactly("{"), undefined);
});

test("whole numbers of arguments that an upstream's stream has as an object keep all their digits", () => {
  const args = '{"id":1234567890123456789}';
  const gemini = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${args}}}]}}]}`;
  const read = BACKS.gemini.createReader().read({ type: "", data: gemini });
  assert.deepEqual(read.at(-1), { kind: "tool_arguments", index: 0, json: args });
  const pieces =
    '[{"jsonPath":"$.id","numberValue":1234567890123456789},{"jsonPath":"$.id.toString","numberValue":1234567890123456789}]';
  const broken = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":${pieces}}}]}}]}`;
  assert.equal(BACKS.gemini.createReader().read({ type: "", data: broken }).at(-1)?.kind, "error");
  const block = `{"type":"tool_use","id":"a","name":"f","input":${args}}`;
  for (const typed of [true, false]) {
    const reader = BACKS.anthropic.createReader();
    const tell = (type: string, rest: string) =>
      reader.read({ type: typed ? type : "", data: `{"type":"${type}"${rest}}` });
    const told = [
      ...tell("message_start", `,"message":{"content":[${block}]}`),
      ...tell("content_block_start", `,"index":0,"content_block":${block}`),
      ...tell("content_block_stop", ',"index":0'),
    ].filter(({ kind }) => kind === "tool_arguments");
    assert.deepEqual(
      told.map((event) => event.kind === "tool_arguments" && event.json),
      [args, args],
    );
  }
});

test("arguments too deep to be written are an upstream's error, in streams and whole answers, and never a throw", () => {
  assert.equal(argumentsObject(DEEP), undefined);
  const gemini = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${DEEP}}}]},"finishReason":"STOP"}]}`;
  const block = `{"type":"tool_use","id":"a","name":"f","input":${DEEP}}`;
  assert.equal(BACKS.gemini.readAnswer(JSON.parse(gemini)), undefined);
  assert.equal(BACKS.anthropic.readAnswer(JSON.parse(`{"type":"message","content":[${block}]}`)), undefined);
  assert.equal(BACKS.gemini.createReader().read({ type: "", data: gemini }).at(-1)?.kind, "error");
  const call = `{"index":0,"id":"c","function":{"name":"f","arguments":${DEEP}}}`;
  const chat = (name: string) =>
    `{"choices":[{"${name}":{"tool_calls":[${call},{"index":1,"id":"d","function":{"name":"g"}}]},"finish_reason":"tool_calls"}]}`;
  assert.equal(BACKS.openai.readAnswer(JSON.parse(chat("message"))), undefined);
  const chatReader = BACKS.openai.createReader();
  assert.equal(chatReader.read({ type: "", data: chat("delta") }).at(-1)?.kind, "error");
  assert.deepEqual(chatReader.end(), []);
  const reader = BACKS.anthropic.createReader();
  const read = (type: string, rest: string) => reader.read({ type, data: `{"type":"${type}"${rest}}` });
  read("message_start", ',"message":{}');
  read("content_block_start", `,"index":0,"content_block":${block}`);
  assert.equal(read("content_block_stop", ',"index":0').at(-1)?.kind, "error");
});

test("a caller's API that has no text for arguments is never told of none where they are broken", () => {
  const answer: CommonAnswer = {
    id: "a",
    model: "m",
    createdSeconds: 1,
    parts: [{ kind: "tool_call", id: "c", name: "f", arguments: '{"all":tr' }],
    stopReason: "tool_calls",
    usage: undefined,
  };
  assert.partialDeepStrictEqual(FRONTS.anthropic.writeAnswer(answer, CONTEXT), {
    content: [{ type: "tool_use", input: { INVALID_JSON: '{"all":tr' } }],
  });
  assert.partialDeepStrictEqual(FRONTS.gemini.writeAnswer(answer, CONTEXT), {
    candidates: [{ finishReason: "MALFORMED_FUNCTION_CALL" }],
  });
  const deep: CommonAnswer = { ...answer, parts: [{ kind: "tool_call", id: "c", name: "f", arguments: DEEP }] };
  for (const front of ["anthropic", "gemini"] as const) JSON.stringify(FRONTS[front].writeAnswer(deep, CONTEXT));
});
