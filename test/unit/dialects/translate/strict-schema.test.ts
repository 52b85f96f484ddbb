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

test("a schema with anything that is not known to be taken as strict is not strict", () => {
  const text = { type: "string" };
  const refused: readonly unknown[] = [
    { ...text, default: "x" },
    { ...text, minLength: 1 },
    { ...text, format: "uri" },
    { ...text, format: 5 },
    { type: "array", items: text, uniqueItems: true },
    { type: "array" },
    { type: ["array", "null"] },
    { type: "array", items: [text] },
    { type: "array", items: true },
    { ...closed, propertyNames: text },
    { ...closed, properties: [] },
    { ...closed, required: ["a", "b"] },
    { anyOf: text },
    { anyOf: [text, true] },
    { $ref: "#/$defs/b", description: "d" },
    { $ref: 5 },
    { description: "anything" },
    {},
    true,
    null,
  ];
  for (const inner of refused) {
    assert.equal(isStrict({ ...closed, properties: { a: inner } }), false, JSON.stringify(inner));
  }
  assert.equal(isStrict({ ...closed, anyOf: [closed] }), false);
  assert.equal(isStrict({ ...closed, $defs: [text] }), false);
  assert.equal(isStrict({ ...closed, $defs: { b: true } }), false);
});

test("what is known to be taken as strict leaves a schema strict", () => {
  const taken: readonly object[] = [
    { $ref: "#/$defs/b" },
    { enum: ["x", 1] },
    { const: "x" },
    { type: ["string", "null"], title: "t", description: "d", pattern: "^x" },
    { type: "integer", minimum: 0, exclusiveMaximum: 8, multipleOf: 2 },
    { type: "array", items: { type: "number" }, minItems: 1, maxItems: 2 },
    { type: "object", properties: {}, required: [], additionalProperties: false },
    ...["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"].map((format) => ({
      type: "string",
      format,
    })),
  ];
  for (const inner of taken) {
    assert.equal(isStrict({ ...holding(inner), $defs: { b: closed } }), true, JSON.stringify(inner));
  }
  const $schema = "http://json-schema.org/draft-07/schema#";
  assert.equal(isStrict({ ...closed, $schema }), true);
  assert.equal(isStrict(holding({ ...closed, $schema })), false);
});

test("a schema with very many properties costs no more than each of them", () => {
  const names = Array.from({ length: 60_000 }, (_, i) => `p${i}`);
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  const before = process.cpuUsage();
  assert.equal(isStrict({ ...closed, properties, required: names.toReversed() }), true);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 1_000_000, `${user} µs`);
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
