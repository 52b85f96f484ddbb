/** Tools of a request, and which of them the model may or must call. */
import type { Tool, ToolChoice } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";

/** What a request says of tools. */
export interface ToolSetup {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
}

/** @throws {FieldFault} where a tool or the choice is none. */
export function readTools(body: Fields, losses: Losses): ToolSetup {
  const tools = body.objects("tools").flatMap((tool) => readTool(tool, losses) ?? []);
  const choice = body.value("tool_choice");
  if (choice === undefined) return { tools, toolChoice: undefined };
  if (typeof choice === "string") {
    return { tools, toolChoice: { kind: body.oneOf("tool_choice", ["auto", "none", "required"])! } };
  }
  return readChoice(body.requiredObject("tool_choice"), tools, losses);
}

function readTool(fields: Fields, losses: Losses): Tool | undefined {
  if (!isFunction(fields, losses)) return undefined;
  const strict = fields.boolean("strict");
  const tool = {
    name: fields.requiredString("name"),
    description: fields.string("description"),
    parameters: fields.record("parameters"),
    ...(strict === undefined ? {} : { strict }),
  };
  losses.unread(fields);
  return losses.places.put(tool, fields.path);
}

/** Tools of other types run at OpenAI, or take what is no JSON. */
function isFunction(fields: Fields, losses: Losses): boolean {
  const type = fields.requiredString("type");
  if (type === "function") return true;
  losses.refuse(fields.pathOf("type"), `a tool of the type ${JSON.stringify(type)} is one that other APIs don't have`);
  return false;
}

function readChoice(choice: Fields, tools: readonly Tool[], losses: Losses): ToolSetup {
  if (choice.value("type") === "allowed_tools") return readAllowed(choice, tools, losses);
  const named = isFunction(choice, losses) ? choice.requiredString("name") : undefined;
  return { tools, toolChoice: named === undefined ? undefined : { kind: "named", names: [named] } };
}

/** Other APIs can't withhold a tool that they have been told of, so the others are not told. */
function readAllowed(choice: Fields, tools: readonly Tool[], losses: Losses): ToolSetup {
  const kind = choice.oneOf("mode", ["auto", "required"]) ?? "auto";
  const entries = choice.objects("tools");
  if (entries.length === 0) choice.fault("tools", "must name a tool");
  const allowed = entries.filter((tool) => isFunction(tool, losses));
  const known = new Set(tools.map(({ name }) => name));
  const names = new Set(allowed.map((tool) => allowedName(tool, known)));
  return { tools: tools.filter(({ name }) => names.has(name)), toolChoice: { kind } };
}

/** A name that no tool has would leave the model with fewer tools than the caller means it to have. */
function allowedName(entry: Fields, known: ReadonlySet<string>): string {
  const wanted = entry.requiredString("name");
  if (!known.has(wanted)) entry.fault("name", "names no tool of this request");
  return wanted;
}
