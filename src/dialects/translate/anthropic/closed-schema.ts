/** Whether a JSON Schema leaves nothing open: what a strict schema has to be elsewhere. */
import { elements } from "../../json-access.ts";
import { isRecord } from "../json-pick.ts";

const MAPS = ["properties", "$defs", "definitions"] as const;
const LISTS = ["anyOf", "allOf", "oneOf"] as const;

/** Whether each object in it forbids further properties and requires all that it names. @param schema nested as a request may be. */
export function isClosed(schema: unknown): boolean {
  if (!isRecord(schema)) return true;
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  if (schema["type"] === "object" || schema["properties"] !== undefined) {
    const required = elements(schema["required"]);
    if (schema["additionalProperties"] !== false) return false;
    if (!Object.keys(properties).every((name) => required.includes(name))) return false;
  }
  return [
    ...MAPS.flatMap((key) => (isRecord(schema[key]) ? Object.values(schema[key]) : [])),
    ...LISTS.flatMap((key) => elements(schema[key])),
    schema["items"],
  ].every(isClosed);
}
