import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AnthropicStreamReader } from "../../../../../src/dialects/translate/anthropic/read-stream.ts";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { answerOf } from "./stream-readings.ts";

const START = {
  type: "message_start",
  message: { id: "msg_1", model: "claude-sonnet-4-5", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
};

/** Each event by its own type. */
function read(...events: readonly { readonly type: string }[]): CommonEvent[] {
  const reader = new AnthropicStreamReader();
  return [
    ...events.flatMap((event) => reader.read({ type: event.type, data: JSON.stringify(event) })),
    ...reader.end(),
  ];
}

const open = (index: number, block: object): { type: string } =>
  ({ type: "content_block_start", index, content_block: block }) as { type: string };
const delta = (index: number, change: object): { type: string } =>
  ({ type: "content_block_delta", index, delta: change }) as { type: string };
const close = (index: number): { type: string } => ({ type: "content_block_stop", index }) as { type: string };

test("a stream without its end is not complete", () => {
  const events = read(START, open(0, { type: "text", text: "" }), delta(0, { type: "text_delta", text: "hi" }));
  assert.equal(answerOf(events).text, "hi");
  assert.equal(answerOf(events).ended, false);
});

test("nothing comes after the end, nor after an error", () => {
  const late = delta(0, { type: "text_delta", text: "late" });
  assert.equal(read(START, { type: "message_stop" }, late, { type: "message_stop" }).at(-1)!.kind, "end");
  const failed = read(
    START,
    { type: "error", error: { type: "overloaded_error", message: "Overloaded" } } as never,
    late,
  );
  assert.deepEqual(failed.at(-1), { kind: "error", message: "Overloaded", status: 529 });
});

test("an event that is not JSON is an error; one that is not known is not looked at", () => {
  const reader = new AnthropicStreamReader();
  assert.deepEqual(reader.read({ type: "novelty", data: "{" }), []);
  assert.equal(reader.read({ type: "message_start", data: "{" })[0]!.kind, "error");
});

test("events say their type in their data where the line that says it is missing", () => {
  const reader = new AnthropicStreamReader();
  const events = [START, { type: "ping" }, { type: "message_stop" }].flatMap((event) =>
    reader.read({ type: "", data: JSON.stringify(event) }),
  );
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["start", "usage", "end"],
  );
});

test("a call's arguments are what it began with, where no more of them come", () => {
  const call = (id: string, input: object): object => ({ type: "tool_use", id, name: "f", input });
  const { calls } = answerOf(
    read(
      START,
      open(0, call("a", { x: 1 })),
      close(0),
      open(1, call("b", {})),
      delta(1, { type: "input_json_delta", partial_json: "" }),
      delta(1, { type: "input_json_delta", partial_json: '{"y":2}' }),
      close(1),
      open(2, call("c", {})),
      { type: "message_stop" },
    ),
  );
  assert.deepEqual(
    calls.map(({ id, json }) => [id, json]),
    [
      ["a", '{"x":1}'],
      ["b", '{"y":2}'],
      ["c", "{}"],
    ],
  );
});

test("blocks that are written side by side are told apart, and one that is not open is passed over", () => {
  const call = (id: string): object => ({ type: "tool_use", id, name: "f", input: {} });
  const json = (index: number, text: string): { type: string } =>
    delta(index, { type: "input_json_delta", partial_json: text });
  const { calls, text } = answerOf(
    read(
      START,
      open(0, call("a")),
      open(1, call("b")),
      json(1, '{"y"'),
      json(0, '{"x"'),
      json(1, ":2}"),
      close(1),
      json(0, ":1}"),
      json(1, "late"),
      delta(7, { type: "text_delta", text: "nobody's" }),
      { type: "message_stop" },
    ),
  );
  assert.deepEqual(
    calls.map((one) => one.json),
    ['{"x":1}', '{"y":2}'],
  );
  assert.equal(text, "");
});

test("blocks that are opened without end are an error, not memory", () => {
  const opened = Array.from({ length: 300 }, (_, i) => open(i, { type: "text", text: "" }));
  assert.match(answerOf(read(START, ...opened)).error ?? "", /too many blocks/);
});

test("the last proof of a thought counts, and comes as it ends", () => {
  const events = read(
    START,
    open(0, { type: "thinking", thinking: "", signature: "" }),
    delta(0, { type: "thinking_delta", thinking: "hm" }),
    delta(0, { type: "signature_delta", signature: "s1" }),
    delta(0, { type: "signature_delta", signature: "s2" }),
    close(0),
    open(1, { type: "redacted_thinking", data: "r" }),
    close(1),
  );
  assert.deepEqual(events.slice(2), [
    { kind: "reasoning", text: "hm" },
    { kind: "reasoning_signature", signature: { family: "anthropic", data: "s2" } },
    { kind: "reasoning_signature", signature: { family: "anthropic", data: "r", redacted: true } },
  ]);
});

test("blocks of Anthropic's own tools are passed over with all that belongs to them", () => {
  const events = read(
    START,
    open(0, { type: "server_tool_use", id: "s", name: "web_search", input: {} }),
    delta(0, { type: "input_json_delta", partial_json: "{}" }),
    close(0),
    open(1, { type: "compaction" }),
    delta(1, { type: "compaction_delta", content: "x" }),
    close(1),
    open(2, { type: "text", text: "a" }),
    delta(2, { type: "citations_delta", citation: {} }),
    delta(2, { type: "text_delta", text: "b" }),
  );
  assert.deepEqual(events.slice(2), [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]);
});

test("never throws, whatever an upstream sends", () => {
  const type = fc.constantFrom(
    "message_start",
    "content_block_start",
    "content_block_delta",
    "message_delta",
    "error",
    "",
  );
  const keys = fc.constantFrom(
    "type",
    "index",
    "delta",
    "content_block",
    "message",
    "usage",
    "error",
    "text",
    "content",
  );
  const value = fc.letrec((tie) => ({
    node: fc.oneof(fc.jsonValue(), fc.dictionary(keys, tie("node")), type),
  })).node;
  const event = fc.record({
    type,
    data: fc.oneof(
      fc.string(),
      value.map((json) => JSON.stringify(json) ?? ""),
    ),
  });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const reader = new AnthropicStreamReader();
      reader.read({ type: "message_start", data: JSON.stringify(START) });
      for (const one of events) reader.read(one);
    }),
  );
});
