/** Reads a request's `tools` and `toolConfig`. */
import type { Tool, ToolChoice } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { protoEnum, protoObject, protoObjects, protoStrings } from "./proto-json.ts";
import { jsonSchema } from "./schema.ts";

/** What a request says of its tools. */
export interface ReadTools {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
}

const MODES = ["AUTO", "ANY", "NONE", "VALIDATED"] as const;

/** @param body the request. @throws {FieldFault} */
export function readTools(body: Fields, losses: Losses): ReadTools {
  const tools = protoObjects(body, "tools").flatMap((tool) => readTool(tool, losses));
  const config = protoObject(body, "toolConfig");
  if (config === undefined) return { tools, toolChoice: undefined };
  const calling = protoObject(config, "functionCallingConfig");
  losses.unread(config);
  if (calling === undefined) return { tools, toolChoice: undefined };
  const mode = protoEnum(calling, "mode", MODES, "MODE_UNSPECIFIED");
  const names = protoStrings(calling, "allowedFunctionNames");
  losses.unread(calling);
  if (names.length > 0 && mode !== "ANY" && mode !== "VALIDATED") {
    calling.fault("allowedFunctionNames", "needs the mode ANY or VALIDATED");
  }
  return choose(tools, mode, names, losses);
}

function choose(
  tools: readonly Tool[],
  mode: (typeof MODES)[number] | undefined,
  names: readonly string[],
  { places }: Losses,
): ReadTools {
  if (mode === undefined) return { tools, toolChoice: undefined };
  if (mode === "ANY") {
    return { tools, toolChoice: names.length > 0 ? { kind: "named", names } : { kind: "required" } };
  }
  if (mode !== "VALIDATED") return { tools, toolChoice: { kind: mode === "NONE" ? "none" : "auto" } };
  // Text, or a call that keeps to its schema; to one of these functions, where they are named.
  const allowed = names.length === 0 ? tools : tools.filter(({ name }) => names.includes(name));
  const strict = allowed.map((tool) => places.move(tool, Object.assign({}, tool, { strict: true })));
  return { tools: strict, toolChoice: { kind: "auto" } };
}

function readTool(tool: Fields, losses: Losses): readonly Tool[] {
  const functions = protoObjects(tool, "functionDeclarations").map((one) => readFunction(one, losses));
  for (const key of tool.unread()) losses.refuse(tool.pathOf(key), `only Google's servers have the tool ${key}`);
  return functions;
}

function readFunction(declaration: Fields, losses: Losses): Tool {
  const name = declaration.requiredString("name");
  const description = declaration.string("description");
  const older = declaration.record("parameters");
  const parameters =
    declaration.record("parametersJsonSchema") ?? (older === undefined ? undefined : jsonSchema(older));
  losses.unread(declaration);
  return losses.places.put({ name, description, parameters }, declaration.path);
}
