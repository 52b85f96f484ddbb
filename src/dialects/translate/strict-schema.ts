/** Whether a JSON Schema is such as OpenAI and its like take as strict (https://platform.openai.com/docs/guides/structured-outputs). */
import { elements } from "../json-access.ts";
import { isRecord } from "./json-pick.ts";

const MAPS = ["properties", "$defs", "definitions"] as const;
/** What a strict schema is refused for. */
const REFUSED = [
  "oneOf",
  "allOf",
  "not",
  "if",
  "prefixItems",
  "patternProperties",
  "dependentSchemas",
  "dependentRequired",
];

/**
 * Whether it is of an object, and each object in it forbids further properties and requires all that it names.
 * @param schema nested as a request may be.
 */
export function isStrict(schema: Readonly<Record<string, unknown>>): boolean {
  return schema["type"] === "object" && isClosed(schema);
}

function isClosed(schema: unknown): boolean {
  if (!isRecord(schema)) return true;
  if (REFUSED.some((key) => schema[key] !== undefined)) return false;
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  if (
    schema["type"] === "object" ||
    elements(schema["type"]).includes("object") ||
    schema["properties"] !== undefined
  ) {
    const required = elements(schema["required"]);
    if (schema["additionalProperties"] !== false) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  return [
    ...MAPS.flatMap((key) => (isRecord(schema[key]) ? Object.values(schema[key]) : [])),
    ...elements(schema["anyOf"]),
    schema["items"],
  ].every(isClosed);
}
