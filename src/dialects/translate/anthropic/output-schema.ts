/**
 * A JSON Schema in the form that Anthropic can hold a model to, for its answers and for strict tools
 * (https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations).
 *
 * Objects are closed: what fits a closed one fits the open one that was asked for. Limits that it does not know are told as
 * lost, and stand in the description, for the model to read.
 */
import { elements } from "../../json-access.ts";
import { isRecord } from "../json-pick.ts";
import type { Loss } from "../translation.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Whose values are schemas. */
const MAPS: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
const LISTS: ReadonlySet<string> = new Set(["anyOf", "allOf"]);
const TAKEN: ReadonlySet<string> = new Set([
  "$ref",
  "const",
  "default",
  "description",
  "enum",
  "pattern",
  "required",
  "title",
  "type",
]);
/** Say something about the schema and nothing about what fits it. */
const REMARKS: ReadonlySet<string> = new Set([
  "$comment",
  "$id",
  "$schema",
  "deprecated",
  "examples",
  "propertyOrdering",
]);
const FORMATS: ReadonlySet<unknown> = new Set([
  "date-time",
  "date",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "time",
  "uri",
  "uuid",
]);
/** Of numbers, as OpenAPI has them: no limits. */
const WIDTHS: ReadonlySet<unknown> = new Set(["int32", "int64", "float", "double"]);

/** @param schema nested as a request may be. @param path where it stands. @param losses what it had to give up goes here. */
export function outputSchema(schema: Schema, path: string, losses: Loss[]): Schema {
  const written: Record<string, unknown> = {};
  const told: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (REMARKS.has(key)) continue;
    const known = writeKeyword(key, value, path, losses);
    if (known !== undefined) Object.assign(written, known);
    else {
      told.push(`${key}: ${JSON.stringify(value)}`);
      losses.push({ field: `${path}.${key}`, reason: "Anthropic can't hold a model to it" });
    }
  }
  if (
    schema["type"] === "object" ||
    elements(schema["type"]).includes("object") ||
    schema["properties"] !== undefined
  ) {
    written["additionalProperties"] = false;
  }
  if (told.length > 0) {
    const description = written["description"];
    const limits = `(${told.join(", ")})`;
    written["description"] = typeof description === "string" ? `${description} ${limits}` : limits;
  }
  return written;
}

/** @returns what is written; `undefined` where Anthropic does not know it. */
function writeKeyword(key: string, value: unknown, path: string, losses: Loss[]): Schema | undefined {
  const inner = `${path}.${key}`;
  if (TAKEN.has(key)) return { [key]: value };
  if (MAPS.has(key) && isRecord(value)) {
    const entries = Object.entries(value).map(([name, one]) => [name, nested(one, `${inner}.${name}`, losses)]);
    return { [key]: Object.fromEntries(entries) as unknown };
  }
  if (LISTS.has(key)) return { [key]: list(value, inner, losses) };
  // Of the alternatives of one schema no two are meant to fit.
  if (key === "oneOf") return { anyOf: list(value, inner, losses) };
  if (key === "items") return { items: nested(value, inner, losses) };
  if (key === "additionalProperties") return typeof value === "boolean" ? {} : undefined;
  if (key === "minItems") return value === 0 || value === 1 ? { minItems: value } : undefined;
  if (key === "format") return FORMATS.has(value) ? { format: value } : WIDTHS.has(value) ? {} : undefined;
  return undefined;
}

function list(value: unknown, path: string, losses: Loss[]): unknown[] {
  return elements(value).map((one, i) => nested(one, `${path}[${i}]`, losses));
}

function nested(value: unknown, path: string, losses: Loss[]): unknown {
  return isRecord(value) ? outputSchema(value, path, losses) : value;
}
