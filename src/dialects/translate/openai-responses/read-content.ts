/** Content parts of the Responses API's input, read into the common form. */
import { parseDataUrl, standardBase64 } from "../base64.ts";
import type {
  AssistantPart,
  AudioPart,
  CacheMark,
  DocumentPart,
  ImagePart,
  MediaSource,
  RefusalPart,
  TextPart,
  UserPart,
} from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "./losses.ts";

const FILE_STATE = "files are kept by OpenAI alone; send the bytes or an address";
/** Of file names that callers use to say what their bytes are. */
const TYPES_BY_EXTENSION: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
};
const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: "audio/mpeg", wav: "audio/wav" };

type ReadPart = TextPart | ImagePart | DocumentPart | AudioPart | RefusalPart;

/** Content that may be a string or a list of parts. @returns only the parts that could be read; the others are losses. */
function readContent(owner: Fields, key: string, losses: Losses): ReadPart[] {
  const value = owner.value(key);
  if (typeof value === "string") return [{ kind: "text", text: value }];
  if (value === undefined) return owner.fault(key, "is missing");
  return owner.objects(key).flatMap((part) => readPart(part, losses) ?? []);
}

/** What a user may say. */
export function readUserContent(owner: Fields, key: string, losses: Losses): UserPart[] {
  return only(readContent(owner, key, losses), (part) => part.kind !== "refusal", owner, key, losses);
}

/** What the model said in an earlier turn. */
export function readAssistantContent(owner: Fields, key: string, losses: Losses): AssistantPart[] {
  const said = (part: ReadPart): part is TextPart | RefusalPart | ImagePart =>
    part.kind === "text" || part.kind === "refusal" || part.kind === "image";
  return only(readContent(owner, key, losses), said, owner, key, losses);
}

/** What the system says. */
export function readSystemContent(owner: Fields, key: string, losses: Losses): TextPart[] {
  return only(readContent(owner, key, losses), (part) => part.kind === "text", owner, key, losses);
}

/** What a function returned. */
export function readToolContent(owner: Fields, key: string, losses: Losses): (TextPart | ImagePart | DocumentPart)[] {
  const returned = (part: ReadPart): part is TextPart | ImagePart | DocumentPart =>
    part.kind === "text" || part.kind === "image" || part.kind === "document";
  return only(readContent(owner, key, losses), returned, owner, key, losses);
}

function only<Part extends ReadPart>(
  parts: readonly ReadPart[],
  belongs: (part: ReadPart) => part is Part,
  owner: Fields,
  key: string,
  losses: Losses,
): Part[] {
  for (const part of parts) {
    if (!belongs(part))
      losses.essential(owner.pathOf(key), `there is no place for this kind of part here: ${part.kind}`);
  }
  return parts.filter(belongs);
}

function readPart(part: Fields, losses: Losses): ReadPart | undefined {
  const type = part.requiredString("type");
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      return readText(part, losses);
    case "refusal":
      return { kind: "refusal", text: part.requiredString("refusal") };
    case "input_image":
      return readImage(part, losses);
    case "input_file":
      return readFile(part, losses);
    case "input_audio":
      return readAudio(part.requiredObject("input_audio"));
    default:
      losses.essential(part.path, `there is no place for a part of the type ${type}`);
      return undefined;
  }
}

function readText(part: Fields, losses: Losses): TextPart {
  if ((part.list("annotations") ?? []).length > 0) {
    losses.add(part.pathOf("annotations"), "citations of earlier answers have no place in other APIs");
  }
  return { kind: "text", text: part.requiredString("text"), ...cacheOf(part, losses) };
}

function readImage(part: Fields, losses: Losses): ImagePart | undefined {
  if (isStored(part, losses)) return undefined;
  const url = part.requiredString("image_url");
  const detail = part.oneOf("detail", ["auto", "low", "high", "original"]);
  return {
    kind: "image",
    source: readUrl(part, "image_url", url),
    // The other APIs' most is what `original` is to this one.
    ...(detail === undefined ? {} : { detail: detail === "original" ? "high" : detail }),
    ...cacheOf(part, losses),
  };
}

function readFile(part: Fields, losses: Losses): DocumentPart | undefined {
  if (isStored(part, losses)) return undefined;
  const detail = part.oneOf("detail", ["auto", "low", "high"]);
  if (detail !== undefined && detail !== "auto") {
    losses.add(part.pathOf("detail"), "how sharply a file is rendered is OpenAI's own");
  }
  const name = part.string("filename");
  const bytes = part.string("file_data");
  const source =
    bytes === undefined ? readUrl(part, "file_url", part.requiredString("file_url")) : readBytes(part, bytes, name);
  return { kind: "document", source, ...(name === undefined ? {} : { name }), ...cacheOf(part, losses) };
}

function readBytes(part: Fields, bytes: string, name: string | undefined): MediaSource {
  if (/^data:/i.test(bytes)) return readUrl(part, "file_data", bytes);
  const data = standardBase64(bytes) ?? part.fault("file_data", "must be base64");
  const extension = name?.split(".").at(-1)?.toLowerCase() ?? "";
  const mediaType = Object.hasOwn(TYPES_BY_EXTENSION, extension) ? TYPES_BY_EXTENSION[extension]! : "application/pdf";
  return { kind: "base64", mediaType, data };
}

function readAudio(audio: Fields): AudioPart {
  const format = audio.requiredString("format");
  const mediaType = Object.hasOwn(AUDIO_TYPES, format) ? AUDIO_TYPES[format]! : `audio/${format}`;
  const data = standardBase64(audio.requiredString("data")) ?? audio.fault("data", "must be base64");
  return { kind: "audio", source: { kind: "base64", mediaType, data } };
}

function readUrl(part: Fields, key: string, url: string): MediaSource {
  if (!/^data:/i.test(url)) return { kind: "url", url, mediaType: undefined };
  const inline = parseDataUrl(url) ?? part.fault(key, "must be a data URL of base64, or an address");
  return { kind: "base64", ...inline };
}

function isStored(part: Fields, losses: Losses): boolean {
  if (!part.has("file_id")) return false;
  losses.essential(part.pathOf("file_id"), FILE_STATE);
  return true;
}

/** The breakpoint's lifetime is a least: an hour is what others have that is not less than half of one. */
function cacheOf(part: Fields, losses: Losses): { readonly cache?: CacheMark } {
  const breakpoint = part.object("prompt_cache_breakpoint");
  if (breakpoint === undefined) return {};
  const ttl = breakpoint.oneOf("ttl", ["30m", "12h"]);
  if (ttl === "12h") losses.add(breakpoint.pathOf("ttl"), "other APIs cache a prompt for an hour at most");
  return { cache: { ttl: ttl === undefined ? undefined : "1h" } };
}
