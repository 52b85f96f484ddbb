import assert from "node:assert/strict";
import { test } from "node:test";
import { traitsOf } from "../../../../../src/dialects/translate/anthropic/models.ts";
import type { ModelTraits } from "../../../../../src/dialects/translate/anthropic/models.ts";

test("a model is known by the version in its name, however it is written", () => {
  const cases: readonly [string, number, ModelTraits["thinking"], ModelTraits["sampling"]][] = [
    ["claude-2.1", 4096, "none", "both"],
    ["claude-instant-1.2", 4096, "none", "both"],
    ["claude-3-haiku-20240307", 4096, "none", "both"],
    ["claude-3-opus-latest", 4096, "none", "both"],
    ["claude-3-5-sonnet-20241022", 8192, "none", "both"],
    ["claude-3.5-haiku", 8192, "none", "both"],
    ["claude-3-7-sonnet-latest", 32_000, "budget", "both"],
    ["claude-sonnet-4-20250514", 32_000, "budget", "both"],
    ["claude-opus-4@20250514", 32_000, "budget", "both"],
    ["claude-opus-4-0", 32_000, "budget", "both"],
    ["anthropic.claude-opus-4-1-20250805-v1:0", 32_000, "budget", "one"],
    ["claude-haiku-4-5-20251001", 64_000, "budget", "one"],
    ["anthropic/claude-opus-4.6", 64_000, "adaptive", "one"],
    ["claude-opus-4-7", 64_000, "adaptive", "none"],
    ["claude-sonnet-5", 64_000, "adaptive", "none"],
    ["claude-opus-6-10", 64_000, "adaptive", "none"],
    ["claude-mythos-preview", 64_000, "adaptive", "none"],
    ["deepseek-reasoner", 4096, "budget", "both"],
    ["gpt-oss:20b", 4096, "budget", "both"],
  ];
  for (const [model, defaultMaxTokens, thinking, sampling] of cases) {
    assert.partialDeepStrictEqual(traitsOf(model), { defaultMaxTokens, thinking, sampling }, model);
  }
});

test("which models can't be kept from thinking, nor forced to call a tool", () => {
  const traits = (model: string): boolean[] => [traitsOf(model).alwaysThinks, traitsOf(model).takesForcedTools];
  assert.deepEqual(traits("claude-opus-5"), [false, true]);
  assert.deepEqual(traits("claude-opus-5-5"), [true, false]);
  assert.deepEqual(traits("claude-haiku-5-5"), [false, true]);
  assert.deepEqual(traits("claude-fable-5"), [true, true]);
  assert.deepEqual(traits("claude-fable-5-1"), [true, false]);
  assert.deepEqual(traits("claude-mythos-preview"), [false, true]);
});

test("which models can be held to a schema", () => {
  for (const model of ["claude-opus-4-1", "claude-haiku-4-5", "claude-opus-5", "deepseek-chat"]) {
    assert.equal(traitsOf(model).takesSchemas, true, model);
  }
  for (const model of ["claude-3-haiku", "claude-3-7-sonnet-latest", "claude-sonnet-4-0", "claude-opus-4-0"]) {
    assert.equal(traitsOf(model).takesSchemas, false, model);
  }
});
