import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { ChatStreamWriter } from "../../../../../src/dialects/translate/openai-chat/write-stream.ts";
import { SseEvents } from "../../../../../src/dialects/translate/sse-events.ts";
import { commonStreams } from "./arbitrary-answer.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test of what JSON looks like
type Json = any;

const START: CommonEvent = { kind: "start", id: "c", model: "upstream's", createdSeconds: 5 };
const FINISH: CommonEvent = { kind: "finish", stopReason: "stop" };
const END: CommonEvent = { kind: "end" };

function write(events: readonly CommonEvent[], wantsUsage = false): Json[] {
  const writer = new ChatStreamWriter({ model: "caller's", wantsUsage, framing: "sse" });
  const wire = events.map((event) => writer.write(event)).join("");
  return new SseEvents().push(Buffer.from(wire)).map(({ type, data }) => {
    assert.equal(type, "");
    return data === "[DONE]" ? data : JSON.parse(data);
  });
}

const deltas = (events: readonly CommonEvent[]): Json[] =>
  write([START, ...events])
    .slice(1)
    .map((chunk) => chunk.choices?.[0]?.delta ?? chunk);

test("chunks as OpenAI sends them: the role, deltas, the finish reason alone, [DONE]", () => {
  const head = { id: "c", object: "chat.completion.chunk", created: 5, model: "caller's" };
  const choice = (delta: object, finish_reason: string | null = null): object => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  assert.deepEqual(write([START, { kind: "text", text: "hi" }, FINISH, END]), [
    choice({ role: "assistant", content: "", refusal: null }),
    choice({ content: "hi" }),
    choice({}, "stop"),
    "[DONE]",
  ]);
});

test("the usage comes last and in a chunk of its own, where the caller asked for it and it is known", () => {
  const usage: CommonEvent = { kind: "usage", usage: { inputTokens: 3 } };
  const more: CommonEvent = { kind: "usage", usage: { outputTokens: 4, reasoningTokens: 1 } };
  const asked = write([START, usage, FINISH, more, END], true);
  assert.deepEqual(
    asked.map((chunk) => chunk.usage),
    [
      null,
      null,
      {
        prompt_tokens: 3,
        completion_tokens: 4,
        total_tokens: 7,
        completion_tokens_details: { reasoning_tokens: 1 },
      },
      undefined,
    ],
  );
  assert.deepEqual(asked.at(-2).choices, []);
  assert.equal(write([START, usage, FINISH, more, END]).length, 3);
  assert.ok(write([START, usage, FINISH, END]).every((chunk) => !("usage" in Object(chunk))));
  assert.equal(write([START, FINISH, END], true).length, 3);
});

test("a call without arguments gets an empty object before the finish reason", () => {
  assert.deepEqual(
    deltas([
      { kind: "tool_call", index: 0, id: "a", name: "f" },
      { kind: "tool_arguments", index: 0, json: "" },
      { kind: "tool_call", index: 1, id: "b", name: "g" },
      { kind: "tool_arguments", index: 1, json: "{" },
      { kind: "tool_arguments", index: 1, json: "}" },
      { kind: "finish", stopReason: "tool_calls" },
    ]),
    [
      { tool_calls: [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } }] },
      { tool_calls: [{ index: 1, id: "b", type: "function", function: { name: "g", arguments: "" } }] },
      { tool_calls: [{ index: 1, function: { arguments: "{" } }] },
      { tool_calls: [{ index: 1, function: { arguments: "}" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
      {},
    ],
  );
});

test("Gemini's proof of a call goes along as Google's own chat API has it; others' don't", () => {
  const of = (family: "gemini" | "anthropic"): Json =>
    deltas([{ kind: "tool_call", index: 0, id: "a", name: "f", signature: { family, data: "s" } }])[0].tool_calls[0];
  assert.deepEqual(of("gemini").extra_content, { google: { thought_signature: "s" } });
  assert.equal("extra_content" in of("anthropic"), false);
});

test("each stop reason has its word", () => {
  const finish = (...events: CommonEvent[]): unknown => write([START, ...events]).at(-1).choices[0].finish_reason;
  for (const [stopReason, word] of [
    ["stop", "stop"],
    ["stop_sequence", "stop"],
    ["length", "length"],
    ["tool_calls", "tool_calls"],
    ["filtered", "content_filter"],
    ["refusal", "content_filter"],
  ] as const) {
    assert.equal(finish({ kind: "finish", stopReason }), word);
  }
  assert.equal(finish({ kind: "refusal", text: "no" }, { kind: "finish", stopReason: "refusal" }), "stop");
});

test("an error is the last thing said, with our code where the relay has one", () => {
  const errors = write([START, { kind: "error", message: "a", status: 500 }, { kind: "text", text: "b" }, FINISH, END]);
  assert.deepEqual(errors.slice(1), [
    { error: { message: "a", type: "server_error", param: null, code: "upstream_error" } },
  ]);
  const [ours] = write([{ kind: "error", message: "a", status: undefined, code: "upstream_disconnected" }]);
  assert.equal(ours.error.code, "upstream_disconnected");
});

test("any stream: one role, one finish reason, one [DONE], each event on one line", () => {
  fc.assert(
    fc.property(commonStreams, fc.boolean(), ({ events }, wantsUsage) => {
      const writer = new ChatStreamWriter({ model: "m", wantsUsage, framing: "sse" });
      const wire = events.map((event) => writer.write(event)).join("");
      assert.match(wire, /^(?:data: [^\r\n]+\n\n)+$/);
      const chunks = write(events, wantsUsage);
      const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
      assert.equal(choices.filter(({ delta }) => delta.role === "assistant").length, 1);
      assert.equal(choices[0].delta.role, "assistant");
      assert.equal(choices.filter(({ finish_reason }) => finish_reason !== null).length, 1);
      assert.notEqual(choices.at(-1).finish_reason, null);
      assert.equal(chunks.indexOf("[DONE]"), chunks.length - 1);
      for (const event of events) assert.equal(writer.write(event), "");
    }),
    { numRuns: 200 },
  );
});
