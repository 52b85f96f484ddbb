import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { TokenSequence, type SequenceFaults } from "../../../src/bench/token-sequence.ts";

function check(indices: readonly number[], asked: number): SequenceFaults {
  const sequence = new TokenSequence();
  for (const index of indices) sequence.accept(index);
  const faults = { lost: 0, duplicated: 0, reordered: 0 };
  sequence.settle(asked, faults);
  return faults;
}

test("finds no fault in tokens that come every one, once, in order", () => {
  assert.deepEqual(check([0, 1, 2, 3], 4), { lost: 0, duplicated: 0, reordered: 0 });
});

test("counts a token that never came as lost, in the middle, at the start and at the end", () => {
  assert.deepEqual(check([0, 2, 3], 4), { lost: 1, duplicated: 0, reordered: 0 });
  assert.deepEqual(check([2, 3], 4), { lost: 2, duplicated: 0, reordered: 0 });
  assert.deepEqual(check([0, 1], 4), { lost: 2, duplicated: 0, reordered: 0 });
  assert.deepEqual(check([], 4), { lost: 4, duplicated: 0, reordered: 0 });
});

test("counts a token that came twice as duplicated", () => {
  assert.deepEqual(check([0, 1, 1, 2], 3), { lost: 0, duplicated: 1, reordered: 0 });
  assert.deepEqual(check([0, 1, 2, 0], 3), { lost: 0, duplicated: 1, reordered: 0 });
});

test("counts a token that came after a later one as reordered, not as lost and not as duplicated", () => {
  assert.deepEqual(check([0, 2, 1, 3], 4), { lost: 0, duplicated: 0, reordered: 1 });
});

test("counts tokens beyond those asked for as duplicated", () => {
  assert.deepEqual(check([0, 1, 2], 2), { lost: 0, duplicated: 1, reordered: 0 });
});

test("finds a fault exactly when the tokens differ from those asked for, and the right number of lost ones", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 40 }), fc.integer({ min: 21, max: 30 }), (indices, asked) => {
      const faults = check(indices, asked);
      assert.equal(faults.lost, asked - new Set(indices).size);
      assert.equal(faults.duplicated, indices.length - new Set(indices).size);
    }),
  );
});

test("remembers a bounded number of missing tokens, and still counts all of them", () => {
  assert.equal(check([50_000_000], 50_000_001).lost, 50_000_000);
});
