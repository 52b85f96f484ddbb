/**
 * A conversation as Anthropic takes it (https://platform.claude.com/docs/en/api/messages): turns that alternate, a tool's
 * results at the beginning of the turn that follows its call, no text without characters.
 */
import type {
  AssistantPart,
  CacheMark,
  CommonRequest,
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../common.ts";
import { argumentsObject } from "../call-arguments.ts";
import type { Loss } from "../translation.ts";
import { anthropicToolId } from "./tool-id.ts";

type Json = Readonly<Record<string, unknown>>;

/** A turn as it is sent. */
export interface WrittenMessage {
  readonly role: Message["role"];
  readonly content: readonly Json[];
}

const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** The system prompt's blocks. */
export function writeSystem(system: readonly TextPart[]): Json[] {
  return system.filter(hasCharacters).map(writeText);
}

/** The turns. @param losses what has no place goes here. */
export function writeMessages(messages: CommonRequest["messages"], losses: Loss[]): WrittenMessage[] {
  const written: { role: Message["role"]; content: Json[] }[] = [];
  for (const [i, message] of messages.entries()) {
    const blocks = writeParts(message, `messages[${i}]`, losses);
    if (blocks.length === 0) continue;
    const last = written.at(-1);
    if (last?.role === message.role) last.content.push(...blocks);
    else written.push({ role: message.role, content: blocks });
  }
  for (const turn of written) if (turn.role === "user") turn.content = resultsFirst(turn.content);
  return written;
}

/** `cache_control`, for a block to be spread into. */
export function writeCacheMark({ cache }: { readonly cache?: CacheMark }): Json {
  if (cache === undefined) return {};
  return { cache_control: { type: "ephemeral", ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) } };
}

function resultsFirst(blocks: readonly Json[]): Json[] {
  const isResult = (block: Json): boolean => block["type"] === "tool_result";
  return [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))];
}

function writeParts(message: Message, path: string, losses: Loss[]): Json[] {
  const parts: readonly (UserPart | AssistantPart)[] = message.parts;
  return parts.flatMap((part, i) => {
    const field = `${path}.parts[${i}]`;
    if (part.kind === "tool_call") return [writeToolCall(part, field, losses)];
    if (part.kind === "tool_result") return [writeToolResult(part, field, losses)];
    if (part.kind === "reasoning") return writeReasoning(part);
    // The model's own words, and the API has no other place for them.
    if (part.kind === "refusal") return hasCharacters(part) ? [{ type: "text", text: part.text }] : [];
    if (part.kind === "audio") return lose(losses, field, "the upstream's API (anthropic) takes no audio");
    if (part.kind === "image" && message.role === "assistant") {
      return lose(losses, field, "the upstream's API (anthropic) takes no images of the model's own");
    }
    return writeInput(part, field, losses);
  });
}

/** What a user's turn and a tool's result may hold. */
function writeInput(part: TextPart | ImagePart | DocumentPart, field: string, losses: Loss[]): Json[] {
  if (part.kind === "text") return hasCharacters(part) ? [writeText(part)] : [];
  return part.kind === "image" ? writeImage(part, field, losses) : writeDocument(part, field, losses);
}

/** Anthropic refuses text of white space alone. */
function hasCharacters({ text }: { readonly text: string }): boolean {
  return /\S/.test(text);
}

function writeText(part: TextPart): Json {
  return { type: "text", text: part.text, ...writeCacheMark(part) };
}

/** Thoughts go back to whom they came from: without Anthropic's own proof they are nothing to it. */
function writeReasoning({ text, signature }: Extract<AssistantPart, { kind: "reasoning" }>): Json[] {
  if (signature?.family !== "anthropic") return [];
  if (signature.redacted === true) return [{ type: "redacted_thinking", data: signature.data }];
  return [{ type: "thinking", thinking: text, signature: signature.data }];
}

function writeToolCall(part: ToolCallPart, field: string, losses: Loss[]): Json {
  const input = argumentsObject(part.arguments);
  if (input === undefined) {
    losses.push({ field: `${field}.arguments`, reason: "must be the JSON of an object", essential: true });
  }
  const id = anthropicToolId(part.id);
  return { type: "tool_use", id, name: part.name, input: input ?? {}, ...writeCacheMark(part) };
}

function writeToolResult(part: ToolResultPart, field: string, losses: Loss[]): Json {
  const content = part.content.flatMap((inner, i) => writeInput(inner, `${field}.content[${i}]`, losses));
  return {
    type: "tool_result",
    tool_use_id: anthropicToolId(part.id),
    ...(content.length === 0 ? {} : { content }),
    ...(part.isError ? { is_error: true } : {}),
    ...writeCacheMark(part),
  };
}

function writeImage(part: ImagePart, field: string, losses: Loss[]): Json[] {
  const { source, detail } = part;
  if (detail === "low" || detail === "high") {
    losses.push({ field: `${field}.detail`, reason: "the upstream's API (anthropic) looks at each image in full" });
  }
  if (source.kind === "url") {
    return isWebAddress(source.url)
      ? [{ type: "image", source: { type: "url", url: source.url }, ...writeCacheMark(part) }]
      : lose(losses, field, "the upstream's API (anthropic) takes addresses of the web alone");
  }
  const mediaType = source.mediaType === "image/jpg" ? "image/jpeg" : source.mediaType;
  if (!IMAGE_TYPES.has(mediaType)) {
    return lose(losses, field, `the upstream's API (anthropic) takes no ${mediaType}`);
  }
  const written = { type: "base64", media_type: mediaType, data: source.data };
  return [{ type: "image", source: written, ...writeCacheMark(part) }];
}

function writeDocument(part: DocumentPart, field: string, losses: Loss[]): Json[] {
  const source = documentSource(part.source);
  if (typeof source === "string") return lose(losses, field, source);
  const title = part.name === undefined ? {} : { title: part.name };
  return [{ type: "document", source, ...title, ...writeCacheMark(part) }];
}

/** @returns the source, or why there is none. */
function documentSource(source: MediaSource): Json | string {
  const { mediaType } = source;
  if (source.kind === "url") {
    if (mediaType !== undefined && mediaType !== "application/pdf") {
      return `the upstream's API (anthropic) takes no ${mediaType} by its address`;
    }
    if (!isWebAddress(source.url)) return "the upstream's API (anthropic) takes addresses of the web alone";
    return { type: "url", url: source.url };
  }
  if (mediaType === "application/pdf") return { type: "base64", media_type: mediaType, data: source.data };
  if (mediaType?.startsWith("text/") !== true && mediaType !== "application/json") {
    return `the upstream's API (anthropic) takes no ${mediaType}`;
  }
  return { type: "text", media_type: "text/plain", data: Buffer.from(source.data, "base64").toString("utf8") };
}

function isWebAddress(url: string): boolean {
  return /^https?:/i.test(url);
}

function lose(losses: Loss[], field: string, reason: string): never[] {
  losses.push({ field, reason, essential: true });
  return [];
}
