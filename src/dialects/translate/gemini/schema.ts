/**
 * Gemini's older form of a schema, a subset of OpenAPI 3.0's (https://ai.google.dev/api/caching#Schema), as JSON Schema:
 * types in upper case, `nullable`, limits as strings, an order of the properties.
 */
import { isRecord } from "../json-pick.ts";
import { withCamelCaseNames } from "./proto-json.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Protocol buffers write 64-bit numbers as strings. */
const LIMITS = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);

/** @param schema nested at most as deep as a request may be. @returns JSON Schema; unknown keywords stay as they are. */
export function jsonSchema(schema: Schema): Schema {
  const { nullable, propertyOrdering, ...rest } = withCamelCaseNames(schema);
  const written: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (key === "type") Object.assign(written, typeOf(value));
    else if (key === "properties") written[key] = properties(value, propertyOrdering);
    else if (key === "items" || key === "additionalProperties") written[key] = nested(value);
    else if (key === "anyOf") written[key] = Array.isArray(value) ? value.map(nested) : value;
    else if (key === "defs") written["$defs"] = properties(value, undefined);
    else if (key === "ref") written["$ref"] = value;
    else if (key === "example") written["examples"] = [value];
    // Only says that `enum` is there.
    else if (key === "format" && value === "enum") continue;
    else if (LIMITS.has(key) && typeof value === "string") written[key] = Number(value);
    else written[key] = value;
  }
  return nullable === true ? withNull(written) : written;
}

function typeOf(value: unknown): Schema {
  if (typeof value !== "string") return { type: value };
  return value === "TYPE_UNSPECIFIED" ? {} : { type: value.toLowerCase() };
}

function nested(value: unknown): unknown {
  return isRecord(value) ? jsonSchema(value) : value;
}

function properties(value: unknown, order: unknown): unknown {
  if (!isRecord(value)) return value;
  const names = Object.keys(value);
  const first = Array.isArray(order) ? order.filter((name: unknown) => names.includes(name as string)) : [];
  const ordered = new Set([...(first as string[]), ...names]);
  return Object.fromEntries([...ordered].map((name) => [name, nested(value[name])]));
}

function withNull(schema: Record<string, unknown>): Schema {
  const { type, enum: values, anyOf } = schema;
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...(anyOf as unknown[]), { type: "null" }] };
  return {
    ...schema,
    ...(typeof type === "string" ? { type: [type, "null"] } : {}),
    ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
  };
}
