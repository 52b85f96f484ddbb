import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { estimateInputTokens } from "../../../../src/offload/token-estimate.ts";
import { countTokens } from "../../../../src/offload/tasks/count-tokens.ts";
import type { PromptKind } from "../../../../src/offload/tasks/prompt-text.ts";

async function count(body: string | object, kind: PromptKind = "openai"): Promise<number | null> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return (await countTokens({ body: Buffer.from(text), kind })).tokens;
}

const tokensOf = (text: string): number => encode(text, { disallowedSpecial: new Set() }).length;

test("a chat is counted as OpenAI's cookbook says: its example is what the API reports", async () => {
  const system = "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.";
  const messages = [
    { role: "system", content: system },
    { role: "system", name: "example_user", content: "New synergies will help drive top-line growth." },
    { role: "system", name: "example_assistant", content: "Things working well together will increase revenue." },
    {
      role: "system",
      name: "example_user",
      content: "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    },
    {
      role: "system",
      name: "example_assistant",
      content: "Let's talk later when we're less busy about how to do better.",
    },
    {
      role: "user",
      content: "This late pivot means we don't have time to boil the ocean for the client deliverable.",
    },
  ];
  // What the API itself reports for gpt-4o.
  assert.equal(await count({ model: "gpt-4o", messages }), 124);
});

test("the same text counts the same in each API, as blocks or as a string", async () => {
  const expected = 3 + tokensOf("user") + tokensOf("Grüß Gott, wörld") + 3;
  const text = "Grüß Gott, wörld";
  assert.equal(await count({ messages: [{ role: "user", content: text }] }), expected);
  assert.equal(await count({ messages: [{ role: "user", content: [{ type: "text", text }] }] }, "anthropic"), expected);
  assert.equal(await count({ contents: [{ role: "user", parts: [{ text }] }] }, "gemini"), expected);
  assert.equal(await count({ prompt: text }, "prompt"), expected);
});

test("system prompts, tools, tool calls and their results count; pictures, ids and types do not", async () => {
  const plain = (await count({ messages: [{ role: "user", content: "a" }] }))!;
  const more = async (request: object, text: string): Promise<void> =>
    assert.equal(
      await count({ messages: [{ role: "user", content: "a" }], ...request }, "anthropic"),
      plain + tokensOf(text),
    );
  await more({ system: [{ type: "text", text: "be kind", cache_control: { type: "ephemeral" } }] }, "be kind");
  await more({ tools: [{ weather: "rain" }] }, "weatherrain");
  assert.equal(
    await count({
      messages: [
        { role: "user", content: "a", tool_call_id: "call_1", image_url: { url: "data:image/png;base64,AAAA" } },
      ],
    }),
    plain,
  );
  assert.equal(
    await count({
      messages: [{ role: "user", content: "a", tool_calls: [{ id: "x", function: { name: "f", arguments: "{}" } }] }],
    }),
    plain + 2,
  );
});

test("prompts of embeddings and completions count as they are, token numbers as one each", async () => {
  assert.equal(await count({ input: ["hello", "world"] }), 2);
  assert.equal(await count({ prompt: [1, 2, 3, 199_998] }), 4);
});

test("no field hides the text that is sent: what Gemini's count asks for is counted beside it", async () => {
  const contents = [{ parts: [{ text: "word ".repeat(100) }] }];
  const plain = await count({ contents }, "gemini");
  for (const other of [{}, [], 5, { contents: [] }]) {
    assert.ok((await count({ contents, generateContentRequest: other }, "gemini"))! >= plain!);
  }
});

test("what looks like a special token in a prompt is text", async () => {
  for (const text of ["<|endoftext|>", "a <|endoftext|> b", "<|im_start|><|endofprompt|>"]) {
    const tokens = await count({ input: text });
    assert.equal(tokens, tokensOf(text));
    assert.ok(tokens > 3);
  }
});

test("a text whose count would take minutes is not counted, and that is said at once", async () => {
  const startMs = performance.now();
  assert.equal(await count({ input: "a".repeat(1_000_000) }), null);
  assert.equal(await count({ input: "😀".repeat(100_000) }), null);
  assert.equal(await count({ input: " ".repeat(1_000_000) }), null);
  assert.ok(performance.now() - startMs < 5000);
});

test("a megabyte of prose is counted", async () => {
  const prose = "The waiter serves the whole floor, and no guest waits for another. ".repeat(16_000);
  assert.equal(await count({ input: prose }), tokensOf(prose));
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom("", " ", "\n\n\n", "<|endoftext|>", "\ud800", "{},{}", "ﷺ", "𓀀𓀁"),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("name", "text", "role", "type")), tie("value"), { maxKeys: 4 }),
  ),
})).value;
const KEYS = ["messages", "contents", "prompt", "input", "system", "tools", "functions", "instructions"];
const request = fc.dictionary(fc.constantFrom(...KEYS), json, { maxKeys: 4 });

test("the estimate from a body's size is never below the exact count, whatever the request", async () => {
  await fc.assert(
    fc.asyncProperty(request, fc.constantFrom<PromptKind>("openai", "anthropic", "gemini"), async (value, kind) => {
      // The shortest way to write it.
      const body = JSON.stringify(value);
      assert.ok(estimateInputTokens(Buffer.byteLength(body)) >= (await count(body, kind))!, body);
    }),
    { numRuns: 500 },
  );
});

test("the estimate holds for the densest requests there are: nothing but frames", async () => {
  for (const body of [
    '{"messages":[]}',
    `{"messages":[${"{},".repeat(100)}{}]}`,
    '{"messages":[{"name":1}]}',
    `{"messages":[${"1,".repeat(100)}1]}`,
    '{"messages":[],"contents":[]}',
    `{"prompt":[${"1,".repeat(100)}1]}`,
    `{"tools":[{"":1}]}`,
  ]) {
    assert.ok(estimateInputTokens(body.length) >= (await count(body))!, body);
  }
  assert.ok(estimateInputTokens('{"prompt":"a"}'.length) >= (await count({ prompt: "a" }, "prompt"))!);
});
