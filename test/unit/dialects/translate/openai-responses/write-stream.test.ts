import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import type { AnswerContext } from "../../../../../src/dialects/translate/translation.ts";
import { openaiResponsesFront } from "../../../../../src/dialects/translate/openai-responses/translation.ts";
import { answers, cutPlaces, eventsOf } from "./conversations.ts";
import { assertLegal, parseEvents } from "./legal-events.ts";
import type { ResponsesEvent } from "./legal-events.ts";

const context: AnswerContext = { model: "house", wantsUsage: true, framing: "sse" };
const START: CommonEvent = { kind: "start", id: "msg_1", model: "m", createdSeconds: 1_700_000_000 };

function written(events: readonly CommonEvent[]): string {
  const writer = openaiResponsesFront.createWriter(context);
  return events.map((event) => writer.write(event)).join("");
}

const parsed = (events: readonly CommonEvent[]): ResponsesEvent[] => parseEvents(written(events));

/** The types, repeated ones once. */
function typesOf(events: readonly ResponsesEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
}

test("any stream is written in legal order, and its last event holds what the whole answer is", () => {
  fc.assert(
    fc.property(answers, cutPlaces, (answer, cuts) => {
      const response = assertLegal(parsed(eventsOf(answer, cuts)));
      const whole = openaiResponsesFront.writeAnswer(answer, context);
      assert.deepEqual(response, JSON.parse(JSON.stringify(whole)));
    }),
    { numRuns: 300 },
  );
});

test("thoughts, text and a call come as the API's own sequence of events", () => {
  const events = parsed([
    START,
    { kind: "reasoning", text: "Hm" },
    { kind: "reasoning_signature", signature: { family: "anthropic", data: "abc" } },
    { kind: "text", text: "Let me" },
    { kind: "text", text: " see." },
    { kind: "tool_call", index: 0, id: "call_1", name: "look" },
    { kind: "tool_arguments", index: 0, json: '{"at":' },
    { kind: "tool_arguments", index: 0, json: "1}" },
    { kind: "finish", stopReason: "tool_calls" },
    { kind: "usage", usage: { inputTokens: 10, cachedInputTokens: 4 } },
    { kind: "usage", usage: { outputTokens: 5, reasoningTokens: 2 } },
    { kind: "end" },
  ]);
  assert.deepEqual(typesOf(events), [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const response = assertLegal(events);
  assert.equal(response["id"], "resp_msg_1");
  assert.deepEqual(response["output"], [
    {
      id: "rs_msg_1_0",
      type: "reasoning",
      summary: [{ type: "summary_text", text: "Hm" }],
      encrypted_content: "hw1.anthropic.thought.abc",
    },
    {
      id: "msg_msg_1_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Let me see.", annotations: [], logprobs: [] }],
    },
    {
      id: "fc_msg_1_2",
      type: "function_call",
      status: "completed",
      arguments: '{"at":1}',
      call_id: "call_1",
      name: "look",
    },
  ]);
  assert.deepEqual(response["usage"], {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 15,
  });
});

test("a call without arguments has an empty object, in a delta too", () => {
  const events = parsed([
    START,
    { kind: "tool_call", index: 0, id: "c", name: "now" },
    { kind: "finish", stopReason: "tool_calls" },
    { kind: "end" },
  ]);
  const [call] = assertLegal(events)["output"] as { arguments: string }[];
  assert.equal(call!.arguments, "{}");
  assert.equal(events.find(({ type }) => type.endsWith("arguments.delta"))!["delta"], "{}");
});

test("an answer that was cut ends as incomplete, and so does the item that was being written, no other", () => {
  const events: CommonEvent[] = [
    START,
    { kind: "tool_call", index: 0, id: "a", name: "f" },
    { kind: "tool_call", index: 1, id: "b", name: "f" },
    { kind: "tool_arguments", index: 1, json: '{"half' },
    { kind: "finish", stopReason: "length" },
    { kind: "end" },
  ];
  const response = assertLegal(parsed(events));
  assert.equal(response["status"], "incomplete");
  assert.deepEqual(response["incomplete_details"], { reason: "max_output_tokens" });
  assert.deepEqual(
    (response["output"] as { status: string; arguments: string }[]).map((item) => [item.status, item.arguments]),
    [
      ["completed", "{}"],
      ["incomplete", '{"half'],
    ],
  );
});

test("a stream that is cut short is incomplete, unless the model had finished before", () => {
  const said: CommonEvent[] = [START, { kind: "text", text: "a" }];
  const cut: CommonEvent[] = [{ kind: "finish", stopReason: "length" }, { kind: "end" }];
  assert.equal(assertLegal(parsed([...said, ...cut]))["status"], "incomplete");
  const finished: CommonEvent = { kind: "finish", stopReason: "stop" };
  assert.equal(assertLegal(parsed([...said, finished, ...cut]))["status"], "completed");
});

test("an error ends the stream: an error event, the response that failed, and nothing after it", () => {
  const writer = openaiResponsesFront.createWriter(context);
  writer.write(START);
  writer.write({ kind: "text", text: "half" });
  const message = "The upstream closed the connection.";
  const events = parseEvents(
    writer.write({ kind: "error", message, status: undefined, code: "upstream_disconnected" }),
  );
  assert.deepEqual(
    events.map(({ type }) => type),
    ["error", "response.failed"],
  );
  assert.partialDeepStrictEqual(events[0], { code: "upstream_disconnected", message, error: { message, param: null } });
  assert.partialDeepStrictEqual(events[1]!["response"], {
    status: "failed",
    error: { code: "upstream_disconnected", message },
  });
  for (const late of [
    { kind: "text", text: "late" },
    { kind: "finish", stopReason: "stop" },
    { kind: "end" },
  ] as const) {
    assert.equal(writer.write(late), "");
  }
});

test("a response that failed holds what had come of it, finished or not", () => {
  const failed = (...events: CommonEvent[]): unknown => {
    const last = parsed([START, ...events, { kind: "error", message: "no", status: undefined }]).at(-1)!;
    return (last["response"] as ResponsesEvent)["output"];
  };
  assert.partialDeepStrictEqual(failed({ kind: "reasoning", text: "Hm" }, { kind: "text", text: "half" }), [
    { type: "reasoning", summary: [{ type: "summary_text", text: "Hm" }] },
    { type: "message", status: "incomplete", content: [{ type: "output_text", text: "half" }] },
  ]);
  assert.partialDeepStrictEqual(failed({ kind: "reasoning", text: "Hm" }), [
    { type: "reasoning", summary: [{ type: "summary_text", text: "Hm" }] },
  ]);
  assert.partialDeepStrictEqual(
    failed(
      { kind: "text", text: "a" },
      { kind: "refusal", text: "b" },
      { kind: "tool_call", index: 0, id: "c", name: "f" },
      { kind: "tool_arguments", index: 0, json: '{"x"' },
    ),
    [
      {
        status: "completed",
        content: [
          { type: "output_text", text: "a" },
          { type: "refusal", refusal: "b" },
        ],
      },
      { type: "function_call", status: "incomplete", call_id: "c", arguments: '{"x"' },
    ],
  );
});

test("an error before anything else is an error event alone, with a code of the API's", () => {
  for (const [status, code] of [
    [429, "rate_limit_exceeded"],
    [400, "invalid_prompt"],
    [529, "server_error"],
    [undefined, "server_error"],
  ] as const) {
    const events = parsed([{ kind: "error", message: "no", status }]);
    assert.deepEqual(
      events.map(({ type, code: said }) => [type, said]),
      [["error", code]],
    );
  }
});

test("a stream that is larger than can be repeated at its end fails, and does not grow on", () => {
  const writer = openaiResponsesFront.createWriter(context);
  writer.write(START);
  const piece: CommonEvent = { kind: "text", text: "x".repeat(1024 * 1024) };
  for (let i = 0; i < 16; i++) assert.match(writer.write(piece), /output_text\.delta/);
  const end = writer.write(piece);
  assert.match(end, /^event: error\n[^]*event: response\.failed\n/);
  assert.ok(end.length < 10_000);
  assert.equal(writer.write(piece), "");
});

test("probabilities of tokens, calls, proofs and links count, too, of what is repeated at the end", () => {
  const long = "x".repeat(1024 * 1024);
  const signature = { family: "gemini", data: long } as const;
  const pieces: CommonEvent[] = [
    { kind: "text", text: "", logprobs: [{ token: "a", logprob: -1, top: [{ token: long, logprob: -2 }] }] },
    { kind: "tool_call", index: 0, id: "c", name: long },
    { kind: "reasoning_signature", signature },
    { kind: "image", source: { kind: "url", url: long, mediaType: undefined } },
  ];
  for (const piece of pieces) {
    const writer = openaiResponsesFront.createWriter(context);
    writer.write(START);
    for (let i = 0; i < 17; i++) writer.write(piece);
    assert.ok(writer.failed, piece.kind);
  }
});

test("arguments of a call that never began, and what comes before the start, are not written", () => {
  assert.equal(written([{ kind: "text", text: "x" }, { kind: "end" }]), "");
  const events = parsed([
    START,
    { kind: "tool_arguments", index: 3, json: "{}" },
    { kind: "finish", stopReason: "stop" },
    { kind: "end" },
  ]);
  assert.deepEqual(assertLegal(events)["output"], []);
});
