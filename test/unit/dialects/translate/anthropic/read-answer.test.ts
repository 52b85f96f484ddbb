import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../../../../../src/dialects/translate/anthropic/read-answer.ts";
import { writeAnswer } from "../../../../../src/dialects/translate/anthropic/write-answer.ts";

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};
const CONTEXT = { model: "asked-for", wantsUsage: true, framing: "sse" } as const;

test("what is no message is no answer", () => {
  for (const body of [null, [], "x", {}, { type: "error", error: {} }, { ...MESSAGE, content: "hi" }]) {
    assert.equal(readAnswer(body), undefined);
  }
});

test("blocks of Anthropic's own tools, types not known here and citations are dropped by name", () => {
  const content = [
    { type: "server_tool_use", id: "s", name: "web_search", input: {} },
    { type: "web_search_tool_result", tool_use_id: "s", content: [] },
    { type: "novelty", text: "x" },
    "no block",
    { type: "a b" },
    { type: "text", text: "It rains.", citations: [{ type: "web_search_result_location" }] },
  ];
  assert.deepEqual(readAnswer({ ...MESSAGE, content })!.parts, [{ kind: "text", text: "It rains." }]);
  assert.deepEqual(readAnswer({ ...MESSAGE, content })?.dropped, [
    "content[].server_tool_use",
    "content[].web_search_tool_result",
    "content[].novelty",
    "content[]",
    "content[].citations",
  ]);
  const plain = [
    { type: "text", text: "x", citations: null },
    { type: "thinking", thinking: "hm", signature: "s" },
  ];
  assert.equal(readAnswer({ ...MESSAGE, content: plain })?.dropped, undefined);
});

test("each stop reason is read as what it means", () => {
  const read = (stop: unknown): string => readAnswer({ ...MESSAGE, stop_reason: stop })!.stopReason;
  assert.deepEqual(
    [
      "end_turn",
      "max_tokens",
      "model_context_window_exceeded",
      "stop_sequence",
      "tool_use",
      "refusal",
      "pause_turn",
      "toString",
      null,
    ].map(read),
    ["stop", "length", "length", "stop_sequence", "tool_calls", "filtered", "stop", "stop", "stop"],
  );
});

test("why Anthropic's classifiers stepped in can be read", () => {
  const stopped = {
    stop_reason: "refusal",
    stop_details: { type: "refusal", category: null, explanation: "Because." },
  };
  const answer = readAnswer({ ...MESSAGE, ...stopped })!;
  assert.deepEqual(answer.parts.at(-1), { kind: "refusal", text: "Because." });
  assert.equal(answer.stopReason, "filtered");
});

test("input counts what was cached, both ways", () => {
  const usage = {
    input_tokens: 3,
    cache_creation_input_tokens: 10,
    cache_read_input_tokens: 100,
    output_tokens: 9,
    output_tokens_details: { thinking_tokens: 4 },
  };
  const answer = readAnswer({ ...MESSAGE, usage })!;
  assert.deepEqual(answer.usage, {
    inputTokens: 113,
    cacheWriteTokens: 10,
    cachedInputTokens: 100,
    outputTokens: 9,
    reasoningTokens: 4,
  });
  assert.partialDeepStrictEqual(writeAnswer(answer, CONTEXT), { usage });
  assert.equal(readAnswer({ ...MESSAGE, usage: { input_tokens: "3" } })!.usage, undefined);
});

test("an answer without figures has 0: the API has to say a number", () => {
  const answer = readAnswer({ ...MESSAGE, usage: undefined })!;
  assert.partialDeepStrictEqual(writeAnswer(answer, CONTEXT), { usage: { input_tokens: 0, output_tokens: 0 } });
});
