import assert from "node:assert/strict";
import { test } from "node:test";
import { FRONTS } from "../../../../src/dialects/translate/registry.ts";
import { isStrict } from "../../../../src/dialects/translate/strict-schema.ts";

const closed = {
  type: "object",
  properties: { a: { type: "string" } },
  required: ["a"],
  additionalProperties: false,
};
const holding = (inner: object): Record<string, unknown> => ({ ...closed, properties: { a: inner } });

test("a schema is strict where each object forbids what it does not name, and requires all that it does", () => {
  assert.equal(isStrict(closed), true);
  assert.equal(isStrict(holding({ type: "array", items: closed })), true);
  assert.equal(isStrict(holding({ anyOf: [closed, { type: "null" }] })), true);
  assert.equal(isStrict({ ...closed, required: [] }), false);
  assert.equal(isStrict({ ...closed, additionalProperties: true }), false);
  assert.equal(isStrict(holding({ anyOf: [closed, { type: "object" }] })), false);
  assert.equal(isStrict(holding({ type: ["object", "null"] })), false);
  assert.equal(isStrict({ ...closed, $defs: { b: { type: "object" } } }), false);
});

test("a schema that would be refused as strict is not: one of a list, or with other alternatives", () => {
  assert.equal(isStrict({ type: "array", items: closed }), false);
  assert.equal(isStrict({ anyOf: [closed] }), false);
  for (const key of ["oneOf", "allOf"]) assert.equal(isStrict(holding({ [key]: [closed] })), false, key);
  assert.equal(isStrict(holding({ type: "array", prefixItems: [closed] })), false);
});

test("callers whose API always holds the model to its schema have it strict elsewhere, where it can be", () => {
  const open = { type: "object", properties: { a: { type: "string" } } };
  const strictOf = (schema: object, key: string): unknown => {
    const generationConfig = { responseMimeType: "application/json", [key]: schema };
    const read = FRONTS.gemini.readRequest({ contents: { parts: { text: "x" } }, generationConfig }, { model: "m" });
    return read.ok && read.request.outputFormat?.kind === "schema" && read.request.outputFormat.strict;
  };
  assert.equal(strictOf(closed, "responseJsonSchema"), true);
  assert.equal(strictOf({ ...closed, type: "OBJECT", properties: { a: { type: "STRING" } } }, "responseSchema"), true);
  assert.equal(strictOf(open, "responseJsonSchema"), undefined);
});
