import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { protectReferences, restoreReferences, substitute } from "../../../src/config/variables.ts";

const reference = (name: string): string => ["$", "{", name, "}"].join("");
const env = { KEY: "k-1", HOST: "h", EMPTY: "" };

test("fills in each reference of a text", () => {
  assert.deepEqual(substitute(`a ${reference("KEY")}/${reference("HOST")}`, env), { text: "a k-1/h" });
  assert.deepEqual(substitute("no reference, $5, {x}, $HOME", env), { text: "no reference, $5, {x}, $HOME" });
});

test("an escaped reference stays as it is, without one dollar sign", () => {
  assert.deepEqual(substitute(`$${reference("KEY")}`, env), { text: reference("KEY") });
});

test("a value is not searched for references again", () => {
  assert.deepEqual(substitute(reference("A"), { A: reference("KEY"), KEY: "k" }), { text: reference("KEY") });
});

test("a variable that is not set or empty is a fault that names it", () => {
  assert.deepEqual(substitute(reference("NOPE") + reference("EMPTY"), env), {
    faults: ["the environment variable `NOPE` is not set", "the environment variable `EMPTY` is empty"],
  });
});

test("members that every object inherits are not variables", () => {
  for (const name of ["constructor", "__proto__", "toString"])
    assert.ok("faults" in substitute(reference(name), env), name);
});

test("an opening that is no reference is a fault and repeats nothing", () => {
  for (const inner of ["", "A-B", "sk-secret:-x", "1A", " A "]) {
    const result = substitute(reference(inner), env);
    assert.ok("faults" in result && !result.faults.join("").includes("secret"), inner);
  }
});

test("protecting keeps every position, and restoring gives the text back", () => {
  const text = fc
    .array(fc.oneof(fc.string(), fc.constantFrom("${A}", "$${A}", "${", "}", "$")))
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (source) => {
      assert.equal(protectReferences(source).length, source.length);
      assert.equal(restoreReferences(protectReferences(source)), source);
    }),
  );
});
