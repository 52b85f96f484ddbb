import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssistantPart, CommonEvent } from "../../../../src/dialects/translate/common.ts";
import { FRONTS } from "../../../../src/dialects/translate/registry.ts";
import type { FrontName } from "../../../../src/dialects/translate/registry.ts";
import { toldParts, ToldEvents } from "../../../../src/dialects/translate/thoughts.ts";
import type { Thoughts } from "../../../../src/dialects/translate/thoughts.ts";

const anthropic = { family: "anthropic", data: "a" } as const;
const gemini = { family: "gemini", data: "g" } as const;
const text = (said: string): AssistantPart => ({ kind: "text", text: said });

const PARTS: readonly AssistantPart[] = [
  { kind: "reasoning", text: "why" },
  text("x"),
  { kind: "reasoning", text: "hm", signature: anthropic },
  { kind: "reasoning", text: "", signature: { ...anthropic, redacted: true } },
  { kind: "reasoning", text: "so", signature: gemini },
  { kind: "tool_call", id: "1", name: "f", arguments: "{}", signature: gemini },
];

/** The same as a stream has them. */
const EVENTS: readonly CommonEvent[] = [
  { kind: "reasoning", text: "why" },
  { kind: "text", text: "x" },
  { kind: "reasoning", text: "hm" },
  { kind: "usage", usage: {} },
  { kind: "reasoning_signature", signature: anthropic },
  { kind: "reasoning_signature", signature: { ...anthropic, redacted: true } },
  { kind: "reasoning", text: "so" },
  { kind: "reasoning_signature", signature: gemini },
  { kind: "tool_call", index: 0, id: "1", name: "f", signature: gemini },
];

const told = (thoughts: Thoughts): readonly CommonEvent[] => {
  const events = new ToldEvents(thoughts);
  return EVENTS.filter((event) => events.tells(event));
};

test("who is told of thoughts gets them as they came", () => {
  assert.equal(toldParts(PARTS, "told"), PARTS);
  assert.deepEqual(told("told"), EVENTS);
});

test("who is not gets the proofs that are whole without their text, of calls in any case", () => {
  const redacted = { ...anthropic, redacted: true };
  assert.deepEqual(toldParts(PARTS, "proved"), [
    text("x"),
    { kind: "reasoning", text: "", signature: redacted },
    { kind: "reasoning", text: "", signature: gemini },
    PARTS.at(-1),
  ]);
  assert.deepEqual(
    told("proved").filter(({ kind }) => kind !== "usage"),
    [
      { kind: "text", text: "x" },
      { kind: "reasoning_signature", signature: redacted },
      { kind: "reasoning_signature", signature: gemini },
      EVENTS.at(-1),
    ],
  );
});

test("whoever would have to read past them gets neither", () => {
  assert.deepEqual(toldParts(PARTS, "hidden"), [text("x"), PARTS.at(-1)]);
  assert.deepEqual(
    told("hidden").map(({ kind }) => kind),
    ["text", "usage", "tool_call"],
  );
});

test("each API's callers are told what they asked for, or what that API shows unasked", () => {
  const chat = { model: "m", messages: [{ role: "user", content: "a" }] };
  const responses = { model: "m", input: "a" };
  const messages = { ...chat, max_tokens: 9000 };
  const generate = { contents: [{ parts: [{ text: "a" }] }] };
  const thinking = (thinkingConfig: object): object => ({ ...generate, generationConfig: { thinkingConfig } });
  const cases: readonly (readonly [FrontName, object, Thoughts])[] = [
    ["openai_chat", chat, "told"],
    ["openai_chat", { ...chat, reasoning_effort: "high" }, "told"],
    ["openai_responses", responses, "proved"],
    ["openai_responses", { ...responses, reasoning: { effort: "high" } }, "proved"],
    ["openai_responses", { ...responses, reasoning: { summary: "auto" } }, "told"],
    ["anthropic", messages, "hidden"],
    ["anthropic", { ...messages, output_config: { effort: "low" } }, "hidden"],
    ["anthropic", { ...messages, thinking: { type: "disabled" } }, "hidden"],
    ["anthropic", { ...messages, thinking: { type: "adaptive" } }, "told"],
    ["anthropic", { ...messages, thinking: { type: "enabled", budget_tokens: 2000 } }, "told"],
    ["anthropic", { ...messages, thinking: { type: "adaptive", display: "omitted" } }, "proved"],
    ["gemini", generate, "proved"],
    ["gemini", thinking({ thinkingBudget: 500 }), "proved"],
    ["gemini", thinking({ includeThoughts: true }), "told"],
  ];
  for (const [front, body, expected] of cases) {
    const read = FRONTS[front].readRequest(body, { model: "m" });
    assert.ok(read.ok);
    assert.equal(read.thoughts, expected, JSON.stringify(body));
  }
});
