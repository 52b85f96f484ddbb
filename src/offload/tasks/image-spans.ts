/** Where the base64 images of a request stand in its bytes. */
import type { JsonSpan } from "../../core/json-scan.ts";
import { stringText, walkJson } from "./json-walk.ts";
import type { WalkedObject } from "./json-walk.ts";

/** The wire API of a request. */
export type ImageDialect = "openai" | "anthropic" | "gemini";

/** One base64 image. */
export interface ImageSpan {
  /** For people, e.g. `messages[0].content[1].image_url.url`. */
  readonly part: string;
  /** The base64 text, without what stands before it in a data URL. */
  readonly data: JsonSpan;
  /** What the request says that it is, in lower case, e.g. `image/png`. */
  readonly mediaType: string;
  /** Where it says so: a string of its own, or all that stands before the base64 text of a data URL. */
  readonly mediaTypeSpan: JsonSpan;
  readonly isDataUrl: boolean;
}

/** A request that has two of what there may be one of. */
export interface AmbiguousImage {
  readonly part: string;
}

const WANTED = new Set(["type", "image_url", "url", "data", "media_type", "mediaType", "mime_type", "mimeType"]);

/** Top-level keys below which a prompt stands. What a tool's schema holds is no image. */
const PROMPT_KEYS: Readonly<Record<ImageDialect, ReadonlySet<string>>> = {
  openai: new Set(["messages", "input"]),
  anthropic: new Set(["messages", "system"]),
  gemini: new Set(["contents", "systemInstruction", "system_instruction"]),
};

/** Longest beginning of a data URL: a media type and some parameters. */
const MAX_DATA_URL_HEAD_BYTES = 256;
const DATA_URL = /^data:(image\/[a-z0-9.+-]{1,64})(?:;[^;,"]{0,64}){0,2};base64,/i;

/** Finds the images of a request, in order. @param body valid JSON. */
export function findImages(body: Buffer, dialect: ImageDialect): readonly ImageSpan[] | AmbiguousImage {
  const images: ImageSpan[] = [];
  const repeated = walkJson(body, { below: PROMPT_KEYS[dialect], wanted: WANTED }, (object) => {
    images.push(...FINDERS[dialect](body, object));
  });
  if (repeated !== undefined) return { part: partName(repeated.path) };
  return images.sort((a, b) => a.data.start - b.data.start);
}

type Finder = (body: Buffer, object: WalkedObject) => ImageSpan[];

const FINDERS: Readonly<Record<ImageDialect, Finder>> = {
  openai(body, { path, strings }) {
    const found: ImageSpan[] = [];
    // `{"type":"image_url","image_url":{"url":…}}`, and of the Responses API `{"type":"input_image","image_url":…}`.
    for (const key of path.at(-1) === "image_url" ? ["url"] : ["image_url"]) {
      const url = strings.get(key);
      const image = url === undefined ? undefined : dataUrl(body, url, [...path, key]);
      if (image !== undefined) found.push(image);
    }
    return found;
  },
  anthropic(body, { path, strings }) {
    const type = strings.get("type");
    if (path.at(-1) !== "source" || type === undefined || stringText(body, type) !== "base64") return [];
    return typedData(body, path, strings.get("data"), strings.get("media_type"));
  },
  gemini(body, { path, strings }) {
    if (path.at(-1) !== "inlineData" && path.at(-1) !== "inline_data") return [];
    return typedData(body, path, strings.get("data"), strings.get("mimeType") ?? strings.get("mime_type"));
  },
};

function typedData(
  body: Buffer,
  path: readonly (string | number)[],
  data: JsonSpan | undefined,
  mediaTypeSpan: JsonSpan | undefined,
): ImageSpan[] {
  if (data === undefined || mediaTypeSpan === undefined) return [];
  const mediaType = stringText(body, mediaTypeSpan).toLowerCase();
  if (!mediaType.startsWith("image/")) return [];
  return [{ part: partName([...path, "data"]), data, mediaType, mediaTypeSpan, isDataUrl: false }];
}

function dataUrl(body: Buffer, url: JsonSpan, path: readonly (string | number)[]): ImageSpan | undefined {
  const headEnd = Math.min(url.end, url.start + MAX_DATA_URL_HEAD_BYTES);
  const comma = body.subarray(url.start, headEnd).indexOf(0x2c);
  if (comma === -1) return undefined;
  const data = { start: url.start + comma + 1, end: url.end };
  // The beginning may be written with escapes (`image\/png`); the comma can't but by `\u002c`, which nobody writes.
  const match = DATA_URL.exec(stringText(body, { start: url.start, end: data.start }));
  if (match === null) return undefined;
  // The whole beginning is exchanged when the type changes: of a data URL's parameters none says anything about pixels.
  return {
    part: partName(path),
    data,
    mediaType: match[1]!.toLowerCase(),
    mediaTypeSpan: { start: url.start, end: data.start },
    isDataUrl: true,
  };
}

/** `messages[0].content[1].source.data`. Keys come from the client: those that are not plainly names are left out. */
function partName(path: readonly (string | number)[]): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^\w{1,64}$/.test(step) ? `.${step}` : ".…";
  });
  return steps.join("").replace(/^\./, "");
}
