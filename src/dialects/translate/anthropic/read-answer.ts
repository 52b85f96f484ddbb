/** An upstream's whole answer, a `message` (https://platform.claude.com/docs/en/api/messages), as the common form has it. */
import type { AssistantPart, CommonAnswer } from "../common.ts";
import { at, elements, hasContent } from "../../json-access.ts";
import { argumentsText } from "../call-arguments.ts";
import { Dropped } from "../dropped.ts";
import { isRecord } from "../json-pick.ts";
import { readStopReason } from "./stop-reason.ts";
import { ReportedUsage } from "./usage.ts";

/** See {@link BackTranslation.readAnswer}. */
export function readAnswer(body: unknown): CommonAnswer | undefined {
  if (!isRecord(body) || body["type"] !== "message" || !Array.isArray(body["content"])) return undefined;
  const usage = new ReportedUsage();
  usage.add(body["usage"]);
  const dropped = new Dropped();
  const explanation = at(body, "stop_details", "explanation");
  const parts: AssistantPart[] = [];
  for (const block of elements(body["content"])) {
    const read = readBlock(block, dropped);
    if (read === undefined) return undefined;
    parts.push(...read);
  }
  if (typeof explanation === "string") parts.push({ kind: "refusal", text: explanation });
  return {
    id: textOf(body["id"]),
    model: textOf(body["model"]),
    createdSeconds: Math.floor(Date.now() / 1000),
    parts,
    stopReason: readStopReason(body["stop_reason"]),
    ...(typeof body["stop_sequence"] === "string" ? { stopSequence: body["stop_sequence"] } : {}),
    usage: usage.whole(),
    ...dropped.field(),
  };
}

/**
 * One content block. Those of Anthropic's own tools, and types not known here, are no parts of an answer elsewhere: a
 * translated request never asks for them.
 * @returns `undefined` for a call that nobody could answer.
 */
function readBlock(block: unknown, dropped: Dropped): AssistantPart[] | undefined {
  const text = textOf(at(block, "text"));
  switch (at(block, "type")) {
    case "text":
      if (hasContent(at(block, "citations"))) dropped.add("content[]", "citations");
      return text === "" ? [] : [{ kind: "text", text }];
    case "thinking": {
      const data = textOf(at(block, "signature"));
      const signature = data === "" ? {} : { signature: { family: "anthropic" as const, data } };
      return [{ kind: "reasoning", text: textOf(at(block, "thinking")), ...signature }];
    }
    case "redacted_thinking": {
      const data = textOf(at(block, "data"));
      return [{ kind: "reasoning", text: "", signature: { family: "anthropic", data, redacted: true } }];
    }
    case "tool_use": {
      const id = textOf(at(block, "id"));
      const name = textOf(at(block, "name"));
      const json = argumentsText(at(block, "input"));
      return json === undefined ? undefined : [{ kind: "tool_call", id, name, arguments: json }];
    }
    default:
      dropped.add("content[]", at(block, "type"));
      return [];
  }
}

/** A string; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
