import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LearntBound } from "../../../src/limits/learnt-bound.ts";

test("until twenty answers are known it is 4096", () => {
  const bound = new LearntBound();
  for (let i = 0; i < 19; i++) bound.learn(10);
  assert.equal(bound.tokens, 4096);
  bound.learn(10);
  assert.equal(bound.tokens, 64);
});

test("of the answers that it has learnt from one in a hundred is longer at most, and it is a quarter too much at most", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 60, max: 30_000 }), { minLength: 20, maxLength: 900 }), (lengths) => {
      const bound = new LearntBound();
      lengths.forEach((length) => bound.learn(length));
      const sorted = lengths.toSorted((a, b) => a - b);
      const longer = lengths.filter((length) => length > bound.tokens).length;
      assert.ok(longer <= lengths.length / 100, `${longer} of ${lengths.length}`);
      const quantile = sorted[Math.ceil(0.99 * lengths.length) - 1]!;
      assert.ok(bound.tokens <= Math.max(64, Math.ceil(quantile * 2 ** (1 / 4)) + 1));
    }),
  );
});

test("it follows a model whose answers become longer or shorter, and stays within its bounds", () => {
  const bound = new LearntBound();
  for (let i = 0; i < 3000; i++) bound.learn(200);
  assert.ok(bound.tokens >= 200 && bound.tokens <= 250);
  for (let i = 0; i < 1000; i++) bound.learn(5000);
  assert.ok(bound.tokens >= 5000 && bound.tokens <= 6250);
  for (let i = 0; i < 9000; i++) bound.learn(200);
  assert.ok(bound.tokens >= 200 && bound.tokens <= 250);
  for (let i = 0; i < 1000; i++) bound.learn(10 ** 9);
  assert.equal(bound.tokens, 32_768);
});

test("what is no number of tokens teaches nothing", () => {
  const bound = new LearntBound();
  for (let i = 0; i < 100; i++) for (const none of [Number.NaN, -1]) bound.learn(none);
  assert.equal(bound.tokens, 4096);
  for (let i = 0; i < 100; i++) bound.learn(0);
  assert.equal(bound.tokens, 64);
  for (let i = 0; i < 100; i++) bound.learn(Infinity);
  assert.equal(bound.tokens, 32_768);
});
