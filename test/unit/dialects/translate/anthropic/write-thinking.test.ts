import assert from "node:assert/strict";
import { test } from "node:test";
import { traitsOf } from "../../../../../src/dialects/translate/anthropic/models.ts";
import { writeThinking } from "../../../../../src/dialects/translate/anthropic/write-thinking.ts";
import type { WrittenThinking } from "../../../../../src/dialects/translate/anthropic/write-thinking.ts";
import type { WrittenMessage } from "../../../../../src/dialects/translate/anthropic/write-content.ts";
import type { CommonRequest, Reasoning } from "../../../../../src/dialects/translate/common.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

interface Outcome extends WrittenThinking {
  readonly reasons: readonly string[];
  /** Those that are no more than told of. */
  readonly warnings?: number;
}

function write(
  model: string,
  reasoning: Reasoning | undefined,
  around: { readonly maxTokens?: number; readonly messages?: readonly WrittenMessage[] } = {},
): Outcome {
  const losses: Loss[] = [];
  const surroundings = { traits: traitsOf(model), maxTokens: 32_000, messages: [], ...around };
  const written = writeThinking({ reasoning } as CommonRequest, surroundings, losses);
  const warnings = losses.filter(({ warning }) => warning === true).length;
  const reasons = losses.map(({ field, reason }) => `${field}: ${reason}`);
  return { ...written, reasons, ...(warnings === 0 ? {} : { warnings }) };
}

test("where nothing is said nothing is written", () => {
  for (const model of ["claude-3-haiku", "claude-sonnet-4-5", "claude-opus-4-6", "llama"]) {
    assert.deepEqual(write(model, undefined), { thinks: false, reasons: [] });
    assert.deepEqual(write(model, { visible: false }), { thinks: false, reasons: [] });
  }
});

test("models that decide for themselves are told an effort", () => {
  const effort = (model: string, said: Reasoning): unknown => write(model, said).effort;
  assert.deepEqual(write("claude-opus-4-8", { effort: "low", visible: true }), {
    thinking: { type: "adaptive", display: "summarized" },
    effort: "low",
    thinks: true,
    reasons: [],
  });
  assert.equal(effort("claude-opus-4-8", { effort: "minimal" }), "low");
  assert.equal(effort("claude-opus-4-8", { effort: "xhigh" }), "xhigh");
  assert.equal(effort("claude-sonnet-4-6", { effort: "xhigh" }), "high");
  assert.equal(effort("claude-sonnet-4-6", { effort: "max" }), "max");
  assert.equal(effort("claude-sonnet-4-6", { budgetTokens: 8000 }), "medium");
  assert.equal(effort("claude-sonnet-4-6", { visible: true }), undefined);
});

test("models with a budget get one that leaves room for the answer", () => {
  const budget = (said: Reasoning, maxTokens: number): unknown =>
    write("claude-sonnet-4-5", said, { maxTokens }).thinking?.["budget_tokens"];
  assert.equal(budget({ effort: "medium" }, 32_000), 8192);
  assert.equal(budget({ effort: "high" }, 8000), 6000);
  assert.equal(budget({ effort: "minimal" }, 8000), 1024);
  assert.equal(budget({ budgetTokens: 5000 }, 8000), 5000);
  assert.equal(budget({ budgetTokens: 9000 }, 8000), 7999);
  assert.equal(budget({ budgetTokens: 128 }, 8000), 1024);
  assert.equal(budget({ visible: true }, 32_000), 8192);
  assert.deepEqual(write("claude-sonnet-4-5", { effort: "low", visible: false }).thinking, {
    type: "enabled",
    budget_tokens: 1024,
    display: "omitted",
  });
});

test("no thoughts are asked for by turning them off, where that can be", () => {
  const off = { thinking: { type: "disabled" }, thinks: false, reasons: [] };
  assert.deepEqual(write("claude-sonnet-4-5", { effort: "none" }), off);
  assert.deepEqual(write("claude-opus-5", { budgetTokens: 0 }), off);
  assert.deepEqual(write("claude-3-haiku", { effort: "none" }), { thinks: false, reasons: [] });
  assert.deepEqual(write("claude-opus-5-5", { effort: "none" }), {
    effort: "low",
    thinks: true,
    reasons: ["reasoning: this model always thinks"],
  });
});

test("where a model can't think that is told", () => {
  const high = { effort: "high" } as const;
  assert.deepEqual(write("claude-3-5-haiku-latest", high).reasons, ["reasoning: this model does not think"]);
  assert.match(write("claude-sonnet-4-5", high, { maxTokens: 1024 }).reasons[0]!, /leaves no room/);
});

test("with a budget a model does not begin to think between a call and its result, which is never refused", () => {
  const high = { effort: "high" } as const;
  const turns = (...first: object[]): readonly WrittenMessage[] => [
    { role: "assistant", content: [...(first as Readonly<Record<string, unknown>>[]), { type: "tool_use" }] },
    { role: "user", content: [{ type: "tool_result" }] },
  ];
  const without = write("claude-sonnet-4-5", high, { messages: turns() });
  assert.equal(without.thinking, undefined);
  assert.match(without.reasons[0]!, /between a tool's call and its result/);
  assert.equal(without.warnings, 1);
  assert.equal(write("claude-sonnet-4-5", high, { messages: turns({ type: "thinking" }) }).thinks, true);
  assert.equal(write("claude-opus-4-6", high, { messages: turns() }).thinks, true);
});
