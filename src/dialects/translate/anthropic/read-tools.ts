/** A caller's tools and how they may be called. */
import type { Tool, ToolChoice } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { readCacheMark } from "./read-content.ts";

/** The caller's own tools. Anthropic's, which it or its SDKs define (`web_search_…`, `bash_…`), are told as lost. */
export function readTools(body: Fields, losses: Losses): Tool[] {
  const tools: Tool[] = [];
  for (const tool of body.objects("tools")) {
    const type = tool.string("type") ?? "custom";
    if (type === "custom") tools.push(readTool(tool, losses));
    else losses.refuse(tool.path, `the tool ${type} is Anthropic's own`);
  }
  return tools;
}

function readTool(tool: Fields, losses: Losses): Tool {
  const strict = tool.boolean("strict");
  const read: Tool = {
    name: tool.requiredString("name"),
    description: tool.string("description"),
    parameters: tool.record("input_schema") ?? tool.fault("input_schema", "is missing"),
    ...(strict === undefined ? {} : { strict }),
    ...readCacheMark(tool),
  };
  losses.unread(tool);
  return losses.places.put(read, tool.path);
}

/** What `tool_choice` says. */
export interface ReadToolChoice {
  readonly toolChoice: ToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
}

/** See {@link ReadToolChoice}. */
export function readToolChoice(body: Fields, losses: Losses): ReadToolChoice {
  const choice = body.object("tool_choice");
  if (choice === undefined) return { toolChoice: undefined, parallelToolCalls: undefined };
  const type = choice.oneOf("type", ["auto", "any", "tool", "none"]) ?? choice.fault("type", "is missing");
  const alone = choice.boolean("disable_parallel_tool_use");
  const toolChoice: ToolChoice =
    type === "tool"
      ? { kind: "named", names: [choice.requiredString("name")] }
      : { kind: type === "any" ? "required" : type };
  losses.unread(choice);
  return { toolChoice, parallelToolCalls: alone === undefined ? undefined : !alone };
}
