/** Reads a request's `contents` into messages. */
import type { AssistantPart, Message, TextPart, UserPart } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import { AssistantParts } from "./assistant-parts.ts";
import type { Losses } from "../losses.ts";
import { protoObject, protoObjects } from "./proto-json.ts";
import { readMedia } from "./read-media.ts";
import { readResult } from "./read-result.ts";
import type { PartsContext } from "./read-result.ts";
import { readSignature } from "./signature.ts";

/** Results were sent as `function` in the API's first version; the guide of Google's Python SDK has them as `tool`. */
const USER_ROLES: ReadonlySet<string> = new Set(["user", "function", "tool"]);
/** Parts that mean something to Google's own servers alone; a part of ours has one of the others. */
const SERVER_SIDE = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription"];

/** One of `contents`. @throws {FieldFault} */
export function readContent(content: Fields, context: PartsContext): Message {
  const role = content.string("role") || "user";
  const parts = protoObjects(content, "parts");
  context.losses.unread(content);
  if (role === "model") return { role: "assistant", parts: readModelParts(parts, context) };
  if (!USER_ROLES.has(role)) content.fault("role", "must be user or model");
  return { role: "user", parts: parts.flatMap((part) => readUserPart(part, context)) };
}

/** The texts of a `systemInstruction`. @throws {FieldFault} */
export function readSystem(content: Fields, losses: Losses): readonly TextPart[] {
  content.value("role");
  return protoObjects(content, "parts").flatMap((part): readonly TextPart[] => {
    const text = part.string("text");
    losses.unread(part);
    return text === undefined || text === "" ? [] : [{ kind: "text", text }];
  });
}

function readUserPart(part: Fields, context: PartsContext): readonly UserPart[] {
  checkHasData(part, "functionResponse");
  const read = readUserData(part, context);
  context.losses.unread(part);
  return read === undefined ? [] : [context.losses.places.put(read, part.path)];
}

function readUserData(part: Fields, context: PartsContext): UserPart | undefined {
  const response = protoObject(part, "functionResponse");
  if (response !== undefined) return readResult(response, context);
  if (part.has("functionCall")) part.fault("functionCall", "belongs to a content with the role model");
  const text = part.string("text");
  return text === undefined ? readMedia(part, context.losses) : { kind: "text", text };
}

function readModelParts(parts: readonly Fields[], context: PartsContext): readonly AssistantPart[] {
  const gathered = new AssistantParts();
  for (const part of parts) {
    readModelPart(part, gathered, context);
    context.losses.unread(part);
  }
  return gathered.parts;
}

function readModelPart(part: Fields, gathered: AssistantParts, context: PartsContext): void {
  checkHasData(part, "functionCall");
  const isThought = part.boolean("thought") ?? false;
  const given = part.string("thoughtSignature");
  const signature = given === undefined || given === "" ? undefined : readSignature(given);
  const call = protoObject(part, "functionCall");
  if (call !== undefined) {
    const read = readCall(call, context);
    gathered.push(context.losses.places.put(signature === undefined ? read : { ...read, signature }, call.path));
    return;
  }
  const text = part.string("text");
  if (isThought && text !== undefined) gathered.reasoning(text);
  if (signature !== undefined) gathered.signature(signature);
  if (!isThought && text !== undefined) gathered.text(text);
  if (part.has("functionResponse")) part.fault("functionResponse", "belongs to a content with the role user");
  if (text !== undefined) return;
  const media = readMedia(part, context.losses);
  // A picture among the thoughts is a draft.
  if (media?.kind === "image" && !isThought) gathered.push(context.losses.places.put(media, part.path));
  else if (media !== undefined && !isThought) context.losses.refuse(part.path, "only pictures can come from a model");
}

function readCall(call: Fields, { calls, losses }: PartsContext): Extract<AssistantPart, { kind: "tool_call" }> {
  const name = call.requiredString("name");
  const json = JSON.stringify(call.record("args") ?? {});
  if (call.has("partialArgs")) call.fault("partialArgs", "must be put together into args");
  const id = calls.call(call.string("id"), name, json);
  call.value("willContinue");
  losses.unread(call);
  return { kind: "tool_call", id, name, arguments: json };
}

/** A part has exactly one kind of data; Google refuses those that have none. */
function checkHasData(part: Fields, own: "functionCall" | "functionResponse"): void {
  const kinds = [
    "text",
    "inlineData",
    "fileData",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    ...SERVER_SIDE,
  ];
  if (!kinds.some((kind) => part.has(kind))) part.fault(own, "is missing, as are text, inlineData and fileData");
}
