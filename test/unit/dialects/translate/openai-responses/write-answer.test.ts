import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssistantPart, CommonAnswer } from "../../../../../src/dialects/translate/common.ts";
import type { AnswerContext } from "../../../../../src/dialects/translate/translation.ts";
import { openaiResponsesFront } from "../../../../../src/dialects/translate/openai-responses/translation.ts";

const context: AnswerContext = { model: "house", wantsUsage: true, framing: "sse" };

function answerOf(
  parts: readonly AssistantPart[],
  more: Partial<CommonAnswer> = {},
): Readonly<Record<string, unknown>> {
  const answer: CommonAnswer = {
    id: "msg_1",
    model: "claude",
    createdSeconds: 1_700_000_000,
    parts,
    stopReason: "stop",
    usage: undefined,
    ...more,
  };
  return openaiResponsesFront.writeAnswer(answer, context);
}

test("an answer has every field that the SDK's types promise", () => {
  assert.deepEqual(answerOf([]), {
    id: "resp_msg_1",
    object: "response",
    created_at: 1_700_000_000,
    status: "completed",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    model: "claude",
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    user: null,
    store: false,
    usage: null,
  });
});

test("what the request said is repeated, but never that it is stored", () => {
  const echo = { temperature: 0.5, metadata: { a: "b" }, store: true, usage: 7 };
  const { temperature, metadata, store, usage } = openaiResponsesFront.writeAnswer(
    { id: "x", model: "", createdSeconds: 1, parts: [], stopReason: "stop", usage: undefined },
    { ...context, echo },
  );
  assert.deepEqual([temperature, metadata, store, usage], [0.5, { a: "b" }, false, null]);
});

test("stop reasons: only what the model finished is complete", () => {
  const ends = (stopReason: CommonAnswer["stopReason"], parts: readonly AssistantPart[] = []): unknown[] => {
    const { status, incomplete_details: details } = answerOf(parts, { stopReason });
    return [status, (details as { reason: string } | null)?.reason ?? null];
  };
  assert.deepEqual(ends("stop"), ["completed", null]);
  assert.deepEqual(ends("stop_sequence"), ["completed", null]);
  assert.deepEqual(ends("tool_calls"), ["completed", null]);
  assert.deepEqual(ends("length"), ["incomplete", "max_output_tokens"]);
  assert.deepEqual(ends("filtered"), ["incomplete", "content_filter"]);
  assert.deepEqual(
    ends("refusal"),
    ["incomplete", "content_filter"],
    "without words it would look like a whole answer",
  );
  assert.deepEqual(ends("refusal", [{ kind: "refusal", text: "No." }]), ["completed", null]);
});

test("text and a refusal beside it are one message; text after a call is another", () => {
  const { output } = answerOf([
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
    { kind: "refusal", text: "no" },
    { kind: "tool_call", id: "c1", name: "f", arguments: "{}" },
    { kind: "text", text: "c" },
  ]) as { output: { type: string; content?: unknown[] }[] };
  assert.deepEqual(
    output.map(({ type }) => type),
    ["message", "function_call", "message"],
  );
  assert.deepEqual(output[0]!.content, [
    { type: "output_text", text: "ab", annotations: [], logprobs: [] },
    { type: "refusal", refusal: "no" },
  ]);
});

test("each of several thoughts is an item of its own, so that none is proved by another's signature", () => {
  const { output } = answerOf([
    { kind: "reasoning", text: "a" },
    { kind: "reasoning", text: "b", signature: { family: "openai", data: "sig" } },
  ]);
  assert.deepEqual(output, [
    { id: "rs_msg_1_0", type: "reasoning", summary: [{ type: "summary_text", text: "a" }], encrypted_content: null },
    { id: "rs_msg_1_1", type: "reasoning", summary: [{ type: "summary_text", text: "b" }], encrypted_content: "sig" },
  ]);
});

test("a call's signature stands in a reasoning item before it", () => {
  const signature = { family: "gemini", data: "c2ln" } as const;
  const { output } = answerOf([{ kind: "tool_call", id: "c", name: "f", arguments: '{"a":1}', signature }]);
  assert.deepEqual(output, [
    { id: "rs_msg_1_0", type: "reasoning", summary: [], encrypted_content: "hw1.gemini.call.c2ln" },
    { id: "fc_msg_1_1", type: "function_call", status: "completed", arguments: '{"a":1}', call_id: "c", name: "f" },
  ]);
});

test("a picture is an image generation call; one that is an address is a link", () => {
  const { output } = answerOf([
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
    { kind: "image", source: { kind: "url", url: "https://example.com/a.png", mediaType: undefined } },
  ]) as { output: Record<string, unknown>[] };
  assert.deepEqual(output[0], { id: "ig_msg_1_0", type: "image_generation_call", status: "completed", result: "AAAA" });
  assert.partialDeepStrictEqual(output[1], { content: [{ text: "![image](https://example.com/a.png)" }] });
});

test("token probabilities have bytes, also where the upstream says none", () => {
  const logprobs = [{ token: "é", logprob: -0.5, top: [{ token: "e", logprob: -1 }] }];
  const { output } = answerOf([{ kind: "text", text: "é" }], { logprobs }) as { output: { content: object[] }[] };
  assert.partialDeepStrictEqual(output[0]!.content[0], {
    logprobs: [
      { token: "é", logprob: -0.5, bytes: [0xc3, 0xa9], top_logprobs: [{ token: "e", logprob: -1, bytes: [0x65] }] },
    ],
  });
});

test("ids are made of the upstream's, and hold nothing but letters, digits, _ and -", () => {
  const { id, output } = answerOf([{ kind: "text", text: "a" }], { id: `a/b c"${"x".repeat(200)}` }) as {
    id: string;
    output: { id: string }[];
  };
  assert.match(id, /^resp_abcx{61}$/);
  assert.match(output[0]!.id, /^msg_abcx{61}_0$/);
});
