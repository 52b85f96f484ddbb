import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { loadConfig } from "../../../src/config/load.ts";
import { CONFIG } from "../../../src/config/schema.ts";
import { faultsOf, LEAST } from "./config-text.ts";

const keys = CONFIG.shape.kind === "section" ? Object.keys(CONFIG.shape.keys) : [];
const marks = `{ } [ ] : , " ' > #  % << __proto__ \${A} \${ $\${ endpoints url http://h u 5s ~ &a *a !t ?`.split(" ");
const spaces = ["- ", ": ", "? ", "&a ", "*a ", "\n", "\n  ", "|\n", "---\n", "\t", "\uFDD0", "\uFEFF", "\0"];
const fragment = fc.constantFrom(...keys, ...marks, ...spaces);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fragment, { maxLength: 60 }).map((parts) => parts.join("")),
  fc.array(fragment, { maxLength: 20 }).map((parts) => LEAST + parts.join("")),
);

test("no text makes loading throw, and every fault lies within the text", () => {
  fc.assert(
    fc.property(text, (source) => {
      const result = loadConfig(source, { file: "c.yaml", env: { A: "x: [" }, directory: "/nowhere" });
      if ("config" in result) return;
      assert.ok(result.faults.length > 0 && result.faults.length <= 100);
      const lines = source.split("\n");
      for (const { line, column } of result.faults) {
        assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
        assert.ok(column >= 1 && column <= lines[line - 1]!.length + 1, `column ${column}`);
      }
    }),
    { numRuns: 500 },
  );
});

test("deep nesting is a fault, not a stack overflow", () => {
  for (const text of ["[".repeat(20_000), "- ".repeat(20_000), `${"[".repeat(100)}${"]".repeat(100)}`]) {
    assert.ok(faultsOf(text).some((fault) => fault.endsWith("nested too deep")));
  }
});

test("aliases that multiply, or hold themselves, end at a bound", { timeout: 20_000 }, () => {
  const levels = Array.from(
    { length: 20 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(",")}]\n`,
  );
  assert.ok(faultsOf(`l0: &l0 [x]\n${levels.join("")}`).some((fault) => fault.includes("aliases")));
  assert.ok(faultsOf("a: &a [*a]\n").some((fault) => fault.endsWith("nested too deep")));
  const wide = `a: &a [${"x,".repeat(100_000)}x]\nb: [${Array(90).fill("*a").join(",")}]\n`;
  assert.ok(faultsOf(wide).some((fault) => fault.endsWith("holds too many values")));
  assert.ok(faultsOf(`a: &a [${Array(50_000).fill("*a").join(",")}]\n`).length <= 100);
});

test("ten thousand faults are cut to the first hundred", () => {
  const unknown = Array.from({ length: 10_000 }, (_, i) => `unknown_${i}: 1\n`).join("");
  const faults = faultsOf(LEAST + unknown);
  assert.equal(faults.length, 100);
  assert.equal(faults[0], "3:1: unknown key `unknown_0`");
});
