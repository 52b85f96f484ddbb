import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AnthropicStreamReader } from "../../../../../src/dialects/translate/anthropic/read-stream.ts";
import { AnthropicStreamWriter } from "../../../../../src/dialects/translate/anthropic/write-stream.ts";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { streams } from "./arbitraries.ts";
import { answerOf, eventsOfText } from "./stream-readings.ts";

const CONTEXT = { model: "asked-for", wantsUsage: true, framing: "sse" } as const;
const START: CommonEvent = { kind: "start", id: "msg_1", model: "gpt-5", createdSeconds: 1 };

/** What a caller gets. */
function written(events: readonly CommonEvent[]): string {
  const writer = new AnthropicStreamWriter(CONTEXT);
  return events.map((event) => writer.write(event)).join("");
}

/** The types of its events, with those of blocks and deltas. */
function typesOf(text: string): string[] {
  return eventsOfText(text).map(({ type, data }) => {
    const { content_block: block, delta } = JSON.parse(data) as Record<string, { type?: string } | undefined>;
    return [type, block?.type ?? delta?.type ?? []].flat().join(" ");
  });
}

/** Fails where an event stands in no stream of Anthropic's. */
function assertLegal(text: string): void {
  const events = eventsOfText(text);
  let open: number | undefined;
  let next = 0;
  for (const [i, { type, data }] of events.entries()) {
    const body = JSON.parse(data) as { type: string; index: number };
    assert.equal(body.type, type);
    assert.equal(type === "message_start", i === 0);
    assert.equal(type === "message_stop", i === events.length - 1);
    assert.equal(type === "message_delta", i === events.length - 2);
    if (type === "content_block_start") {
      assert.equal(open, undefined, "a block begins inside another");
      assert.equal(body.index, next++);
      open = body.index;
    } else if (type.startsWith("content_block")) assert.equal(body.index, open);
    if (type === "content_block_stop") open = undefined;
    if (type === "message_delta") assert.equal(open, undefined, "the message ends inside a block");
  }
}

test("however an upstream mixes its events, what is written is legal and means the same", () => {
  fc.assert(
    fc.property(streams, ({ answer, events }) => {
      const text = written(events);
      assertLegal(text);
      const reader = new AnthropicStreamReader();
      const read = eventsOfText(text).flatMap((event) => reader.read(event));
      assert.deepEqual(answerOf(read), answerOf(events));
      assert.deepEqual(answerOf(read).usage, answer.usage);
    }),
    { numRuns: 500 },
  );
});

test("tool calls one after the other are written as they come", () => {
  const writer = new AnthropicStreamWriter(CONTEXT);
  const types = (event: CommonEvent): string[] => typesOf(writer.write(event));
  types(START);
  assert.deepEqual(types({ kind: "tool_call", index: 0, id: "a", name: "f" }), ["content_block_start tool_use"]);
  assert.deepEqual(types({ kind: "tool_arguments", index: 0, json: '{"x":"}' }), [
    "content_block_delta input_json_delta",
  ]);
  assert.deepEqual(types({ kind: "tool_arguments", index: 0, json: '\\""}' }), [
    "content_block_delta input_json_delta",
  ]);
  assert.deepEqual(types({ kind: "tool_call", index: 1, id: "b", name: "g" }), [
    "content_block_stop",
    "content_block_start tool_use",
  ]);
});

test("a tool call that comes while another is half written waits until that is whole", () => {
  const writer = new AnthropicStreamWriter(CONTEXT);
  const types = (event: CommonEvent): string[] => typesOf(writer.write(event));
  types(START);
  types({ kind: "tool_call", index: 0, id: "a", name: "f" });
  types({ kind: "tool_arguments", index: 0, json: "{" });
  assert.deepEqual(types({ kind: "tool_call", index: 1, id: "b", name: "g" }), []);
  assert.deepEqual(types({ kind: "tool_arguments", index: 1, json: "{}" }), []);
  assert.deepEqual(types({ kind: "tool_call", index: 2, id: "c", name: "h" }), []);
  assert.deepEqual(types({ kind: "tool_arguments", index: 0, json: "}" }), [
    "content_block_delta input_json_delta",
    "content_block_stop",
    "content_block_start tool_use",
    "content_block_delta input_json_delta",
    "content_block_stop",
    "content_block_start tool_use",
  ]);
});

test("a call without arguments does not hold up the answer's end", () => {
  const text = written([
    START,
    { kind: "tool_call", index: 0, id: "a", name: "f" },
    { kind: "tool_call", index: 1, id: "b", name: "g" },
    { kind: "tool_arguments", index: 1, json: "{}" },
    { kind: "finish", stopReason: "tool_calls" },
    { kind: "end" },
  ]);
  assertLegal(text);
  assert.equal(text.match(/"content_block":\{"type":"tool_use"/g)?.length, 2);
});

test("tool calls that wait without end are an error, not memory", () => {
  const writer = new AnthropicStreamWriter(CONTEXT);
  writer.write(START);
  writer.write({ kind: "tool_call", index: 0, id: "a", name: "f" });
  writer.write({ kind: "tool_call", index: 1, id: "b", name: "g" });
  const json = `"${"x".repeat(64 * 1024)}`;
  const out = Array.from({ length: 17 }, () => writer.write({ kind: "tool_arguments", index: 1, json })).join("");
  assert.deepEqual(typesOf(out), ["error"]);
  assert.equal(writer.write({ kind: "end" }), "");
});

test("an error is the last that is written, with the type that its status has", () => {
  for (const [status, type] of [
    [429, "rate_limit_error"],
    [529, "overloaded_error"],
    [503, "overloaded_error"],
    [422, "invalid_request_error"],
    [502, "api_error"],
    [undefined, "api_error"],
  ] as const) {
    const text = written([
      START,
      { kind: "text", text: "a" },
      { kind: "error", message: "no", status },
      { kind: "text", text: "b" },
      { kind: "end" },
    ]);
    const last = eventsOfText(text).at(-1)!;
    assert.equal(last.type, "error");
    assert.deepEqual(JSON.parse(last.data), { type: "error", error: { type, message: "no" } });
    assert.ok(!text.includes("message_stop"));
  }
});

test("a plain stop after tool calls is said as tool_use", () => {
  const call: CommonEvent = { kind: "tool_call", index: 0, id: "a", name: "f" };
  const text = written([START, call, { kind: "finish", stopReason: "stop" }, { kind: "end" }]);
  assert.match(text, /"stop_reason":"tool_use"/);
});

test("a refusal's words are text, and its stop reason says what it was", () => {
  const text = written([
    START,
    { kind: "refusal", text: "I won't." },
    { kind: "finish", stopReason: "refusal" },
    { kind: "end" },
  ]);
  assertLegal(text);
  assert.match(text, /"text_delta","text":"I won't\."/);
  assert.match(text, /"stop_reason":"refusal","stop_sequence":null,"stop_details":\{"type":"refusal"/);
});

test("proofs of other families' thoughts come with their family, a tool call's before the call", () => {
  const text = written([
    START,
    { kind: "reasoning", text: "hm" },
    { kind: "reasoning_signature", signature: { family: "openai", data: "o1" } },
    { kind: "tool_call", index: 0, id: "a", name: "f", signature: { family: "gemini", data: "g1" } },
    { kind: "tool_arguments", index: 0, json: "{}" },
    { kind: "end" },
  ]);
  assertLegal(text);
  assert.match(text, /"signature_delta","signature":"hw1\.openai\.thought\.o1"/);
  assert.deepEqual(
    typesOf(text).filter((type) => type.startsWith("content_block_start")),
    ["thinking", "redacted_thinking", "tool_use"].map((type) => `content_block_start ${type}`),
  );
  assert.match(text, /"redacted_thinking","data":"hw1\.gemini\.call\.g1"/);
});

test("a picture stands in the text, since the API has no place for one", () => {
  const text = written([
    START,
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
    { kind: "image", source: { kind: "url", url: "https://x.test/a.png", mediaType: undefined } },
    { kind: "end" },
  ]);
  assertLegal(text);
  assert.match(text, /!\[image\]\(data:image\/png;base64,AAAA\)/);
  assert.match(text, /!\[image\]\(https:\/\/x\.test\/a\.png\)/);
});

test("the model is the upstream's, or the caller's where the upstream does not say it", () => {
  assert.match(written([START]), /"model":"gpt-5"/);
  assert.match(written([{ ...START, model: "" }]), /"model":"asked-for"/);
});
