/** Reads the content of a chat message: a string, or parts. */
import { isDataUrl, parseDataUrl, standardBase64 } from "../base64.ts";
import type { AudioPart, DocumentPart, ImagePart, MediaSource, RefusalPart, TextPart } from "../common.ts";
import { fileType } from "../file-type.ts";
import type { Fields } from "../json-pick.ts";
import { readCacheMark } from "./cache-mark.ts";
import type { Losses } from "../losses.ts";

/** Any part that a message's content may have. */
export type ContentPart = TextPart | ImagePart | DocumentPart | AudioPart | RefusalPart;

/** @returns the parts of `message.content`; none where it is missing. Parts of types that have no place are refused by name. */
export function readContent(message: Fields, losses: Losses): readonly ContentPart[] {
  const content = message.value("content");
  if (content === undefined) return [];
  if (typeof content === "string") return [{ kind: "text", text: content, ...readCacheMark(message, losses) }];
  if (!Array.isArray(content)) message.fault("content", "must be a string or an array of parts");
  const parts = message.objects("content").flatMap((fields) => {
    const part = readPart(fields, losses);
    losses.unread(fields);
    return part === undefined ? [] : [losses.places.put(part, fields.path)];
  });
  const { cache } = readCacheMark(message, losses);
  const last = parts.pop();
  if (last === undefined) return [];
  if (cache === undefined || last.kind === "audio" || last.kind === "refusal") return [...parts, last];
  return [...parts, losses.places.move(last, { ...last, cache })];
}

/** @returns the pictures that a model made, as OpenRouter and our own answers have them beside the content. */
export function readImages(message: Fields, losses: Losses): readonly ImagePart[] {
  return message.objects("images").map((fields) => {
    fields.value("type");
    const part = readImage(fields, losses);
    losses.unread(fields, "index");
    return losses.places.put(part, fields.path);
  });
}

function readPart(fields: Fields, losses: Losses): ContentPart | undefined {
  const type = fields.requiredString("type");
  switch (type) {
    case "text":
      return { kind: "text", text: fields.requiredString("text"), ...readCacheMark(fields, losses) };
    case "refusal":
      return { kind: "refusal", text: fields.requiredString("refusal") };
    case "image_url":
      return readImage(fields, losses);
    case "input_audio":
      return readAudio(fields, losses);
    case "file":
      return readFile(fields, losses);
    default:
      losses.refuse(fields.path, `other APIs have no part of the type ${JSON.stringify(type)}`);
      for (const key of fields.unread()) fields.value(key);
      return undefined;
  }
}

function readImage(fields: Fields, losses: Losses): ImagePart {
  const image = fields.requiredObject("image_url");
  const source = mediaOf(image, "url");
  const detail = image.oneOf("detail", ["auto", "low", "high", "original"]);
  if (detail === "original")
    losses.lose(image.pathOf("detail"), "only OpenAI's models look at images in their original size");
  losses.unread(image);
  return {
    kind: "image",
    source,
    ...(detail === undefined ? {} : { detail: detail === "original" ? "high" : detail }),
    ...readCacheMark(fields, losses),
  };
}

function mediaOf(fields: Fields, key: string): MediaSource {
  const url = fields.requiredString(key);
  if (!isDataUrl(url)) {
    if (!URL.canParse(url)) fields.fault(key, "must be a URL");
    return { kind: "url", url, mediaType: undefined };
  }
  const inline = parseDataUrl(url);
  if (inline === undefined) fields.fault(key, "must be a data: URL with base64 in it");
  return { kind: "base64", ...inline };
}

function readAudio(fields: Fields, losses: Losses): AudioPart {
  const audio = fields.requiredObject("input_audio");
  const format = audio.requiredString("format");
  const data = standardBase64(audio.requiredString("data")) ?? audio.fault("data", "must be base64");
  losses.unread(audio);
  // A mark that the common form has no place for: cost alone.
  fields.value("prompt_cache_breakpoint");
  return {
    kind: "audio",
    source: { kind: "base64", mediaType: format === "mp3" ? "audio/mpeg" : `audio/${format}`, data },
  };
}

function readFile(fields: Fields, losses: Losses): DocumentPart | ImagePart | undefined {
  const file = fields.requiredObject("file");
  const mark = readCacheMark(fields, losses);
  const name = file.string("filename");
  if (!file.has("file_data")) {
    if (!file.has("file_id")) file.fault("file_data", "is missing");
    losses.unread(file);
    return undefined;
  }
  const source = fileSource(file, name);
  losses.unread(file);
  if (source.mediaType?.startsWith("image/") === true) return { kind: "image", source, ...mark };
  return { kind: "document", source, ...(name === undefined ? {} : { name }), ...mark };
}

/** A `data:` URL, or bare base64 whose type its name or its first bytes tell. */
function fileSource(file: Fields, name: string | undefined): MediaSource {
  const text = file.requiredString("file_data");
  if (isDataUrl(text)) return mediaOf(file, "file_data");
  const data = standardBase64(text) ?? file.fault("file_data", "must be base64 or a data: URL");
  const mediaType = fileType(data, name);
  if (mediaType === undefined) file.fault("file_data", "must be a data: URL, which says what type the file has");
  return { kind: "base64", mediaType, data };
}
