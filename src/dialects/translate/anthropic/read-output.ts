/** How a caller wants the model to think and to shape its answer: `thinking`, `output_config`, `output_format`. */
import type { OutputFormat, Reasoning } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { isStrict } from "../strict-schema.ts";

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const;

/** See the file's comment. */
export interface ReadOutput {
  readonly reasoning: Reasoning | undefined;
  readonly outputFormat: OutputFormat | undefined;
}

/** @param body the request's. `output_format` is the older name of `output_config.format`. */
export function readOutput(body: Fields, losses: Losses): ReadOutput {
  const config = body.object("output_config");
  const effort = config?.oneOf("effort", EFFORTS);
  const format = config?.object("format") ?? body.object("output_format");
  const outputFormat = format === undefined ? undefined : readFormat(format, losses);
  const reasoning = readThinking(body.object("thinking"), effort, losses);
  if (reasoning?.effort === "none" && config !== undefined && effort !== undefined) {
    const reason = "with thinking off, the upstream's API has no effort";
    losses.lose(config.pathOf("effort"), reason);
  }
  if (config !== undefined) losses.unread(config);
  return { reasoning, outputFormat };
}

function readThinking(
  thinking: Fields | undefined,
  effort: Reasoning["effort"],
  losses: Losses,
): Reasoning | undefined {
  const wanted = effort === undefined ? {} : { effort };
  if (thinking === undefined) return effort === undefined ? undefined : wanted;
  const type = thinking.oneOf("type", ["enabled", "disabled", "adaptive", "between_tools"]);
  if (type === undefined) return thinking.fault("type", "is missing");
  if (type === "disabled") return { effort: "none" };
  // Who asks for thinking is shown it, unless it says otherwise.
  const visible = thinking.oneOf("display", ["summarized", "omitted"]) !== "omitted";
  const budgetTokens = thinking.integer("budget_tokens", { min: 1024 });
  losses.unread(thinking);
  // The least there is: a few words between tool calls.
  if (type === "between_tools") return { effort: "minimal", visible };
  if (type === "adaptive") return { ...wanted, visible };
  return { ...wanted, budgetTokens: budgetTokens ?? thinking.fault("budget_tokens", "is missing"), visible };
}

function readFormat(format: Fields, losses: Losses): OutputFormat {
  format.oneOf("type", ["json_schema"]);
  const schema = format.record("schema") ?? format.fault("schema", "is missing");
  losses.unread(format);
  // Anthropic always holds the model to it; elsewhere that is to be asked for, and only of such a schema.
  return { kind: "schema", schema, name: undefined, ...(isStrict(schema) ? { strict: true } : {}) };
}
