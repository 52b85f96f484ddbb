/** Reads a `functionResponse`. */
import type { ToolResultPart } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { CallIds } from "./call-ids.ts";
import type { Losses } from "../losses.ts";
import { protoObjects } from "./proto-json.ts";
import { readMedia } from "./read-media.ts";

/** What the parts of a conversation share. */
export interface PartsContext {
  readonly losses: Losses;
  readonly calls: CallIds;
}

/** @throws {FieldFault} where no call waits for it: Gemini refuses that too. */
export function readResult(response: Fields, { losses, calls }: PartsContext): ToolResultPart {
  const name = response.string("name");
  const call = calls.result(response.string("id"), name);
  if (call === undefined) response.fault("name", "no functionCall before it waits for this response");
  const { text, isError } = resultText(response.record("response") ?? {}, name ?? call.name);
  const media = protoObjects(response, "parts").flatMap((part): ToolResultPart["content"] => {
    const read = readMedia(part, losses);
    losses.unread(part);
    if (read?.kind !== "audio") return read === undefined ? [] : [losses.places.put(read, part.path)];
    losses.refuse(part.path, "no other API has sound in a tool's result");
    return [];
  });
  losses.unread(response);
  const content: ToolResultPart["content"] =
    text === "" && media.length > 0 ? media : [{ kind: "text", text }, ...media];
  return { kind: "tool_result", id: call.id, name: name ?? call.name, content, isError };
}

/**
 * A function's result is an object: `output` or `error` by Google's convention, the function's `name` beside `content` or
 * `error` by Vercel's SDK, anything else by itself.
 */
function resultText(response: Readonly<Record<string, unknown>>, name: string): { text: string; isError: boolean } {
  const hasName = Object.hasOwn(response, "name") && response["name"] === name;
  const keys = Object.keys(response).filter((key) => !hasName || key !== "name");
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only === undefined || (only !== "error" && only !== (hasName ? "content" : "output"))) {
    return { text: JSON.stringify(response), isError: false };
  }
  const value = response[only];
  return { text: typeof value === "string" ? value : JSON.stringify(value), isError: only === "error" };
}
