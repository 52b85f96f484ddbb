/** Pictures, sound and files: Gemini has one form for all of them and tells them apart by their type. */
import type { AudioPart, DocumentPart, ImagePart, MediaSource } from "../common.ts";

/** By the end of a file's name. Gemini wants a type with every address (https://ai.google.dev/gemini-api/docs/file-input-methods). */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
  gif: "image/gif",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  html: "text/html",
  csv: "text/csv",
  json: "application/json",
  xml: "text/xml",
  wav: "audio/wav",
  mp3: "audio/mp3",
  aac: "audio/aac",
  ogg: "audio/ogg",
  flac: "audio/flac",
  mp4: "video/mp4",
  mov: "video/mov",
  webm: "video/webm",
};

/** @returns the type that an address's path tells, if it does. */
export function mediaTypeOfUrl(url: string): string | undefined {
  const ending = /\.([a-z0-9]{2,4})(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase();
  return ending !== undefined && Object.hasOwn(MEDIA_TYPES, ending) ? MEDIA_TYPES[ending] : undefined;
}

/**
 * Whether the file is in Google's own store, or is a video of YouTube's: addresses that mean nothing to others. Cloud Storage's
 * addresses on the web are the web's.
 */
export function isGooglesOwn(url: string): boolean {
  return (
    !/^https?:/i.test(url) ||
    /^https?:\/\/(?!(?:[^/]*\.)?storage\.googleapis\.com[/:])(?:[^/]*\.)?(?:googleapis\.com|youtube\.com|youtu\.be)[/:]/i.test(
      url,
    )
  );
}

/** @returns the part for a source; `undefined` for a type that has no place elsewhere, such as video. */
export function mediaPart(source: MediaSource, name?: string): ImagePart | DocumentPart | AudioPart | undefined {
  const type = source.mediaType ?? (source.kind === "url" ? mediaTypeOfUrl(source.url) : undefined) ?? "";
  if (type.startsWith("image/")) return { kind: "image", source };
  if (type.startsWith("audio/")) return { kind: "audio", source };
  if (type.startsWith("video/")) return undefined;
  return { kind: "document", source, ...(name === undefined ? {} : { name }) };
}
