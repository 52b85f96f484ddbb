import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { openai } from "../../../../src/dialects/openai/dialect.ts";
import { expectedOf, findingOf, scanInPieces } from "../scan-oracle.ts";
import type { Finding } from "../scan-oracle.ts";

function scanned(wire: string): Finding {
  const scan = openai.createScan();
  const bytes = Buffer.from(wire);
  scan.scan(bytes, 0, bytes.length);
  return findingOf(scan);
}

const chunk = (delta: object, finish: string | null = null, more: object = {}): object => ({
  id: "c",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...more,
});
const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const ROLE = chunk({ role: "assistant", content: "" });
const TEXT = chunk({ content: "x" });
const STOP = chunk({}, "stop");
const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
const DONE = "data: [DONE]\n\n";

test("counts events that bring output: not the role, not the reason, not the usage, not what a filter says", () => {
  const filters = { choices: [], prompt_filter_results: [{ prompt_index: 0 }] };
  const wire = [filters, ROLE, TEXT, TEXT, STOP, { choices: [], usage: USAGE }, filters].map(event).join("") + DONE;
  assert.deepEqual(scanned(wire), {
    tokenEvents: 2,
    complete: true,
    failed: false,
    usage: { inputTokens: 7, outputTokens: 2 },
  });
});

test("a stream of several answers is complete when all have ended, or at [DONE]", () => {
  const completeAfter = (wire: string): boolean => {
    const scan = openai.createScan({ answers: 2 });
    scan.scan(Buffer.from(wire), 0, Buffer.byteLength(wire));
    return scan.complete;
  };
  const other = event({ ...STOP, choices: [{ index: 1, delta: {}, finish_reason: "stop" }] });
  assert.equal(completeAfter(event(TEXT) + event(STOP) + event(STOP)), false);
  assert.equal(completeAfter(event(TEXT) + event(STOP) + other), true);
  assert.equal(completeAfter(event(TEXT) + event(STOP) + DONE), true);
  // Answers that nobody asked for end nothing.
  const strangers = [2, -1, 0.5, "1"].map((index) => event({ ...STOP, choices: [{ index, finish_reason: "stop" }] }));
  assert.equal(completeAfter(event(TEXT) + event(STOP) + strangers.join("")), false);
});

test("a stream of answers to two hundred prompts is complete when the last has ended", () => {
  const scan = openai.createScan({ answers: 200 });
  for (let index = 0; index < 200; index++) {
    assert.equal(scan.complete, false);
    const bytes = Buffer.from(
      event({ object: "text_completion", choices: [{ index, text: "", finish_reason: "stop" }] }),
    );
    scan.scan(bytes, 0, bytes.length);
  }
  assert.equal(scan.complete, true);
});

test("counts output that comes with the role or with the reason", () => {
  assert.equal(
    scanned([chunk({ role: "assistant", content: "x" }), TEXT, chunk({ content: "!" }, "stop")].map(event).join(""))
      .tokenEvents,
    3,
  );
});

test("counts output of any kind", () => {
  for (const delta of [
    { reasoning: "x" },
    { reasoning_content: "x" },
    { refusal: "x" },
    { tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] },
    { function_call: { arguments: "{" } },
    { audio: { data: "AA==" } },
    { content: [{ type: "thinking", thinking: [{ type: "text", text: "x" }] }] },
  ]) {
    assert.equal(scanned(event(chunk({ role: "assistant", ...delta }))).tokenEvents, 1, JSON.stringify(delta));
  }
  assert.equal(scanned(event({ choices: [{ index: 0, text: "x", finish_reason: null }] })).tokenEvents, 1);
  assert.equal(scanned(event({ choices: [{ delta: {} }, { delta: { content: "second choice" } }] })).tokenEvents, 1);
});

test("takes the usage from wherever a provider puts it", () => {
  for (const [where, events] of Object.entries({
    "an event of its own after the reason": [TEXT, STOP, { choices: [], usage: USAGE }],
    "an event of its own before the reason": [TEXT, { choices: [], usage: USAGE }, STOP],
    "the last event": [TEXT, chunk({}, "stop", { usage: USAGE })],
    "every event": [
      chunk({ content: "x" }, null, { usage: { ...USAGE, completion_tokens: 1 } }),
      chunk({}, "stop", { usage: USAGE }),
    ],
    x_groq: [TEXT, chunk({}, "stop", { x_groq: { id: "r", usage: USAGE } })],
    "the choice": [TEXT, { choices: [{ index: 0, delta: {}, finish_reason: "stop", usage: USAGE }] }],
    "before the choices": [
      TEXT,
      { usage: USAGE, citations: ["}", '"usage":'], choices: [{ delta: {}, finish_reason: "stop" }] },
    ],
    "every event, null till the last": [
      chunk({ content: "x" }, null, { usage: null }),
      STOP,
      { choices: [], usage: USAGE },
    ],
    "names of another API": [TEXT, STOP, { choices: [], usage: { input_tokens: 7, output_tokens: 2 } }],
  })) {
    const wire = events.map(event).join("") + DONE;
    assert.deepEqual(scanned(wire).usage, { inputTokens: 7, outputTokens: 2 }, where);
    assert.deepEqual(
      scanned(wire.replaceAll('":', '": ')).usage,
      { inputTokens: 7, outputTokens: 2 },
      `${where}, spaced`,
    );
  }
});

test("counts reasoning as output where a provider has it in the total alone", () => {
  const usage = { prompt_tokens: 12, completion_tokens: 1, total_tokens: 303 };
  assert.deepEqual(scanned(event({ choices: [], usage })).usage, { inputTokens: 12, outputTokens: 291 });
  assert.deepEqual(openai.usageOf({ usage }), { inputTokens: 12, outputTokens: 291 });
  assert.deepEqual(openai.usageOf({ usage: { prompt_tokens: 8, total_tokens: 8 } }), {
    inputTokens: 8,
    outputTokens: 0,
  });
  assert.deepEqual(openai.usageOf({ usage: { completion_tokens: 8, total_tokens: 20 } }), {
    inputTokens: 0,
    outputTokens: 8,
  });
  for (const body of [{}, { usage: null }, { usage: {} }, { usage: { prompt_tokens: "7" } }, null, []]) {
    assert.equal(openai.usageOf(body), undefined);
  }
});

test("is complete by [DONE] or by a finish reason, with spaces in the JSON or without", () => {
  for (const end of [
    DONE,
    "data:[DONE]\n\n",
    "data: [DONE]\r\n\r\n",
    event(STOP),
    'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}\n\n',
    'data: {"choices":[{"delta":{},"finish_reason":null},{"delta":{},"finish_reason":"stop"}]}\n\n',
  ]) {
    assert.equal(scanned(event(TEXT)).complete, false);
    assert.equal(scanned(event(TEXT) + end).complete, true, end);
  }
});

test("is not complete by a reason that is empty, nor by one that is only spoken of", () => {
  for (const delta of ['{"content":"x"}', '{"content":"\\"finish_reason\\":\\"stop\\""}', '{"content":"[DONE]"}']) {
    for (const reason of ["null", '""']) {
      const one = `data: {"choices":[{"index":0,"delta":${delta},"finish_reason":${reason}}]}\n\n`;
      const found = scanned(one.repeat(3));
      assert.deepEqual([found.complete, found.tokenEvents], [false, 3], one);
    }
  }
});

test("sees an error event in each of the forms that servers give it", () => {
  for (const error of [
    'data: {"error":{"message":"m","type":"server_error","param":null,"code":null}}\n\n',
    'data: {"error": {"message": "m"}}\r\n\r\n',
    'event: error\ndata: {"message":"m"}\n\n',
    'event:error\ndata:{"error":{"message":"m"}}\n\n',
    'data: {"error":"m"}\n\n',
    'data: {"object":"error","message":"m","type":"BadRequestError","code":400}\n\n',
    event({
      id: "g",
      error: { code: 502, message: "m" },
      choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
    }),
  ]) {
    const found = scanned(event(ROLE) + event(TEXT) + error);
    assert.deepEqual([found.failed, found.tokenEvents], [true, 1], error);
    assert.equal(scanned(error).failed, true, "as the first event");
  }
  assert.equal(scanned(event({ error: null, ...TEXT }).repeat(2)).failed, false);
  assert.equal(scanned(event({ error: null, ...TEXT }).repeat(2)).tokenEvents, 2);
});

test("finds reason and usage behind a picture of a megabyte in the same line, however it is cut", () => {
  const usage = { prompt_tokens: 7, completion_tokens: 1290, total_tokens: 1297 };
  const picture = { images: [{ image_url: { url: `data:image/png;base64,${"A".repeat(1 << 20)}` } }] };
  const wire = Buffer.from(event(chunk(picture, "stop", { usage })));
  for (const step of [16_384, 65_536, 5_000, wire.length]) {
    const cuts = Array.from({ length: Math.ceil(wire.length / step) }, (_, i) => i * step);
    assert.deepEqual(
      scanInPieces(openai.createScan(), wire, cuts),
      { tokenEvents: 1, complete: true, failed: false, usage: { inputTokens: 7, outputTokens: 1290 } },
      `${step}`,
    );
  }
});

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", '"usage":{', "}", "\\", "\n\n", "[DONE]", "data: "),
);
const delta = fc.oneof(
  text.map((content) => ({ content })),
  text.map((content) => ({ role: "assistant", content })),
  text.map((reasoning_content) => ({ content: null, reasoning_content })),
  text.map((code) => ({ tool_calls: [{ index: 0, function: { arguments: code } }] })),
  fc.constant({}),
);
const usage = fc.tuple(fc.nat(9999), fc.nat(9999)).map(([prompt, completion]) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
}));
const anyEvent = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ id: text, choices: fc.tuple(fc.record({ delta, finish_reason: fc.constant(null) })) }),
  },
  fc.record({
    choices: fc.array(fc.record({ delta, finish_reason: fc.constantFrom(null, "stop", "") }), { maxLength: 3 }),
  }),
  fc.record({ choices: fc.constant([]), usage: fc.oneof(usage, fc.constant(null)) }),
  fc.record({ usage, choices: fc.tuple(fc.record({ delta, finish_reason: fc.constantFrom(null, "stop") })), id: text }),
  fc.record({
    choices: fc.tuple(fc.record({ delta, finish_reason: fc.constant("stop") })),
    x_groq: fc.record({ usage }),
  }),
  fc.record({ error: fc.record({ message: fc.string({ minLength: 1 }) }) }),
);
const wireForm = fc.record({
  lineEnd: fc.constantFrom("\n", "\r\n"),
  prefix: fc.constantFrom("data: ", "data:"),
  between: fc.constantFrom("", ": ping\n\n", "id: 1\n", ":\r\n"),
  spaced: fc.boolean(),
  done: fc.constantFrom("", "data: [DONE]\n\n", "data:[DONE]\r\n\r\n"),
});

test("finds in any stream of such events what eventsource-parser and JSON.parse find, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyEvent, { maxLength: 12 }),
      wireForm,
      fc.array(fc.nat(4000), { maxLength: 30 }),
      (events, { lineEnd, prefix, between, spaced, done }, cuts) => {
        const json = (value: unknown): string =>
          spaced ? JSON.stringify(value, null, " ").replaceAll("\n", "") : JSON.stringify(value);
        const lines = events.map((one) => `${between}${prefix}${json(one)}${lineEnd}${lineEnd}`);
        const wire = Buffer.from(lines.join("") + done);
        const found = scanInPieces(
          openai.createScan(),
          wire,
          cuts.sort((a, b) => a - b),
        );
        assert.deepEqual(found, expectedOf("openai", wire));
      },
    ),
    { numRuns: 1500 },
  );
});
