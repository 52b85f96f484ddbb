import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { at, elements, hasContent, leadingObject, parseJson, tokenCount } from "../../../src/dialects/json-access.ts";

test("reads by path what is there, own keys only, and undefined everywhere else", () => {
  const body = parseJson('{"a":[{"b":null},5],"__proto__":{"x":1}}');
  assert.equal(at(body, "a", 1), 5);
  assert.equal(at(body, "a", 0, "b"), null);
  assert.deepEqual(at(body, "__proto__"), { x: 1 });
  for (const path of [
    ["a", 2],
    ["a", "length", "x"],
    ["a", 0, "b", "c"],
    ["toString"],
    ["a", "map"],
    ["constructor", "name"],
  ]) {
    assert.equal(at(body, ...path), undefined, path.join("."));
  }
  fc.assert(
    fc.property(fc.anything(), fc.array(fc.oneof(fc.string(), fc.nat())), (value, path) => void at(value, ...path)),
  );
});

test("takes for a token count only what is one", () => {
  assert.deepEqual([0, 1, 2 ** 53 - 1].map(tokenCount), [0, 1, 2 ** 53 - 1]);
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN, Infinity, "1", null, undefined, {}, [1], true]) {
    assert.equal(tokenCount(value), undefined);
  }
});

test("reads the object that a text begins with, whatever follows it", () => {
  const anyObject = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(anyObject, fc.string(), (object, rest) => {
      assert.deepEqual(leadingObject(JSON.stringify(object) + rest), parseJson(JSON.stringify(object)));
    }),
    { numRuns: 500 },
  );
  for (const text of ["", "{", '{"a":{}', '{"a":"}', '{"a":"\\"}', "}", "null", "{a}"]) {
    assert.equal(leadingObject(text), undefined, text);
  }
});

test("says of strings, arrays and objects whether they hold anything, and of nothing else", () => {
  for (const value of ["x", [0], { a: undefined }]) assert.equal(hasContent(value), true);
  for (const value of ["", [], {}, null, undefined, 0, 1, true]) assert.equal(hasContent(value), false);
  assert.deepEqual([elements([1]), elements({ 0: 1, length: 1 }), elements(null), elements("x")], [[1], [], [], []]);
});
