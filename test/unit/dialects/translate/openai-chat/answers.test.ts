import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AssistantPart, CommonAnswer, ReasoningPart } from "../../../../../src/dialects/translate/common.ts";
import { readAnswer } from "../../../../../src/dialects/translate/openai-chat/read-answer.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-chat/read-request.ts";
import { writeAnswer } from "../../../../../src/dialects/translate/openai-chat/write-answer.ts";
import { ChatStreamWriter } from "../../../../../src/dialects/translate/openai-chat/write-stream.ts";
import { SseEvents } from "../../../../../src/dialects/translate/sse-events.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a test of what JSON looks like
type Json = any;

const CONTEXT = { model: "caller's", wantsUsage: false, framing: "sse" } as const;
const body = (message: object, choice: object = {}, rest: object = {}): object => ({
  id: "c",
  created: 5,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop", ...choice }],
  ...rest,
});
const answer = (parts: readonly AssistantPart[], rest: Partial<CommonAnswer> = {}): CommonAnswer => ({
  id: "c",
  model: "m",
  createdSeconds: 5,
  parts,
  stopReason: "stop",
  usage: undefined,
  ...rest,
});

test("reads what each server sends beside the text", () => {
  assert.deepEqual(readAnswer(body({ content: "a", reasoning_content: "b" }))!.parts, [
    { kind: "reasoning", text: "b" },
    { kind: "text", text: "a" },
  ]);
  assert.deepEqual(
    readAnswer(body({ content: null, refusal: "no" })),
    answer([{ kind: "refusal", text: "no" }], { stopReason: "refusal" }),
  );
  const called = readAnswer(body({ tool_calls: [{ id: "1", function: { name: "f", arguments: "" } }] }));
  assert.deepEqual(called!.parts, [{ kind: "tool_call", id: "1", name: "f", arguments: "{}" }]);
  const extra_content = { google: { thought_signature: "s" } };
  const signed = readAnswer(body({ tool_calls: [{ id: "1", extra_content, function: { name: "f" } }] }));
  assert.partialDeepStrictEqual(signed!.parts, [{ signature: { family: "gemini", data: "s" } }]);
  const vertex = { vertex: { thought_signature: "s" } };
  const atVertex = readAnswer(body({ tool_calls: [{ id: "1", extra_content: vertex, function: { name: "f" } }] }));
  assert.deepEqual(atVertex!.parts, signed!.parts);
  // OpenAI's word where a certain tool was asked for.
  assert.equal(called!.stopReason, "tool_calls");
  const legacy = readAnswer(
    body({ function_call: { name: "f", arguments: "{}" } }, { finish_reason: "function_call" }),
  )!;
  const [call] = legacy.parts;
  assert.ok(call?.kind === "tool_call" && call.id.startsWith("call_"));
  assert.equal(
    readAnswer(body({ content: "" }, { usage: { prompt_tokens: 1, completion_tokens: 2 } }))!.usage!.outputTokens,
    2,
  );
});

test("what is no answer is none: errors, failures, other shapes", () => {
  for (const none of [
    undefined,
    5,
    {},
    { choices: [] },
    { choices: [{}] },
    { error: { message: "x" } },
    { ...body({ content: "a" }), error: { message: "x" } },
    body({ content: "a" }, { finish_reason: "error" }),
  ]) {
    assert.equal(readAnswer(none), undefined, JSON.stringify(none));
  }
});

test("any JSON is read or is none, and never throws", () => {
  const shape = fc.oneof(
    fc.jsonValue(),
    fc.record({
      choices: fc.tuple(fc.record({ message: fc.jsonValue(), logprobs: fc.jsonValue() })),
      usage: fc.jsonValue(),
    }),
    fc.record({
      choices: fc.tuple(fc.record({ message: fc.record({ content: fc.jsonValue(), tool_calls: fc.jsonValue() }) })),
    }),
  );
  fc.assert(
    fc.property(shape, (value) => void readAnswer(value)),
    { numRuns: 500 },
  );
});

test("an answer as OpenAI writes it, with the model as the caller named it", () => {
  const written = writeAnswer(
    answer(
      [
        { kind: "reasoning", text: "hm" },
        { kind: "text", text: "a" },
        { kind: "text", text: "b" },
      ],
      { usage: { inputTokens: 3, outputTokens: 4, cachedInputTokens: 2, cacheWriteTokens: 1 } },
    ),
    CONTEXT,
  );
  assert.deepEqual(written, {
    id: "c",
    object: "chat.completion",
    created: 5,
    model: "caller's",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "ab", refusal: null, reasoning_content: "hm" },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 1 },
    },
  });
});

test("the content is null where there are calls or a refusal alone, and a string otherwise", () => {
  const contentOf = (...parts: AssistantPart[]): unknown =>
    (writeAnswer(answer(parts), CONTEXT) as Json).choices[0].message.content;
  assert.equal(contentOf(), "");
  assert.equal(contentOf({ kind: "tool_call", id: "1", name: "f", arguments: "{}" }), null);
  assert.equal(contentOf({ kind: "refusal", text: "no" }), null);
});

/** Signed thoughts, as two families sign them. */
const signedParts: fc.Arbitrary<readonly ReasoningPart[]> = fc
  .array(
    fc.oneof(
      fc.record({
        text: fc.string({ unit: "grapheme", minLength: 1 }),
        data: fc.base64String(),
        family: fc.constantFrom("anthropic" as const, "openai" as const),
      }),
      fc.record({ data: fc.base64String() }),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((drawn) =>
    drawn.map((one): ReasoningPart => {
      if (!("text" in one))
        return { kind: "reasoning", text: "", signature: { family: "anthropic", data: one.data, redacted: true } };
      return { kind: "reasoning", text: one.text, signature: { family: one.family, data: one.data } };
    }),
  );

function readBack(message: object): readonly AssistantPart[] {
  const read = readRequest({ model: "m", messages: [JSON.parse(JSON.stringify(message)) as object] });
  assert.ok(read.ok);
  assert.deepEqual(read.losses, []);
  return read.request.messages[0]!.parts as readonly AssistantPart[];
}

test("signed thoughts and a signed call of an answer that a caller sends back are what they were", () => {
  fc.assert(
    fc.property(signedParts, (thoughts) => {
      const parts: AssistantPart[] = [
        ...thoughts,
        { kind: "text", text: "a" },
        { kind: "tool_call", id: "1", name: "f", arguments: "{}", signature: { family: "gemini", data: "s" } },
      ];
      assert.deepEqual(readBack((writeAnswer(answer(parts), CONTEXT) as Json).choices[0].message), parts);
    }),
  );
});

test("so are those of a stream, for a caller who puts its pieces together", () => {
  fc.assert(
    fc.property(signedParts, fc.boolean(), (thoughts, unsigned) => {
      const writer = new ChatStreamWriter(CONTEXT);
      let wire = writer.write({ kind: "start", id: "c", model: "m", createdSeconds: 5 });
      for (const { text, signature } of thoughts) {
        for (const piece of text) wire += writer.write({ kind: "reasoning", text: piece });
        wire += writer.write({ kind: "reasoning_signature", signature: signature! });
      }
      if (unsigned) wire += writer.write({ kind: "reasoning", text: "unsigned" });
      const message = { role: "assistant", content: "", reasoning_content: "", reasoning_details: [] as object[] };
      for (const { data } of new SseEvents().push(Buffer.from(wire))) {
        const chunk: Json = JSON.parse(data);
        const { delta } = chunk.choices[0];
        message.reasoning_content += delta.reasoning_content ?? "";
        message.reasoning_details.push(...(delta.reasoning_details ?? []));
      }
      assert.deepEqual(readBack(message), thoughts);
    }),
  );
});

test("a proof of thoughts that a caller sends back in part is passed over", () => {
  const detail = { type: "reasoning.text", length: 5, signature: "s", format: "anthropic-claude-v1" };
  assert.deepEqual(
    readBack({ role: "assistant", content: "", reasoning_content: "four", reasoning_details: [detail] }),
    [{ kind: "reasoning", text: "four" }],
  );
  const unsigned = [
    { type: "reasoning.text", text: "a" },
    { type: "reasoning.summary", summary: "a", format: "openai-responses-v1" },
  ];
  assert.deepEqual(readBack({ role: "assistant", content: "", reasoning: "a", reasoning_details: unsigned }), [
    { kind: "reasoning", text: "a" },
  ]);
});

test("sources of an answer, and sound, are dropped by name", () => {
  const cited = readAnswer(
    body(
      { content: "x", annotations: [{ type: "url_citation" }], audio: { id: "a" } },
      {},
      { citations: ["https://x.test"] },
    ),
  );
  assert.deepEqual(cited?.dropped, ["choices[].message.annotations", "choices[].message.audio", "citations"]);
  assert.equal(readAnswer(body({ content: "x", annotations: [], audio: null }))?.dropped, undefined);
});
