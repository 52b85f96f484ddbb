/** Writes `tools` and `toolConfig`. */
import type { CommonRequest, ToolChoice } from "../common.ts";
import { hasTools } from "../tool-demand.ts";
import type { Loss } from "../translation.ts";

/** @returns both fields, or neither: a choice without tools is refused. */
export function writeTools(request: CommonRequest, losses: Loss[]): Readonly<Record<string, unknown>> {
  if (!hasTools(request, losses)) return {};
  const { tools, toolChoice } = request;
  const functionDeclarations = tools.map(({ name, description, parameters }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parametersJsonSchema: parameters }),
  }));
  const isStrict = tools.some(({ strict }) => strict === true);
  const functionCallingConfig = writeChoice(toolChoice, isStrict);
  return {
    tools: [{ functionDeclarations }],
    ...(functionCallingConfig === undefined ? {} : { toolConfig: { functionCallingConfig } }),
  };
}

/** `VALIDATED` is `AUTO` with calls that keep to their schema, which `ANY` makes them do anyway. */
function writeChoice(choice: ToolChoice | undefined, isStrict: boolean): Readonly<Record<string, unknown>> | undefined {
  if (choice === undefined) return isStrict ? { mode: "VALIDATED" } : undefined;
  if (choice.kind === "auto") return { mode: isStrict ? "VALIDATED" : "AUTO" };
  if (choice.kind === "named") return { mode: "ANY", allowedFunctionNames: choice.names };
  return { mode: choice.kind === "none" ? "NONE" : "ANY" };
}
