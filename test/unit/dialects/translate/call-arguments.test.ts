import assert from "node:assert/strict";
import { test } from "node:test";
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

test("nothing is no arguments; what is no object is none", () => {
  for (const none of ["", " \n", "{}", " {} "]) assert.deepEqual(argumentsObject(none), {});
  for (const bad of ["{", "[]", "null", '"a"', "12345678901234567891", "{broken"]) {
    assert.equal(argumentsObject(bad), undefined);
  }
  assert.equal(argumentsText(undefined), "{}");
  assert.equal(parseExactly("{"), undefined);
});

test("arguments too deep to be written are an upstream's error, in streams and whole answers, and never a throw", () => {
  assert.equal(argumentsObject(DEEP), undefined);
  const gemini = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${DEEP}}}]},"finishReason":"STOP"}]}`;
  const block = `{"type":"tool_use","id":"a","name":"f","input":${DEEP}}`;
  assert.equal(BACKS.gemini.readAnswer(JSON.parse(gemini)), undefined);
  assert.equal(BACKS.anthropic.readAnswer(JSON.parse(`{"type":"message","content":[${block}]}`)), undefined);
  assert.equal(BACKS.gemini.createReader().read({ type: "", data: gemini }).at(-1)?.kind, "error");
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
