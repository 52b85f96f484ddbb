/** Writes parts of the common form as content parts of chat messages. */
import { dataUrl } from "../base64.ts";
import type { AudioPart, CacheMark, DocumentPart, ImagePart, MediaSource, TextPart } from "../common.ts";

/** What a user message may hold. */
export type WritablePart = TextPart | ImagePart | DocumentPart | AudioPart;

/** Told of a part that has no place, and why. */
export type LosePart = (part: DocumentPart | AudioPart | ImagePart, reason: string) => void;

/** How cache marks are written for this upstream and model. */
export type CacheMarkField = "none" | "prompt_cache_breakpoint" | "cache_control";

const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ["audio/wav", "wav"],
  ["audio/x-wav", "wav"],
  ["audio/wave", "wav"],
  ["audio/mpeg", "mp3"],
  ["audio/mp3", "mp3"],
]);

/** The ending of a file whose sender gave it no name. */
const ENDINGS: ReadonlyMap<string, string> = new Map([
  ["application/pdf", "pdf"],
  ["text/plain", "txt"],
]);

/** @returns the content part, or `undefined` where the API has none for it. */
export function writePart(part: WritablePart, markField: CacheMarkField, lose: LosePart): object | undefined {
  switch (part.kind) {
    case "text":
      return { type: "text", text: part.text, ...writeCacheMark(part.cache, markField) };
    case "image": {
      const detail = part.detail === undefined ? {} : { detail: part.detail };
      return {
        type: "image_url",
        image_url: { url: urlOf(part.source), ...detail },
        ...writeCacheMark(part.cache, markField),
      };
    }
    case "document":
      return writeDocument(part, markField, lose);
    case "audio":
    default:
      return writeAudio(part, lose);
  }
}

/** @returns an address that the API takes for a picture. */
export function urlOf(source: MediaSource): string {
  return source.kind === "url" ? source.url : dataUrl(source);
}

/** Spread into a part or tool. */
export function writeCacheMark(mark: CacheMark | undefined, field: CacheMarkField): object {
  if (mark === undefined || field === "none") return {};
  if (field === "prompt_cache_breakpoint") return { prompt_cache_breakpoint: { mode: "explicit" } };
  return { cache_control: { type: "ephemeral", ...(mark.ttl === undefined ? {} : { ttl: mark.ttl }) } };
}

function writeDocument(part: DocumentPart, markField: CacheMarkField, lose: LosePart): object | undefined {
  const { source, name } = part;
  if (source.kind === "url") {
    lose(part, "the upstream's API (OpenAI chat) takes documents as data, not by their URL");
    return undefined;
  }
  const filename = name ?? `document.${ENDINGS.get(source.mediaType) ?? "bin"}`;
  return { type: "file", file: { filename, file_data: dataUrl(source) }, ...writeCacheMark(part.cache, markField) };
}

function writeAudio(part: AudioPart, lose: LosePart): object | undefined {
  const { source } = part;
  const format = source.kind === "base64" ? AUDIO_FORMATS.get(source.mediaType) : undefined;
  if (source.kind === "base64" && format !== undefined)
    return { type: "input_audio", input_audio: { data: source.data, format } };
  lose(part, "the upstream's API (OpenAI chat) takes sound as wav or mp3 data alone");
  return undefined;
}
