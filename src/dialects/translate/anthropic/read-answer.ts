/** An upstream's whole answer, a `message` (https://platform.claude.com/docs/en/api/messages), as the common form has it. */
import type { AssistantPart, CommonAnswer } from "../common.ts";
import { at, elements, hasContent } from "../../json-access.ts";
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
  const refusal = typeof explanation === "string" ? [{ kind: "refusal" as const, text: explanation }] : [];
  return {
    id: textOf(body["id"]),
    model: textOf(body["model"]),
    createdSeconds: Math.floor(Date.now() / 1000),
    parts: [...elements(body["content"]).flatMap((block) => readBlock(block, dropped)), ...refusal],
    stopReason: readStopReason(body["stop_reason"]),
    ...(typeof body["stop_sequence"] === "string" ? { stopSequence: body["stop_sequence"] } : {}),
    usage: usage.whole(),
    ...dropped.field(),
  };
}

/**
 * One content block. Those of Anthropic's own tools, and types not known here, are no parts of an answer elsewhere: a
 * translated request never asks for them.
 */
function readBlock(block: unknown, dropped: Dropped): AssistantPart[] {
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
      return [{ kind: "tool_call", id, name, arguments: JSON.stringify(at(block, "input") ?? {}) }];
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
