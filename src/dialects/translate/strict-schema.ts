/** Whether a JSON Schema is such as OpenAI and its like take as strict (https://platform.openai.com/docs/guides/structured-outputs). */
import { elements } from "../json-access.ts";
import { isRecord } from "./json-pick.ts";

type Json = Readonly<Record<string, unknown>>;

/** Each of them says what a value may be; a schema with none of them is refused. */
const KINDS = ["type", "anyOf", "enum", "const"] as const;
/** Of what holds schemas by name. */
const MAPS = ["properties", "$defs", "definitions"] as const;
const TAKEN: ReadonlySet<string> = new Set([
  ...KINDS,
  ...MAPS,
  "required",
  "additionalProperties",
  "items",
  "description",
  "title",
  "pattern",
  "format",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
]);
const FORMATS: ReadonlySet<unknown> = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uuid",
]);

/**
 * Whether it is of an object, has only what such APIs take, and each object in it forbids further properties and requires all
 * that it names. What is not known to be taken counts as refused: without strictness the model mostly keeps to a schema, and
 * with a schema that is refused there is no answer.
 * @param schema nested as a request may be.
 */
export function isStrict(schema: Json): boolean {
  // OpenAI's own helpers write `$schema`, at the root alone.
  return schema["type"] === "object" && schema["anyOf"] === undefined && isTaken({ ...schema, $schema: undefined });
}

function isTaken(schema: unknown): boolean {
  if (!isRecord(schema)) return false;
  const keys = Object.keys(schema).filter((key) => schema[key] !== undefined);
  if (schema["$ref"] !== undefined) return keys.length === 1 && typeof schema["$ref"] === "string";
  if (!keys.every((key) => TAKEN.has(key)) || !KINDS.some((key) => schema[key] !== undefined)) return false;
  if (schema["format"] !== undefined && !FORMATS.has(schema["format"])) return false;
  if (isOf(schema, "object") && !isClosed(schema)) return false;
  if (isOf(schema, "array") && schema["items"] === undefined) return false;
  return (
    MAPS.every((key) => schema[key] === undefined || (isRecord(schema[key]) && areTaken(Object.values(schema[key])))) &&
    (schema["anyOf"] === undefined || (Array.isArray(schema["anyOf"]) && areTaken(schema["anyOf"]))) &&
    (schema["items"] === undefined || isTaken(schema["items"]))
  );
}

function areTaken(schemas: readonly unknown[]): boolean {
  return schemas.every(isTaken);
}

function isOf(schema: Json, type: "object" | "array"): boolean {
  const itsOwn = type === "object" ? "properties" : "items";
  return schema["type"] === type || elements(schema["type"]).includes(type) || schema[itsOwn] !== undefined;
}

function isClosed({ properties = {}, required, additionalProperties }: Json): boolean {
  if (additionalProperties !== false || !isRecord(properties)) return false;
  const names = new Set(elements(required));
  const all = Object.keys(properties);
  // A name that is required and not there is refused too.
  return names.size === all.length && all.every((name) => names.has(name));
}
