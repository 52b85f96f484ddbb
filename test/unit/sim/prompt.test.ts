import assert from "node:assert/strict";
import { test } from "node:test";
import { countPromptTokens } from "../../../src/sim/prompt.ts";

test("counts a quarter of the prompt's UTF-8 bytes, rounded up, in every dialect", () => {
  assert.equal(countPromptTokens({ model: "sim", messages: [{ role: "user", content: "12345" }] }), 2);
  assert.equal(countPromptTokens({ model: "sim", prompt: ["1234", "5678"] }), 2);
  assert.equal(countPromptTokens({ model: "sim", input: "€€" }), 2);
  const blocks = [{ role: "user", content: [{ type: "text", text: "5678" }] }];
  assert.equal(countPromptTokens({ model: "sim", system: "1234", messages: blocks }), 2);
  const contents = [{ role: "user", parts: [{ text: "5678" }] }];
  assert.equal(countPromptTokens({ systemInstruction: { parts: [{ text: "1234" }] }, contents }), 2);
});

test("counts nothing of fields that are no prompt, and survives nesting that no stack would", () => {
  assert.equal(countPromptTokens({ model: "a long name", metadata: { text: "no prompt" } }), 0);
  let nested: unknown = "deep";
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  assert.equal(countPromptTokens({ input: nested }), 0);
});
