import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  budgetOfEffort,
  effortOfBudget,
  wantedBudgetTokens,
  wantedEffort,
} from "../../../../src/dialects/translate/effort.ts";
import type { Effort } from "../../../../src/dialects/translate/effort.ts";

const EFFORTS: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

test("an effort's budget is read back as that effort, up to the highest that every model takes", () => {
  for (const effort of EFFORTS) {
    const expected = effort === "xhigh" || effort === "max" ? "high" : effort;
    assert.equal(effortOfBudget(budgetOfEffort(effort)), expected);
  }
});

test("each effort's budget is larger than the one before it", () => {
  const budgets = EFFORTS.map(budgetOfEffort);
  assert.deepEqual(
    budgets,
    budgets.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(budgets).size, EFFORTS.length);
});

test("a budget that no effort has is the nearest one's", () => {
  const cases: readonly [number, Effort][] = [
    [1, "minimal"],
    [700, "minimal"],
    [1024, "low"],
    [2000, "low"],
    [4000, "medium"],
    [10_000, "medium"],
    [16_000, "high"],
    [31_999, "high"],
    [1_000_000, "high"],
  ];
  for (const [budget, effort] of cases) assert.equal(effortOfBudget(budget), effort, String(budget));
});

test("a larger budget is never a smaller effort", () => {
  const rank = (budget: number): number => EFFORTS.indexOf(effortOfBudget(budget));
  fc.assert(fc.property(fc.nat(100_000), fc.nat(100_000), (a, more) => rank(a) <= rank(a + more)));
});

test("of effort and budget each is taken as it was said, the other where it was not", () => {
  assert.equal(wantedEffort({ effort: "low", budgetTokens: 30_000 }), "low");
  assert.equal(wantedBudgetTokens({ effort: "low", budgetTokens: 30_000 }), 30_000);
  assert.equal(wantedEffort({ budgetTokens: 8000 }), "medium");
  assert.equal(wantedBudgetTokens({ effort: "high" }), 24_576);
  assert.equal(wantedEffort({ visible: true }), undefined);
  assert.equal(wantedBudgetTokens({ visible: true }), undefined);
});
