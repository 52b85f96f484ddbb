/** Reads `inlineData` and `fileData`. */
import { standardBase64 } from "../base64.ts";
import type { AudioPart, DocumentPart, ImagePart, MediaSource } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import { isRecord } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { isGooglesOwn, mediaPart } from "./media.ts";
import { protoObject } from "./proto-json.ts";

type Media = ImagePart | DocumentPart | AudioPart;

const DETAILS: Readonly<Record<string, "low" | "high">> = {
  MEDIA_RESOLUTION_LOW: "low",
  MEDIA_RESOLUTION_HIGH: "high",
};
const UNSPECIFIED = "MEDIA_RESOLUTION_UNSPECIFIED";

/** The data of `part`. @returns `undefined` where there is none, or where its loss is noted. @throws {FieldFault} */
export function readMedia(part: Fields, losses: Losses): Media | undefined {
  const inline = protoObject(part, "inlineData");
  const fields = inline ?? protoObject(part, "fileData");
  if (fields === undefined) return undefined;
  const mediaType = fields.string("mimeType")?.toLowerCase();
  const name = fields.string("displayName");
  const source = inline === undefined ? readUrl(fields, mediaType) : readBytes(fields, mediaType);
  losses.unread(fields);
  if (source.kind === "url" && isGooglesOwn(source.url)) {
    losses.refuse(fields.pathOf("fileUri"), "only Google can read this file");
    return undefined;
  }
  const media = mediaPart(source, name);
  if (media === undefined) {
    losses.refuse(fields.pathOf("mimeType"), `no other API takes ${mediaType ?? "such a file"}`);
    return undefined;
  }
  if (name !== undefined && media.kind !== "document") {
    losses.lose(fields.pathOf("displayName"), "only documents have a name elsewhere");
  }
  return withDetail(media, part, losses);
}

function readBytes(fields: Fields, mediaType: string | undefined): MediaSource {
  const data = standardBase64(fields.requiredString("data"));
  if (data === undefined) return fields.fault("data", "must be base64");
  return { kind: "base64", mediaType: mediaType ?? fields.fault("mimeType", "is missing"), data };
}

function readUrl(fields: Fields, mediaType: string | undefined): MediaSource {
  return { kind: "url", url: fields.requiredString("fileUri"), mediaType };
}

function withDetail(media: Media, part: Fields, losses: Losses): Media {
  const resolution = part.value("mediaResolution");
  const level = isRecord(resolution) ? resolution["level"] : resolution;
  const detail = readDetail(level, part.pathOf("mediaResolution"), losses);
  return media.kind === "image" && detail !== undefined ? { ...media, detail } : media;
}

/** @returns OpenAI's `detail` for Gemini's `mediaResolution`, where it has one; other values are noted as lost. */
export function readDetail(resolution: unknown, path: string, losses: Losses): "low" | "high" | undefined {
  if (resolution === undefined || resolution === UNSPECIFIED) return undefined;
  if (typeof resolution === "string" && Object.hasOwn(DETAILS, resolution)) return DETAILS[resolution];
  losses.lose(path, "only low and high are known elsewhere");
  return undefined;
}
