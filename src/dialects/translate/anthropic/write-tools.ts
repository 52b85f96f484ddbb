/** Tools and how they may be called, as Anthropic takes them. */
import type { CommonRequest, Tool } from "../common.ts";
import { hasTools } from "../tool-demand.ts";
import type { Loss } from "../translation.ts";
import type { ModelTraits } from "./models.ts";
import { outputSchema } from "./output-schema.ts";
import { writeCacheMark } from "./write-content.ts";

type Json = Readonly<Record<string, unknown>>;

const FIT_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/**
 * `tools` and `tool_choice`.
 * @param thinks whether the model is asked to think: then it can't be forced to call a tool.
 */
export function writeTools(request: CommonRequest, traits: ModelTraits, thinks: boolean, losses: Loss[]): Json {
  if (!hasTools(request, losses)) return {};
  const choice = writeToolChoice(request, traits, thinks, losses);
  const { toolChoice } = request;
  // To call one of several is to be forced to call any, of these alone.
  const offered =
    toolChoice?.kind === "named" && toolChoice.names.length > 1
      ? request.tools.filter(({ name }) => toolChoice.names.includes(name))
      : request.tools;
  const tools = offered.map((tool) => writeTool(tool, `tools[${request.tools.indexOf(tool)}]`, traits, losses));
  return { tools, ...(choice === undefined ? {} : { tool_choice: choice }) };
}

function writeTool(tool: Tool, path: string, traits: ModelTraits, losses: Loss[]): Json {
  if (!FIT_NAME.test(tool.name)) {
    const reason = "the upstream's API (anthropic) takes letters, digits, _ and -, at most 128 of them";
    losses.push({ field: `${path}.name`, reason, essential: true });
  }
  const strict = traits.takesSchemas ? tool.strict : undefined;
  if (tool.strict === true && strict === undefined) {
    losses.push({ field: `${path}.strict`, reason: "this model can't be held to a schema" });
  }
  const parameters = { type: "object", ...tool.parameters };
  const schema = strict === true ? outputSchema(parameters, `${path}.parameters`, losses) : parameters;
  return {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    input_schema: schema,
    ...(strict === undefined ? {} : { strict }),
    ...writeCacheMark(tool),
  };
}

function writeToolChoice(
  { toolChoice, parallelToolCalls }: CommonRequest,
  traits: ModelTraits,
  thinks: boolean,
  losses: Loss[],
): Json | undefined {
  const kind = toolChoice?.kind ?? "auto";
  const alone = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls };
  if (kind === "auto" || kind === "none") {
    if (toolChoice === undefined && parallelToolCalls === undefined) return undefined;
    return kind === "none" ? { type: "none" } : { type: "auto", ...alone };
  }
  if (thinks || !traits.takesForcedTools) {
    const why = thinks ? "while it thinks" : "of this model";
    losses.push({ field: "toolChoice", reason: `the upstream's API (anthropic) forces no tool call ${why}` });
    return { type: "auto", ...alone };
  }
  if (toolChoice?.kind !== "named" || toolChoice.names.length !== 1) return { type: "any", ...alone };
  return { type: "tool", name: toolChoice.names[0], ...alone };
}
