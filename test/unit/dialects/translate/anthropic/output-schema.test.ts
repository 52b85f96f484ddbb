import assert from "node:assert/strict";
import { test } from "node:test";
import { outputSchema } from "../../../../../src/dialects/translate/anthropic/output-schema.ts";
import type { Loss } from "../../../../../src/dialects/translate/translation.ts";

function write(schema: Record<string, unknown>): { readonly schema: object; readonly lost: readonly string[] } {
  const losses: Loss[] = [];
  return { schema: outputSchema(schema, "s", losses), lost: losses.map(({ field }) => field) };
}

test("what Anthropic can hold a model to stays as it is", () => {
  const schema = {
    type: "object",
    title: "A",
    description: "b",
    $defs: { n: { type: ["number", "null"] } },
    properties: {
      a: { type: "string", enum: ["x", "y"], default: "x" },
      b: { anyOf: [{ $ref: "#/$defs/n" }, { const: 1 }] },
      c: { type: "array", items: { type: "string", format: "date" }, minItems: 1 },
      d: { type: "string", pattern: "^a+$" },
    },
    required: ["a"],
    additionalProperties: false,
  };
  assert.deepEqual(write(schema), { schema, lost: [] });
});

test("every object is closed, wherever it stands", () => {
  const open = { type: "object", properties: { a: { type: "object", additionalProperties: true } } };
  assert.deepEqual(write({ type: "array", items: open }), {
    schema: {
      type: "array",
      items: {
        type: "object",
        properties: { a: { type: "object", additionalProperties: false } },
        additionalProperties: false,
      },
    },
    lost: [],
  });
});

test("limits that it does not know are told, and stand in the description", () => {
  const { schema, lost } = write({
    type: "object",
    properties: {
      n: { type: "integer", description: "How many.", minimum: 1, maximum: 9 },
      l: { type: "array", items: { type: "string", maxLength: 3 }, minItems: 2 },
      m: { type: "object", additionalProperties: { type: "string" } },
      f: { type: "string", format: "phone" },
      w: { type: "integer", format: "int32" },
    },
  });
  assert.deepEqual(schema, {
    type: "object",
    properties: {
      n: { type: "integer", description: "How many. (minimum: 1, maximum: 9)" },
      l: {
        type: "array",
        items: { type: "string", description: "(maxLength: 3)" },
        description: "(minItems: 2)",
      },
      m: { type: "object", description: '(additionalProperties: {"type":"string"})', additionalProperties: false },
      f: { type: "string", description: '(format: "phone")' },
      w: { type: "integer" },
    },
    additionalProperties: false,
  });
  assert.deepEqual(lost, [
    "s.properties.n.minimum",
    "s.properties.n.maximum",
    "s.properties.l.items.maxLength",
    "s.properties.l.minItems",
    "s.properties.m.additionalProperties",
    "s.properties.f.format",
  ]);
});

test("alternatives of which one fits are alternatives; remarks are left out", () => {
  const schema = { $schema: "x", $id: "y", examples: [1], oneOf: [{ type: "string" }, { type: "null" }] };
  assert.deepEqual(write(schema), { schema: { anyOf: [{ type: "string" }, { type: "null" }] }, lost: [] });
});
