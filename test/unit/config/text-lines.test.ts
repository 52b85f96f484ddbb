import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { TextLines } from "../../../src/config/text-lines.ts";

test("counts lines and columns from 1, the line break being the last of its line", () => {
  const lines = new TextLines("ab\n\ncd");
  const positions = Array.from({ length: 7 }, (_, offset) => lines.positionOf(offset));
  assert.deepEqual(
    positions.map(({ line, column }) => `${line}:${column}`),
    ["1:1", "1:2", "1:3", "2:1", "3:1", "3:2", "3:3"],
  );
});

test("every offset is where counting the line breaks before it says", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\n", "\r"), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.nat(60), (written, somewhere) => {
      const offset = Math.min(somewhere, written.length);
      const before = written.slice(0, offset).split("\n");
      const expected = { line: before.length, column: before.at(-1)!.length + 1 };
      assert.deepEqual(new TextLines(written).positionOf(offset), expected);
    }),
  );
});
