/** Reads a `generateContent` request (https://ai.google.dev/api/generate-content). */
import type { CommonRequest, Message, UserPart } from "../common.ts";
import { FieldFault, reading } from "../json-pick.ts";
import type { Fields } from "../json-pick.ts";
import type { ReadRequest } from "../translation.ts";
import { CallIds } from "./call-ids.ts";
import type { Losses } from "../losses.ts";
import { geminiLosses } from "./losses.ts";
import { protoFields, protoObject, protoObjects } from "./proto-json.ts";
import { readConfig } from "./read-config.ts";
import { readContent, readSystem } from "./read-parts.ts";
import type { PartsContext } from "./read-result.ts";
import { readTools } from "./read-tools.ts";

/** See {@link FrontTranslation.readRequest}. Model and streaming stand in Gemini's path. */
export function readRequest(body: unknown, path: { readonly model?: string; readonly stream?: boolean }): ReadRequest {
  const losses = geminiLosses();
  const read = reading(() => readBody(protoFields(body), path, losses));
  if (read instanceof FieldFault) return { ok: false, fault: { field: read.field, message: read.message } };
  const thoughts = read.reasoning?.visible === true ? "told" : "proved";
  return { ok: true, request: read, losses: losses.found, places: losses.places, thoughts };
}

function readBody(
  body: Fields,
  path: { readonly model?: string; readonly stream?: boolean },
  losses: Losses,
): CommonRequest {
  const { detail, ...config } = readConfig(protoObject(body, "generationConfig") ?? protoFields({}), losses);
  const system = protoObject(body, "systemInstruction");
  const context: PartsContext = { losses, calls: new CallIds() };
  const contents = protoObjects(body, "contents");
  if (contents.length === 0) body.fault("contents", "is missing");
  const request: CommonRequest = {
    model: path.model ?? body.requiredString("model").replace(/^models\//, ""),
    stream: path.stream ?? false,
    wantsUsage: true,
    system: system === undefined ? [] : readSystem(system, losses),
    messages: contents.map((content) => withDetail(readContent(content, context), detail, losses)),
    ...readTools(body, losses),
    parallelToolCalls: undefined,
    ...config,
    userId: undefined,
  };
  losses.unread(body);
  return request;
}

/** What the request says of all its pictures, where a picture does not say it itself. */
function withDetail(message: Message, detail: "low" | "high" | undefined, { places }: Losses): Message {
  if (detail === undefined || message.role !== "user") return message;
  const detailed = (part: UserPart): UserPart =>
    part.kind === "image" && part.detail === undefined ? places.move(part, { ...part, detail }) : part;
  return { role: "user", parts: message.parts.map(detailed) };
}
