/** The schema of an answer for APIs that have no other place to describe it. */
import type { OutputFormat } from "./common.ts";

/** @returns the schema with what its caller says of it in front of what it says of itself. */
export function describedSchema({
  schema,
  description,
}: Extract<OutputFormat, { kind: "schema" }>): Readonly<Record<string, unknown>> {
  if (description === undefined) return schema;
  const own = schema["description"];
  return { ...schema, description: typeof own === "string" && own !== "" ? `${description}\n\n${own}` : description };
}
