import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { ModelTable } from "../../../src/config/model-table.ts";
import type { ModelRoute, UpstreamConfig } from "../../../src/config/snapshot.ts";

const upstream = {} as UpstreamConfig;
const table = (...names: string[]): ModelTable =>
  new ModelTable(names.map((name): ModelRoute => ({ name, upstream, model: undefined, price: undefined })));
const resolved = (names: string[], asked: string): string | undefined => table(...names).resolve(asked)?.name;

test("an exact name goes before any pattern", () => {
  assert.equal(resolved(["*", "gpt-5*", "gpt-5"], "gpt-5"), "gpt-5");
});

test("the pattern with more literal characters goes first, wherever its wildcard is", () => {
  const names = ["*", "gpt-*", "gpt-5*", "*-mini", "gpt-*-mini"];
  assert.equal(resolved(names, "gpt-5-mini"), "gpt-*-mini");
  assert.equal(resolved(names, "gpt-5-nano"), "gpt-5*");
  assert.equal(resolved(names, "o4-mini"), "*-mini");
  assert.equal(resolved(names, "claude"), "*");
});

test("of two patterns with as many literal characters the one with the longer prefix goes first", () => {
  assert.equal(resolved(["*-mini", "gpt-5*"], "gpt-5-mini"), "gpt-5*");
  assert.equal(resolved(["gpt-5*", "*-mini"], "gpt-5-mini"), "gpt-5*");
});

test("prefix and suffix of a pattern do not share characters of the name", () => {
  assert.equal(resolved(["ab*ba"], "aba"), undefined);
  assert.equal(resolved(["ab*ba"], "abba"), "ab*ba");
});

test("names of Object's own members are unknown models like any other", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"])
    assert.equal(resolved(["a"], name), undefined);
});

test("lists the exact names in the config's order, without patterns", () => {
  assert.deepEqual(table("b", "a*", "a", "*").names(), ["b", "a"]);
});

const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 });
const pattern = fc.tuple(letters, letters).map(([prefix, suffix]) => `${prefix}*${suffix}`);
const someNames = fc.uniqueArray(fc.oneof(letters, pattern), { maxLength: 12 });

test("what is found matches, nothing that matches is more specific, and something is found if anything matches", () => {
  const matches = (name: string, asked: string): boolean => {
    const [prefix, suffix] = name.split("*");
    if (suffix === undefined) return name === asked;
    return asked.startsWith(prefix!) && asked.slice(prefix!.length).endsWith(suffix);
  };
  const weight = (name: string): number => (name.includes("*") ? name.length : Infinity);
  fc.assert(
    fc.property(someNames, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }), (names, asked) => {
      const candidates = names.filter((name) => matches(name, asked));
      const found = resolved(names, asked);
      if (candidates.length === 0) return assert.equal(found, undefined);
      assert.ok(found !== undefined && candidates.includes(found));
      return assert.equal(weight(found), Math.max(...candidates.map(weight)));
    }),
  );
});

test("the order of the config does not change what a name resolves to", () => {
  const shuffled = someNames.chain((names) =>
    fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length })),
  );
  fc.assert(
    fc.property(shuffled, fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }), ([names, others], asked) => {
      assert.equal(resolved(names, asked), resolved(others, asked));
    }),
  );
});
