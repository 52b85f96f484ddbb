/** Reads a chat request's tools and the choice among them, in their present form and in that of 2023 (`functions`). */
import type { Tool, ToolChoice } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import { readCacheMark } from "./cache-mark.ts";
import type { Losses } from "../losses.ts";

/** What a request says of tools. */
export interface ToolSetup {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
}

/** @throws {FieldFault} where a tool or the choice is none. */
export function readTools(body: Fields, losses: Losses): ToolSetup {
  const tools = body.objects("tools").flatMap((tool) => readTool(tool, losses));
  for (const legacy of body.objects("functions")) tools.push(readFunction(legacy, losses));
  const choice = body.value("tool_choice") ?? body.value("function_call");
  if (choice === undefined) return { tools, toolChoice: undefined };
  if (typeof choice === "string") {
    if (choice !== "auto" && choice !== "none" && choice !== "required") {
      body.fault(
        body.has("tool_choice") ? "tool_choice" : "function_call",
        "must be auto, none, required or name a tool",
      );
    }
    return { tools, toolChoice: { kind: choice } };
  }
  if (!body.has("tool_choice")) {
    return {
      tools,
      toolChoice: { kind: "named", names: [body.requiredObject("function_call").requiredString("name")] },
    };
  }
  return readChoice(body.requiredObject("tool_choice"), tools, losses);
}

function readTool(fields: Fields, losses: Losses): readonly Tool[] {
  const type = fields.requiredString("type");
  if (type !== "function") {
    losses.refuse(fields.path, `a tool of the type ${JSON.stringify(type)} is one that other APIs don't have`);
    return [];
  }
  const declared = readFunction(fields.requiredObject("function"), losses);
  const tool = { ...declared, ...readCacheMark(fields, losses) };
  losses.unread(fields);
  return [losses.places.move(declared, tool)];
}

function readFunction(fields: Fields, losses: Losses): Tool {
  const name = fields.requiredString("name");
  const description = fields.string("description");
  const parameters = fields.record("parameters");
  const strict = fields.boolean("strict");
  const mark = readCacheMark(fields, losses);
  losses.unread(fields);
  const tool: Tool = { name, description, parameters, ...(strict === undefined ? {} : { strict }), ...mark };
  return losses.places.put(tool, fields.path);
}

function readChoice(choice: Fields, tools: readonly Tool[], losses: Losses): ToolSetup {
  const type = choice.requiredString("type");
  if (type === "function") {
    return { tools, toolChoice: { kind: "named", names: [choice.requiredObject("function").requiredString("name")] } };
  }
  if (type !== "allowed_tools") {
    losses.refuse(choice.path, `other APIs have no choice of the type ${JSON.stringify(type)}`);
    return { tools, toolChoice: undefined };
  }
  // Nested in chat completions; flat in the responses API, which some send here.
  const allowed = choice.object("allowed_tools") ?? choice;
  const mode = allowed.oneOf("mode", ["auto", "required"]) ?? "auto";
  const entries = allowed.objects("tools");
  if (entries.length === 0) allowed.fault("tools", "must name a tool");
  const known = new Set(tools.map(({ name }) => name));
  const names = new Set(entries.flatMap((tool) => allowedName(tool, known, losses) ?? []));
  return { tools: tools.filter(({ name }) => names.has(name)), toolChoice: { kind: mode } };
}

/** A name that no tool has would leave the model with fewer tools than the caller means it to have. */
function allowedName(entry: Fields, known: ReadonlySet<string>, losses: Losses): string | undefined {
  const type = entry.string("type") ?? "function";
  if (type !== "function") {
    losses.refuse(entry.path, `other APIs have no tool of the type ${JSON.stringify(type)}`);
    return undefined;
  }
  const called = entry.object("function") ?? entry;
  const wanted = called.requiredString("name");
  if (!known.has(wanted)) called.fault("name", "names no tool of this request");
  return wanted;
}
