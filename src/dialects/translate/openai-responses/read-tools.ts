/** Tools of a request, and which of them the model may or must call. */
import type { Tool, ToolChoice } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "./losses.ts";

/** What a request says about tools. */
export interface ReadTools {
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
}

/** See {@link ReadTools}. */
export function readTools(body: Fields, losses: Losses): ReadTools {
  const tools = body.objects("tools").flatMap((tool) => readTool(tool, losses) ?? []);
  const choice = body.value("tool_choice");
  if (choice === undefined) return { tools, toolChoice: undefined };
  if (typeof choice === "string") {
    return { tools, toolChoice: { kind: body.oneOf("tool_choice", ["auto", "none", "required"])! } };
  }
  return readChoice(body.requiredObject("tool_choice"), tools, losses);
}

function readTool(tool: Fields, losses: Losses): Tool | undefined {
  const type = tool.requiredString("type");
  if (type !== "function") {
    losses.essential(tool.pathOf("type"), `${type} is a tool of OpenAI's; other APIs take functions alone`);
    return undefined;
  }
  const callers = tool.strings("allowed_callers") ?? [];
  if (callers.some((caller) => caller !== "direct")) {
    losses.essential(tool.pathOf("allowed_callers"), "programs that call tools run at OpenAI alone");
  }
  if (tool.boolean("async") === true) {
    losses.essential(tool.pathOf("async"), "no other API takes the result of a call later");
  }
  if (tool.boolean("defer_loading") === true) {
    losses.add(
      tool.pathOf("defer_loading"),
      "the tool is there from the beginning: no other API searches for tools so",
    );
  }
  if (tool.has("output_schema"))
    losses.add(tool.pathOf("output_schema"), "other APIs take no schema of a tool's results");
  tool.value("output_schema");
  const strict = tool.boolean("strict");
  const read = {
    name: tool.requiredString("name"),
    description: tool.string("description"),
    parameters: tool.record("parameters"),
    ...(strict === undefined ? {} : { strict }),
  };
  for (const field of tool.unread()) losses.add(tool.pathOf(field), "no field of a tool that is known here");
  return read;
}

function readChoice(choice: Fields, tools: readonly Tool[], losses: Losses): ReadTools {
  const type = choice.requiredString("type");
  if (type === "function") return { tools, toolChoice: { kind: "named", names: [choice.requiredString("name")] } };
  if (type === "allowed_tools") return readAllowed(choice, tools, losses);
  losses.essential(choice.pathOf("type"), `${type} is a tool of OpenAI's; other APIs take functions alone`);
  return { tools, toolChoice: undefined };
}

/** Other APIs can't withhold a tool that they have been told of, so the others are not told. */
function readAllowed(choice: Fields, tools: readonly Tool[], losses: Losses): ReadTools {
  const mode = choice.oneOf("mode", ["auto", "required"]) ?? choice.fault("mode", "is missing");
  const names = new Set<string>();
  for (const tool of choice.objects("tools")) {
    const type = tool.requiredString("type");
    if (type === "function") names.add(tool.requiredString("name"));
    else losses.essential(tool.pathOf("type"), `${type} is a tool of OpenAI's; other APIs take functions alone`);
  }
  return { tools: tools.filter(({ name }) => names.has(name)), toolChoice: { kind: mode } };
}
