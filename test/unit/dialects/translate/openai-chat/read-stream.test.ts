import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { ChatStreamReader } from "../../../../../src/dialects/translate/openai-chat/read-stream.ts";
import { gather } from "./gathered.ts";
import type { Gathered } from "./gathered.ts";

type Json = Readonly<Record<string, unknown>>;

const chunk = (delta: Json, choice: Json = {}, rest: Json = {}): Json => ({
  id: "c",
  created: 5,
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null, ...choice }],
  ...rest,
});
const calling = (...tool_calls: object[]): Json => chunk({ tool_calls });
const STOP = chunk({}, { finish_reason: "stop" });
const DONE = "[DONE]";

function events(...chunks: (object | string)[]): CommonEvent[] {
  const reader = new ChatStreamReader();
  const read = chunks.flatMap((data) =>
    reader.read({ type: "", data: typeof data === "string" ? data : JSON.stringify(data) }),
  );
  return [...read, ...reader.end()];
}
const read = (...chunks: (object | string)[]): Gathered => gather(events(...chunks));

test("the stop and the end come with [DONE], after the usage that follows the finish reason", () => {
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
    prompt_tokens_details: { cached_tokens: 1 },
  };
  assert.deepEqual(
    events(chunk({ role: "assistant", content: "" }), chunk({ content: "a" }), STOP, { choices: [], usage }, DONE),
    [
      { kind: "start", id: "c", model: "m", createdSeconds: 5 },
      { kind: "text", text: "a" },
      { kind: "usage", usage: { inputTokens: 3, outputTokens: 4, cachedInputTokens: 1 } },
      { kind: "finish", stopReason: "stop" },
      { kind: "end" },
    ],
  );
});

test("without [DONE] the connection's end is the end, if there was a finish reason", () => {
  assert.equal(read(chunk({ content: "a" }), STOP).isComplete, true);
  const cut = read(chunk({ content: "a" }));
  assert.deepEqual([cut.isComplete, cut.stopReason, cut.error], [false, undefined, undefined]);
});

test("[DONE] without a finish reason is an end all the same; of a stream that never began it is none", () => {
  assert.deepEqual(read(chunk({ content: "a" }), DONE).stopReason, "stop");
  assert.deepEqual(events(DONE), []);
  assert.deepEqual(events({ choices: [], usage: { prompt_tokens: 1 } }, DONE), []);
});

test("nothing comes after the end, nor after an error", () => {
  assert.equal(events(chunk({ content: "a" }), STOP, DONE, chunk({ content: "b" }), DONE).at(-1)!.kind, "end");
  assert.equal(read(STOP, DONE, chunk({ content: "b" })).text, "");
  assert.equal(read(chunk({ content: "a" }), { error: { message: "x" } }, chunk({ content: "b" }), DONE).text, "a");
});

test("nothing comes after an error that has the usage in its event but the usage", () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 };
  const told = events(chunk({}, { finish_reason: "error" }, { usage }), chunk({ content: "a" }), DONE);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ["start", "error", "usage"],
  );
});

test("usage that comes before the answer is told after its start", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 };
  const found = events({ choices: [], usage }, chunk({ content: "a" }), STOP, DONE);
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ["start", "usage", "text", "finish", "end"],
  );
});

test("text after the finish reason is text still", () => {
  assert.deepEqual(read(STOP, chunk({ content: "late" }), DONE).text, "late");
});

test("the first event of Azure, without an answer and without an id, begins nothing", () => {
  const first = { id: "", model: "", created: 0, choices: [], prompt_filter_results: [] };
  assert.deepEqual(events(first, chunk({ content: "a" }))[0], {
    kind: "start",
    id: "c",
    model: "m",
    createdSeconds: 5,
  });
});

test("thoughts have three names and are told once", () => {
  assert.equal(read(chunk({ reasoning_content: "a" }), chunk({ reasoning: "b" }), STOP, DONE).thoughts, "ab");
  assert.equal(read(chunk({ reasoning_content: "a", reasoning: "a" }), STOP, DONE).thoughts, "a");
  const mistral = [
    { type: "thinking", thinking: [{ type: "text", text: "a" }] },
    { type: "text", text: "b" },
    { type: "new" },
  ];
  const found = read(chunk({ content: mistral }), STOP, DONE);
  assert.deepEqual([found.thoughts, found.text], ["a", "b"]);
});

test("a refusal is one, and the stop with it", () => {
  const found = read(chunk({ refusal: "no" }), chunk({ refusal: "pe" }), STOP, DONE);
  assert.deepEqual([found.refusal, found.stopReason], ["nope", "refusal"]);
});

test("why it stopped: each server's words", () => {
  const reasonOf = (choice: Json): unknown => {
    const last = events(chunk({ content: "a" }), chunk({}, choice), DONE).at(-2);
    return last?.kind === "finish" ? [last.stopReason, last.stopSequence] : last;
  };
  assert.deepEqual(reasonOf({ finish_reason: "length" }), ["length", undefined]);
  assert.deepEqual(reasonOf({ finish_reason: "model_length" }), ["length", undefined]);
  assert.deepEqual(reasonOf({ finish_reason: "content_filter" }), ["filtered", undefined]);
  assert.deepEqual(reasonOf({ finish_reason: "eos" }), ["stop", undefined]);
  for (const name of ["constructor", "toString", "__proto__"])
    assert.deepEqual(reasonOf({ finish_reason: name }), ["stop", undefined]);
  assert.deepEqual(reasonOf({ finish_reason: "stop", stop_reason: "END" }), ["stop_sequence", "END"]);
  assert.deepEqual(reasonOf({ finish_reason: "stop", matched_stop: "END" }), ["stop_sequence", "END"]);
  assert.deepEqual(reasonOf({ finish_reason: "stop", stop_reason: 128009 }), ["stop", undefined]);
});

test("a server that gave up is an error", () => {
  for (const reason of ["error", "insufficient_system_resource", "abort"]) {
    const found = read(chunk({ content: "a" }), chunk({}, { finish_reason: reason }), DONE);
    assert.deepEqual([found.isComplete, found.stopReason], [false, undefined]);
    assert.match(found.error!, /failed/);
  }
});

test("errors in the stream, in each server's form, with their status where they say one", () => {
  const errorOf = (event: object | string, type = ""): unknown => {
    const [found, ...more] = new ChatStreamReader().read({
      type,
      data: typeof event === "string" ? event : JSON.stringify(event),
    });
    assert.deepEqual(more, []);
    return found?.kind === "error" ? [found.message, found.status] : found;
  };
  assert.deepEqual(errorOf({ error: { message: "a", type: "server_error", code: null } }), ["a", undefined]);
  assert.deepEqual(errorOf({ error: { message: "a", code: 429 } }), ["a", 429]);
  assert.deepEqual(errorOf({ error: "a" }), ["a", undefined]);
  assert.deepEqual(errorOf({ object: "error", message: "a", code: 400 }), ["a", 400]);
  assert.deepEqual(errorOf({ message: "a", status_code: 503 }, "error"), ["a", 503]);
  assert.deepEqual(errorOf({ ...STOP, error: { code: 502 } }), ["The upstream reported an error in its stream.", 502]);
  assert.deepEqual(errorOf("{"), ["An event of the upstream's stream is not JSON.", undefined]);
  assert.deepEqual(errorOf("5"), ["An event of the upstream's stream is not JSON.", undefined]);
});

test("calls as OpenAI sends them: numbered, in pieces, mixed", () => {
  const found = read(
    calling({ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } }),
    calling({ index: 0, function: { arguments: '{"x"' } }),
    calling({ index: 1, id: "b", type: "function", function: { name: "g", arguments: "{" } }),
    calling({ index: 0, function: { arguments: ":1}" } }, { index: 1, function: { arguments: "}" } }),
    chunk({}, { finish_reason: "tool_calls" }),
    DONE,
  );
  assert.deepEqual(found.calls, [
    { id: "a", name: "f", arguments: '{"x":1}' },
    { id: "b", name: "g", arguments: "{}" },
  ]);
  assert.equal(found.stopReason, "tool_calls");
});

test("calls that all have the number 0, or none, or no id, are told apart", () => {
  const whole = (piece: object): object => ({ type: "function", ...piece });
  const f = { name: "f", arguments: '{"a":1}' };
  const g = { name: "g", arguments: { b: 2 } };
  const named = (found: Gathered): unknown => found.calls.map((call) => [call.name, call.arguments]);
  const expected = [
    ["f", '{"a":1}'],
    ["g", '{"b":2}'],
  ];
  const ollama = read(
    calling(whole({ index: 0, id: "1", function: f })),
    calling(whole({ index: 0, id: "2", function: g })),
    STOP,
    DONE,
  );
  assert.deepEqual(named(ollama), expected);
  assert.equal(ollama.stopReason, "tool_calls");
  assert.deepEqual(
    named(read(calling(whole({ id: "1", function: f }), whole({ id: "2", function: g })), STOP, DONE)),
    expected,
  );
  const bare = read(calling(whole({ function: f }), whole({ function: g })), STOP, DONE);
  assert.deepEqual(named(bare), expected);
  const ids = bare.calls.map(({ id }) => id);
  assert.ok(ids.every((id) => /^call_[0-9a-f-]{36}$/.test(id)) && ids[0] !== ids[1]);
});

test("a repeated id or name, an empty id, a name that comes late: still one call", () => {
  const one = (...pieces: object[]): unknown => read(...pieces.map((piece) => calling(piece)), STOP, DONE).calls;
  const expected = [{ id: "a", name: "f", arguments: '{"x":1}' }];
  assert.deepEqual(
    one(
      { index: 0, id: "a", function: { name: "f", arguments: '{"x"' } },
      { index: 0, id: "a", function: { name: "f", arguments: ":" } },
      { index: 0, id: "", function: { name: "f", arguments: "1" } },
      { index: 0, id: "", function: { name: null, arguments: "}" } },
      { index: 0, id: null, type: "function" },
    ),
    expected,
  );
  assert.deepEqual(
    one(
      { index: 0, id: "a", function: { arguments: '{"x"' } },
      { index: 0, function: { name: "f", arguments: ":1}" } },
    ),
    expected,
  );
});

test("Google's proof of a call is told with the call, also where it comes before the name", () => {
  const extra_content = { google: { thought_signature: "s" } };
  const signature = { family: "gemini", data: "s" };
  const told = (...pieces: object[]): unknown => events(...pieces.map((piece) => calling(piece)), STOP, DONE)[1];
  const call = { kind: "tool_call", index: 0, id: "a", name: "f", signature };
  assert.deepEqual(told({ index: 0, id: "a", extra_content, function: { name: "f", arguments: "{}" } }), call);
  assert.deepEqual(told({ index: 0, id: "a", extra_content }, { index: 0, function: { name: "f" } }), call);
  const vertex = { vertex: { thought_signature: "s" } };
  assert.deepEqual(told({ index: 0, id: "a", extra_content: vertex, function: { name: "f" } }), call);
  assert.deepEqual(told({ index: 0, id: "a", extra_content: { google: 5 }, function: { name: "f" } }), {
    kind: "tool_call",
    index: 0,
    id: "a",
    name: "f",
  });
});

test("numbers with gaps become 0, 1, 2", () => {
  const found = read(
    calling({ index: 3, id: "a", function: { name: "f", arguments: "{}" } }),
    calling({ index: 7, id: "b", function: { name: "g", arguments: "{}" } }),
    STOP,
    DONE,
  );
  assert.deepEqual(
    found.calls.map(({ id }) => id),
    ["a", "b"],
  );
});

test("a call without a name holds no more than 64 KiB", () => {
  const piece = calling({ index: 0, id: "a", function: { arguments: "x".repeat(40_000) } });
  assert.equal(read(piece).error, undefined);
  assert.match(read(piece, piece, piece).error!, /no name/);
});

test("the function call of 2023", () => {
  const found = read(
    chunk({ function_call: { name: "f", arguments: "" } }),
    chunk({ function_call: { arguments: "{}" } }),
    chunk({}, { finish_reason: "function_call" }),
    DONE,
  );
  assert.deepEqual([found.calls[0]!.name, found.calls[0]!.arguments, found.stopReason], ["f", "{}", "tool_calls"]);
});

test("usage in the choice, in x_groq, in every event; thoughts that are in the total alone", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const expected = { inputTokens: 1, outputTokens: 2 };
  assert.deepEqual(read(chunk({}, { usage, finish_reason: "stop" }), DONE).usage, expected);
  assert.deepEqual(read(chunk({}, {}, { x_groq: { usage } }), STOP, DONE).usage, expected);
  assert.deepEqual(
    read(chunk({}, {}, { usage: { ...usage, completion_tokens: 1 } }), chunk({}, {}, { usage })).usage,
    expected,
  );
  assert.equal(read(chunk({}, {}, { usage: { ...usage, total_tokens: 10 } })).usage!.outputTokens, 9);
  assert.equal(read(chunk({}, {}, { usage: { ...usage, prompt_cache_hit_tokens: 1 } })).usage!.cachedInputTokens, 1);
  assert.equal(read(chunk({}, {}, { usage: null })).usage, undefined);
});

test("log probabilities stay with their text, also where a token is half a character", () => {
  const content = [{ token: "a", logprob: -1, bytes: [97], top_logprobs: [{ token: "b", logprob: -2, bytes: null }] }];
  const expected = [{ token: "a", logprob: -1, bytes: [97], top: [{ token: "b", logprob: -2 }] }];
  const withText = events(chunk({ content: "a" }, { logprobs: { content } }));
  assert.deepEqual(withText[1], { kind: "text", text: "a", logprobs: expected });
  const without = events(chunk({ content: "" }, { logprobs: { content } }));
  assert.deepEqual(without[1], { kind: "text", text: "", logprobs: expected });
});

test("a picture of the model's", () => {
  const images = [{ type: "image_url", image_url: { url: "data:image/png;base64,AAEC" } }];
  const source = { kind: "base64", mediaType: "image/png", data: "AAEC" };
  const [, picture] = events(chunk({ images }), STOP, DONE);
  assert.deepEqual(picture, { kind: "image", source });
});

test("other choices than the first, unknown deltas and events are passed over", () => {
  const other = { ...chunk({}), choices: [{ index: 1, delta: { content: "no" } }] };
  assert.deepEqual(read(other, chunk({ audio: { data: "x" }, new: 1 }), { object: "new" }, STOP, DONE).text, "");
});

test("whatever comes, nothing is thrown, and what is told is in order", () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.record({ choices: fc.array(fc.record({ delta: fc.jsonValue(), finish_reason: fc.jsonValue() })) }),
    fc.record({ choices: fc.tuple(fc.record({ delta: fc.record({ tool_calls: fc.array(fc.jsonValue()) }) })) }),
    fc.record({ choices: fc.jsonValue(), usage: fc.jsonValue(), error: fc.jsonValue() }),
    fc.constantFrom(STOP, DONE),
  );
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 6 }), (stream) => {
      gather(events(...stream.map((event) => (typeof event === "string" ? event : JSON.stringify(event)))));
    }),
    { numRuns: 500 },
  );
});
