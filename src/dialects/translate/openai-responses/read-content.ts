/** Content parts of the Responses API's input, read into the common form. */
import { isDataUrl, parseDataUrl, standardBase64 } from "../base64.ts";
import type { AudioPart, CacheMark, DocumentPart, ImagePart, MediaSource, RefusalPart, TextPart } from "../common.ts";
import { fileType } from "../file-type.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";

/** Any part that content may have. */
export type ContentPart = TextPart | ImagePart | DocumentPart | AudioPart | RefusalPart;

/**
 * Reads what is a string or a list of parts. Parts of types that have no place are refused by name.
 * @param kinds those that can stand here; others are refused, too.
 */
export function readContent<Kind extends ContentPart["kind"]>(
  owner: Fields,
  key: string,
  kinds: readonly Kind[],
  losses: Losses,
): Extract<ContentPart, { kind: Kind }>[] {
  const value = owner.value(key);
  if (value === undefined) owner.fault(key, "is missing");
  if (typeof value !== "string" && !Array.isArray(value)) owner.fault(key, "must be a string or an array of parts");
  const parts: readonly ContentPart[] =
    typeof value === "string"
      ? [{ kind: "text", text: value }]
      : owner.objects(key).flatMap((fields) => readPart(fields, losses) ?? []);
  return parts.filter((part): part is Extract<ContentPart, { kind: Kind }> => {
    if (kinds.includes(part.kind as Kind)) return true;
    losses.refuse(owner.pathOf(key), `a part of the kind ${part.kind} can't stand here`);
    return false;
  });
}

function readPart(fields: Fields, losses: Losses): ContentPart | undefined {
  const read = readTyped(fields, losses);
  if (read === "unknown") return undefined;
  losses.unread(fields);
  return read === undefined ? undefined : losses.places.put(read, fields.path);
}

function readTyped(fields: Fields, losses: Losses): ContentPart | undefined | "unknown" {
  const type = fields.requiredString("type");
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      return { kind: "text", text: fields.requiredString("text"), ...readCacheMark(fields, losses) };
    case "refusal":
      return { kind: "refusal", text: fields.requiredString("refusal") };
    case "input_image":
      return readImage(fields, losses);
    case "input_file":
      return readFile(fields, losses);
    case "input_audio":
      return readAudio(fields.requiredObject("input_audio"), losses);
    default:
      losses.refuse(fields.path, `other APIs have no part of the type ${JSON.stringify(type)}`);
      return "unknown";
  }
}

/** @returns nothing where the file is one that OpenAI holds: that is among the fields that nobody reads. */
function readImage(fields: Fields, losses: Losses): ImagePart | undefined {
  const cache = readCacheMark(fields, losses);
  const detail = fields.oneOf("detail", ["auto", "low", "high", "original"]);
  if (detail === "original")
    losses.lose(fields.pathOf("detail"), "only OpenAI's models look at images in their original size");
  if (!fields.has("image_url") && fields.has("file_id")) return undefined;
  return {
    kind: "image",
    source: readUrl(fields, "image_url"),
    ...(detail === undefined ? {} : { detail: detail === "original" ? "high" : detail }),
    ...cache,
  };
}

function readFile(fields: Fields, losses: Losses): DocumentPart | ImagePart | undefined {
  const cache = readCacheMark(fields, losses);
  const detail = fields.oneOf("detail", ["auto", "low", "high"]) ?? "auto";
  if (detail !== "auto") losses.lose(fields.pathOf("detail"), "only OpenAI's models take it for files");
  const name = fields.string("filename");
  const hasData = fields.has("file_data");
  if (!hasData && !fields.has("file_url") && fields.has("file_id")) return undefined;
  const source = hasData ? readFileData(fields, name) : readUrl(fields, "file_url");
  if (source.mediaType?.startsWith("image/") === true) return { kind: "image", source, ...cache };
  return { kind: "document", source, ...(name === undefined ? {} : { name }), ...cache };
}

/** A `data:` URL, or bare base64 whose type its name or its first bytes tell. */
function readFileData(fields: Fields, name: string | undefined): MediaSource {
  const text = fields.requiredString("file_data");
  if (isDataUrl(text)) return readUrl(fields, "file_data");
  const data = standardBase64(text) ?? fields.fault("file_data", "must be base64 or a data: URL");
  const mediaType = fileType(data, name);
  if (mediaType === undefined) fields.fault("file_data", "must be a data: URL, which says what type the file has");
  return { kind: "base64", mediaType, data };
}

function readAudio(fields: Fields, losses: Losses): AudioPart {
  const format = fields.requiredString("format");
  const data = standardBase64(fields.requiredString("data")) ?? fields.fault("data", "must be base64");
  losses.unread(fields);
  return {
    kind: "audio",
    source: { kind: "base64", mediaType: format === "mp3" ? "audio/mpeg" : `audio/${format}`, data },
  };
}

function readUrl(fields: Fields, key: string): MediaSource {
  const url = fields.requiredString(key);
  if (isDataUrl(url)) {
    return { kind: "base64", ...(parseDataUrl(url) ?? fields.fault(key, "must be a data: URL with base64 in it")) };
  }
  if (!URL.canParse(url)) fields.fault(key, "must be a URL");
  return { kind: "url", url, mediaType: undefined };
}

function readCacheMark(fields: Fields, losses: Losses): { readonly cache?: CacheMark } {
  const breakpoint = fields.object("prompt_cache_breakpoint");
  if (breakpoint === undefined) return {};
  breakpoint.value("mode");
  // Half an hour is OpenAI's own where nothing is said.
  const ttl = breakpoint.oneOf("ttl", ["30m", "12h"]);
  if (ttl === "12h") losses.lose(breakpoint.pathOf("ttl"), "only OpenAI caches for so long");
  losses.unread(breakpoint);
  return { cache: { ttl: ttl === "12h" ? "1h" : undefined } };
}
