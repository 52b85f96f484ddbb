/** A caller's content blocks (https://platform.claude.com/docs/en/api/messages), as parts of the common form. */
import type {
  AssistantPart,
  CacheMark,
  DocumentPart,
  ImagePart,
  MediaSource,
  TextPart,
  ToolResultPart,
  UserPart,
} from "../common.ts";
import { standardBase64 } from "../base64.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { readSignature } from "./signature.ts";

/** What is read goes to it: a block without a place is lost, and told. */
export interface ContentReader {
  readonly losses: Losses;
  /** Names of the tools that have been called, by the call's id. */
  readonly toolNames: Map<string, string>;
}

/** `cache_control`, for the part to be spread into. */
export function readCacheMark(block: Fields): { readonly cache?: CacheMark } {
  const mark = block.object("cache_control");
  if (mark === undefined) return {};
  mark.oneOf("type", ["ephemeral"]);
  return { cache: { ttl: mark.oneOf("ttl", ["5m", "1h"]) } };
}

/** Text alone, as in the system prompt. @param key of a string or an array of blocks. */
export function readTexts(holder: Fields, key: string, losses: Losses): TextPart[] {
  const content = holder.value(key);
  if (typeof content === "string") return [{ kind: "text", text: content }];
  return holder.objects(key).map((block) => {
    block.oneOf("type", ["text"]);
    return readText(block, losses);
  });
}

/** A user's turn. @param message holds `content`. */
export function readUserContent(message: Fields, reader: ContentReader): UserPart[] {
  return readBlocks<UserPart>(message, reader, (type, block) =>
    type === "tool_result" ? readToolResult(block, reader) : readInput(type, block, reader),
  );
}

/** A turn of the model's. */
export function readAssistantContent(message: Fields, reader: ContentReader): AssistantPart[] {
  let callSignature: ReturnType<typeof readSignature>["signature"] | undefined;
  return readBlocks<AssistantPart>(message, reader, (type, block) => {
    if (type === "text") return readText(block, reader.losses);
    if (type === "image") return readImage(block, reader);
    if (type === "thinking") return readThinking(block, reader.losses);
    if (type === "redacted_thinking") {
      const { signature, ofCall } = readSignature(block.requiredString("data"), true);
      reader.losses.unread(block);
      if (!ofCall) return { kind: "reasoning", text: "", signature };
      callSignature = signature;
      return "read";
    }
    if (type !== "tool_use") return undefined;
    const input = block.record("input") ?? block.fault("input", "is missing");
    const call = {
      kind: "tool_call" as const,
      id: block.requiredString("id"),
      name: block.requiredString("name"),
      arguments: JSON.stringify(input),
      ...(callSignature === undefined ? {} : { signature: callSignature }),
      ...readCacheMark(block),
    };
    callSignature = undefined;
    reader.toolNames.set(call.id, call.name);
    reader.losses.unread(block);
    return call;
  });
}

/** @param read one block; `undefined`: it has no place. `"read"`: it is no part of its own. */
function readBlocks<Part extends object>(
  message: Fields,
  reader: ContentReader,
  read: (type: string, block: Fields) => Part | "read" | undefined,
): (Part | TextPart)[] {
  const content = message.value("content");
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (content === undefined) message.fault("content", "is missing");
  const parts: (Part | TextPart)[] = [];
  for (const block of message.objects("content")) {
    const type = block.requiredString("type");
    const told = reader.losses.found.length;
    const part = read(type, block);
    if (part === undefined) {
      // What is inside has said why already, such as a file that only Anthropic has.
      if (reader.losses.found.length === told) loseBlock(type, block, reader.losses);
    } else if (part !== "read") parts.push(reader.losses.places.put(part, block.path));
  }
  return parts;
}

function loseBlock(type: string, block: Fields, losses: Losses): void {
  losses.refuse(block.path, `other APIs have no ${type} there`);
}

/** What a user's turn and a tool's result may hold. */
function readInput(
  type: string,
  block: Fields,
  reader: ContentReader,
): TextPart | ImagePart | DocumentPart | undefined {
  if (type === "text") return readText(block, reader.losses);
  if (type === "image") return readImage(block, reader);
  return type === "document" ? readDocument(block, reader) : undefined;
}

function readText(block: Fields, losses: Losses): TextPart {
  block.value("type");
  const part: TextPart = { kind: "text", text: block.requiredString("text"), ...readCacheMark(block) };
  losses.unread(block);
  return part;
}

function readImage(block: Fields, { losses }: ContentReader): ImagePart | undefined {
  const source = readSource(block.requiredObject("source"), losses);
  if (source === undefined) return undefined;
  const part: ImagePart = { kind: "image", source, ...readCacheMark(block) };
  losses.unread(block);
  return part;
}

function readDocument(block: Fields, { losses }: ContentReader): DocumentPart | undefined {
  const source = readSource(block.requiredObject("source"), losses);
  if (source === undefined) return undefined;
  const name = block.string("title");
  const part: DocumentPart = {
    kind: "document",
    source: source.kind === "url" ? { ...source, mediaType: "application/pdf" } : source,
    ...(name === undefined ? {} : { name }),
    ...readCacheMark(block),
  };
  losses.unread(block);
  return part;
}

function readSource(source: Fields, losses: Losses): MediaSource | undefined {
  const type = source.requiredString("type");
  const read = readSourceOf(type, source);
  if (read !== undefined) {
    losses.unread(source);
    return read;
  }
  const reason =
    type === "file"
      ? "only Anthropic holds the file; send its bytes or its address"
      : `other APIs have no ${type} there`;
  losses.refuse(source.path, reason);
  return undefined;
}

function readSourceOf(type: string, source: Fields): MediaSource | undefined {
  if (type === "url") return { kind: "url", url: source.requiredString("url"), mediaType: undefined };
  if (type === "base64") {
    const data = standardBase64(source.requiredString("data")) ?? source.fault("data", "must be base64");
    return { kind: "base64", mediaType: source.requiredString("media_type"), data };
  }
  if (type === "text") {
    source.oneOf("media_type", ["text/plain"]);
    return plainText(source.requiredString("data"));
  }
  const isText = type === "content" && typeof source.value("content") === "string";
  return isText ? plainText(source.requiredString("content")) : undefined;
}

function plainText(text: string): MediaSource {
  return { kind: "base64", mediaType: "text/plain", data: Buffer.from(text, "utf8").toString("base64") };
}

function readThinking(block: Fields, losses: Losses): AssistantPart {
  const text = block.requiredString("thinking");
  const token = block.string("signature") ?? "";
  losses.unread(block);
  return { kind: "reasoning", text, ...(token === "" ? {} : { signature: readSignature(token, false).signature }) };
}

function readToolResult(block: Fields, reader: ContentReader): ToolResultPart {
  const id = block.requiredString("tool_use_id");
  const content = block.has("content")
    ? readBlocks<TextPart | ImagePart | DocumentPart>(block, reader, (type, inner) => readInput(type, inner, reader))
    : [];
  block.value("content");
  const part: ToolResultPart = {
    kind: "tool_result",
    id,
    name: reader.toolNames.get(id),
    content,
    isError: block.boolean("is_error") ?? false,
    ...readCacheMark(block),
  };
  reader.losses.unread(block);
  return part;
}
