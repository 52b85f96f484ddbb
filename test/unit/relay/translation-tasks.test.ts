import assert from "node:assert/strict";
import { test } from "node:test";
import type { BackName, FrontName } from "../../../src/dialects/translate/registry.ts";
import type { AnswerContext } from "../../../src/dialects/translate/translation.ts";
import { translateAnswer, translateRequest } from "../../../src/relay/translation-tasks.ts";
import type { TranslateRequestOutput } from "../../../src/relay/translation-tasks.ts";

type Written = Extract<TranslateRequestOutput, { ok: true }>;

function request(front: FrontName, back: BackName, body: object, model = "claude-sonnet-4-5"): Written {
  const output = translateRequest({
    body: Buffer.from(JSON.stringify(body)),
    front,
    back,
    hostname: "upstream.test",
    model,
    path: { model: "m", stream: false },
  });
  assert.ok(output.ok, JSON.stringify(output));
  return output;
}

const sent = ({ body }: Written): Record<string, unknown> =>
  JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>;

const MESSAGES = [{ role: "user", content: "a" }];

test("losses on either side are named as the caller's API has it, with how grave they are", () => {
  const { losses } = request("openai_chat", "anthropic", {
    model: "m",
    messages: [
      ...MESSAGES,
      { role: "user", content: [{ type: "input_audio", input_audio: { format: "wav", data: "AAAA" } }] },
    ],
    seed: 1,
    verbosity: "low",
  });
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential === true]),
    [
      ["verbosity", false],
      ["messages[1].content[0]", true],
      ["seed", false],
    ],
  );
});

test("an end user's id that the provider would refuse is its hash, the same each time", () => {
  const claudeCode = `user_${"a".repeat(64)}_account_${"b".repeat(36)}_session_${"c".repeat(36)}`;
  const toOpenai = (id: string): unknown =>
    sent(request("anthropic", "openai", { model: "m", max_tokens: 9, messages: MESSAGES, metadata: { user_id: id } }))[
      "user"
    ];
  assert.equal(toOpenai("u-1"), "u-1");
  assert.match(String(toOpenai(claudeCode)), /^[0-9a-f]{64}$/);
  assert.equal(toOpenai(claudeCode), toOpenai(claudeCode));
  assert.notEqual(toOpenai(claudeCode), toOpenai(`${claudeCode}d`));
  const toAnthropic = (user: string): unknown =>
    sent(request("openai_chat", "anthropic", { model: "m", messages: MESSAGES, user }))["metadata"];
  const opaque = "9f8b6c1e-5f0a-4a7e-9a43-2f6d2b7c1a11";
  assert.deepEqual(toAnthropic(opaque), { user_id: opaque });
  for (const personal of ["jo@example.org", "+49 (30) 123-4567", "x".repeat(257)]) {
    assert.match(JSON.stringify(toAnthropic(personal)), /"user_id":"[0-9a-f]{64}"/);
  }
});

test("a file's name that Gemini is not told is named as its caller wrote it", () => {
  const data = "data:application/pdf;base64,AAAA";
  const named = (front: FrontName, body: object): string[] =>
    request(front, "gemini", { model: "m", ...body }).losses.map(({ field }) => field);
  const file = { type: "file", file: { filename: "a.pdf", file_data: data } };
  assert.deepEqual(named("openai_chat", { messages: [{ role: "user", content: [file] }] }), [
    "messages[0].content[0].file.filename",
  ]);
  const input = { type: "input_file", filename: "a.pdf", file_data: data };
  assert.deepEqual(named("openai_responses", { input: [{ role: "user", content: [input] }] }), [
    "input[0].content[0].filename",
  ]);
  const source = { type: "base64", media_type: "application/pdf", data: "AAAA" };
  const document = { type: "document", title: "a.pdf", source };
  assert.deepEqual(named("anthropic", { max_tokens: 9, messages: [{ role: "user", content: [document] }] }), [
    "messages[0].content[0].title",
  ]);
});

test("no reason of any upstream's names a field of the common form", () => {
  const body = {
    model: "m",
    messages: MESSAGES,
    tools: [{ type: "function", function: { name: "f", strict: true } }],
    tool_choice: "required",
    parallel_tool_calls: false,
    max_tokens: 512,
    temperature: 1.5,
    top_p: 0.5,
    top_k: 5,
    seed: 2 ** 40,
    presence_penalty: 1,
    frequency_penalty: 1,
    logprobs: true,
    stop: [" ", "1", "2", "3", "4", "5", "6"],
    response_format: { type: "json_object" },
    reasoning_effort: "high",
    user: "u",
  };
  const models = {
    anthropic: ["claude-3-5-haiku", "claude-sonnet-4-5", "claude-opus-5-5"],
    gemini: ["gemini-2.0-flash"],
  };
  for (const [back, names] of Object.entries(models)) {
    for (const model of names) {
      const { losses } = request("openai_chat", back as BackName, body, model);
      assert.ok(losses.length > 3);
      for (const { field, reason } of losses) assert.doesNotMatch(`${field}: ${reason}`, /\b[a-z]+[A-Z]/);
    }
  }
});

test("a caller that is not told thoughts has them kept back where they are made", () => {
  const asks = { model: "m", input: "a", reasoning: { effort: "high" } };
  const hidden = request("openai_responses", "anthropic", asks);
  assert.equal(hidden.thoughts, "proved");
  assert.equal((sent(hidden)["thinking"] as { display?: string }).display, "omitted");
  const told = request("openai_responses", "anthropic", { ...asks, reasoning: { effort: "high", summary: "auto" } });
  assert.equal(told.thoughts, "told");
  assert.equal((sent(told)["thinking"] as { display?: string }).display, undefined);
  const chat = request("openai_chat", "anthropic", { model: "m", messages: MESSAGES, reasoning_effort: "high" });
  assert.equal((sent(chat)["thinking"] as { display?: string }).display, undefined);
  // Who says nothing of thinking asks for nothing.
  assert.equal(sent(request("openai_responses", "anthropic", { model: "m", input: "a" }))["thinking"], undefined);
  const gemini = request("gemini", "gemini", { contents: [{ parts: [{ text: "a" }] }] }, "gemini-2.5-pro");
  assert.equal(sent(gemini)["generationConfig"], undefined);
});

const ANSWER = {
  id: "msg_1",
  type: "message",
  model: "claude",
  content: [
    { type: "thinking", thinking: "hm", signature: "s" },
    { type: "text", text: "x", citations: [{ type: "char_location" }] },
  ],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 2 },
};
const answer = (
  front: FrontName,
  back: BackName,
  body: object,
  context: Partial<AnswerContext>,
): [string, readonly string[]] => {
  const output = translateAnswer({
    body: Buffer.from(JSON.stringify(body)),
    front,
    back,
    context: { model: "m", wantsUsage: true, framing: "sse", ...context },
  });
  assert.ok(output !== null);
  return [Buffer.from(output.body).toString(), output.dropped];
};

test("what an answer has that its caller's API has no place for is told", () => {
  const [body, dropped] = answer("openai_chat", "anthropic", ANSWER, {});
  assert.deepEqual(dropped, ["content[].citations"]);
  assert.match(body, /"reasoning_content":"hm"/);
});

test("thoughts reach a caller that is told them, and no other", () => {
  for (const [front, thoughts] of [
    ["anthropic", "hidden"],
    ["gemini", "proved"],
    ["openai_responses", "proved"],
  ] as const) {
    assert.doesNotMatch(answer(front, "anthropic", ANSWER, { thoughts })[0], /hm/, front);
    assert.match(answer(front, "anthropic", ANSWER, { thoughts: "told" })[0], /hm/, front);
  }
  const [body] = answer("anthropic", "anthropic", ANSWER, { thoughts: "hidden" });
  assert.equal((JSON.parse(body) as { content: { text: string }[] }).content[0]!.text, "x");
});

test("a 64-bit number in a call's arguments keeps its digits, in requests and answers, whatever the APIs", () => {
  const id = "12345678901234567891";
  const call = `{"user":${id}}`;
  const raw = (front: FrontName, back: BackName, body: string): string => {
    const output = translateRequest({ body: Buffer.from(body), front, back, hostname: "u.test", model: "m", path: {} });
    assert.ok(output.ok, JSON.stringify(output));
    return Buffer.from(output.body).toString();
  };
  const openai = {
    model: "m",
    messages: [
      ...MESSAGES,
      { role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: call } }] },
      { role: "tool", tool_call_id: "c", content: "ok" },
    ],
  };
  const anthropic = `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},
    {"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":${call}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}`;
  for (const back of ["anthropic", "gemini"] as const) {
    assert.ok(raw("openai_chat", back, JSON.stringify(openai)).includes(call));
  }
  for (const back of ["openai", "gemini"] as const) {
    assert.ok(raw("anthropic", back, anthropic).replaceAll("\\", "").includes(call));
  }
  const context: AnswerContext = { model: "m", wantsUsage: true, framing: "sse" };
  const whole = `{"type":"message","content":[{"type":"tool_use","id":"c","name":"f","input":${call}}],"stop_reason":"tool_use"}`;
  for (const front of ["openai_chat", "openai_responses", "gemini"] as const) {
    const answer = translateAnswer({ body: Buffer.from(whole), front, back: "anthropic", context });
    assert.ok(Buffer.from(answer!.body).toString().replaceAll("\\", "").includes(call), front);
  }
});
