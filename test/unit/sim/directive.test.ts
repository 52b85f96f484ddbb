import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { findDirective } from "../../../src/sim/directive.ts";

const LETTERS = {
  t: "ttftMs",
  g: "gapMs",
  n: "tokens",
  x: "status",
  c: "cutAfterTokens",
  b: "padBytes",
  i: "tag",
} as const;

const find = (text: string) => findDirective(Buffer.from(text));

test("reads any parts in any order, wherever the directive stands in a prompt", () => {
  const values = fc.record(
    {
      t: fc.nat(86_400_000),
      g: fc.nat(86_400_000),
      n: fc.nat(100_000_000),
      x: fc.integer({ min: 400, max: 599 }),
      c: fc.nat(100_000_000),
      b: fc.nat(1_048_576),
      i: fc.maxSafeNat(),
    },
    { requiredKeys: [] },
  );
  const shuffled = values
    .filter((parts) => Object.keys(parts).length > 0)
    .chain((parts) => {
      const entries = Object.entries(parts) as [keyof typeof LETTERS, number][];
      return fc.shuffledSubarray(entries, { minLength: entries.length });
    });
  const prose = fc.string().filter((text) => !text.includes("sim:"));
  fc.assert(
    fc.property(shuffled, prose, prose, (parts, before, after) => {
      const directive = `sim:${parts.map(([letter, value]) => letter + value).join(":")}`;
      const expected = Object.fromEntries(parts.map(([letter, value]) => [LETTERS[letter], value]));
      assert.deepEqual(find(JSON.stringify({ content: `${before} ${directive} ${after}` })), expected);
    }),
  );
});

test("takes the last directive of a conversation, and the last that has a part", () => {
  assert.deepEqual(find('["sim:n1","sim:n2:g3"]'), { tokens: 2, gapMs: 3 });
  assert.deepEqual(find("sim:n1 and then sim: or sim:sim:"), { tokens: 1 });
  assert.deepEqual(find("sim:sim:n4"), { tokens: 4 });
});

test("finds nothing where there is no part, an unknown letter or a number out of range", () => {
  for (const text of [
    "",
    "sim",
    "sim:",
    "sim:n",
    "sim:z5",
    "sim:x200",
    "sim:x600",
    "sim:b1048577",
    "sim :n5",
    "sim:N5",
  ]) {
    assert.equal(find(text), undefined, text);
  }
});

test("ends a directive at the first part that is none, and keeps those before it", () => {
  assert.deepEqual(find("sim:n5:x999:g3"), { tokens: 5 });
  assert.deepEqual(find("sim:n5:goodbye"), { tokens: 5 });
  assert.deepEqual(find("sim:n5."), { tokens: 5 });
});

test("answers at once on a body made of marks", () => {
  const body = Buffer.from("sim:".repeat(262_144));
  const startMs = performance.now();
  assert.equal(findDirective(body), undefined);
  assert.ok(performance.now() - startMs < 5_000, "quadratic search");
});
