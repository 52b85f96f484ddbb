import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { ModelTable } from "../../../src/config/model-table.ts";
import { matchesPattern, patternsOverlap } from "../../../src/config/name-pattern.ts";
import type { ModelRoute, UpstreamConfig } from "../../../src/config/snapshot.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 });
const pattern = fc.tuple(letters, fc.constantFrom("", "*"), letters).map((parts) => parts.join(""));

/** Every name of up to eight letters: longer ones say nothing new of patterns with four on each side. */
const NAMES = Array.from({ length: 9 }, (_, length) =>
  Array.from({ length: 2 ** length }, (_, bits) =>
    Array.from({ length }, (_, at) => ((bits >> at) & 1 ? "a" : "b")).join(""),
  ),
).flat();

test("a pattern stands for the names that the model table resolves by it", () => {
  fc.assert(
    fc.property(pattern, letters, (pattern, name) => {
      const route: ModelRoute = { name: pattern, upstream: {} as UpstreamConfig, model: undefined, price: undefined };
      assert.equal(matchesPattern(pattern, name), new ModelTable([route]).resolve(name) !== undefined);
    }),
  );
});

test("two patterns overlap exactly when there is a name that both stand for", () => {
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const shared = NAMES.some((name) => matchesPattern(one, name) && matchesPattern(other, name));
      assert.equal(patternsOverlap(one, other), shared);
      assert.equal(patternsOverlap(other, one), shared);
    }),
  );
});
