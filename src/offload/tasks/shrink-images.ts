/**
 * Task `shrink_images`: scales down the base64 images of a request that are over the limits. Only their bytes, and the media
 * type where it changes, are exchanged; the rest of the body stays as it came.
 */
import type { JsonSpan } from "../../core/json-scan.ts";
import { asBuffer } from "../transfer.ts";
import { findImages } from "./image-spans.ts";
import type { ImageDialect, ImageSpan } from "./image-spans.ts";
import { stringText } from "./json-walk.ts";
import { readHead, scaleImage } from "./scale-image.ts";
import type { ImageHead, ImageLimits } from "./scale-image.ts";

/** Of all images of a request together, by their headers: 32 MiB of flat PNGs would decode to minutes of work. */
const MAX_TOTAL_PIXELS = 512 * 1024 * 1024;
/** What is decoded here. Anything else (HEIC, AVIF, SVG) passes as it is: the upstream may know it, and SVG is no picture but a program. */
const DECODED_TYPES = new Set(["image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif"]);

const BACKSLASH = 0x5c;

interface Input {
  /** One JSON object, scanned. */
  readonly body: Uint8Array;
  readonly dialect: ImageDialect;
  readonly limits: ImageLimits;
  /** A place in the body outside of all images, to be told where it is afterwards. */
  readonly mark: JsonSpan | undefined;
}

/** An image that can't be sent on. */
interface ImageFault {
  readonly ok: false;
  readonly part: string;
  /** The end of a sentence about it. */
  readonly reason: string;
}

type Output = { readonly ok: true; readonly body: Uint8Array; readonly mark: JsonSpan | undefined } | ImageFault;

interface ImageFile {
  readonly image: ImageSpan;
  readonly file: Buffer;
  readonly head: ImageHead;
}

interface Replacement extends JsonSpan {
  /** Base64 or a media type: ASCII that needs no escapes. */
  readonly text: string;
}

/** See the file's comment. */
export async function shrinkImages({ body, dialect, limits, mark }: Input): Promise<Output> {
  const bytes = asBuffer(body);
  const images = findImages(bytes, dialect);
  if ("part" in images) return { ok: false, part: images.part, reason: "stands there twice" };
  const files: ImageFile[] = [];
  let totalPixels = 0;
  // All headers first: what is too much in sum is refused before a pixel is decoded.
  for (const image of images.filter(({ mediaType }) => DECODED_TYPES.has(mediaType))) {
    const { part } = image;
    const file = fileBytes(bytes, image.data);
    const head = await readHead(file);
    if (typeof head === "string") return { ok: false, part, reason: head };
    totalPixels += head.width * head.height;
    if (totalPixels > MAX_TOTAL_PIXELS) {
      return { ok: false, part, reason: `and those before it have more than ${MAX_TOTAL_PIXELS} pixels together` };
    }
    files.push({ image, file, head });
  }
  const replacements: Replacement[] = [];
  for (const { image, file, head } of files) {
    const scaled = await scaleImage(file, head, limits);
    if (scaled.kind === "unusable") return { ok: false, part: image.part, reason: scaled.reason };
    if (scaled.kind === "scaled") replacements.push(...replace(image, scaled.bytes, scaled.mediaType));
  }
  if (replacements.length === 0) return { ok: true, body, mark };
  replacements.sort((a, b) => a.start - b.start);
  return { ok: true, body: splice(bytes, replacements), mark: mark && shift(mark, replacements) };
}

/** Node's decoder takes both alphabets of base64, and skips what belongs to neither. */
function fileBytes(body: Buffer, data: JsonSpan): Buffer {
  const hasEscapes = body.subarray(data.start, data.end).includes(BACKSLASH);
  return Buffer.from(hasEscapes ? stringText(body, data) : body.toString("latin1", data.start, data.end), "base64");
}

function replace(image: ImageSpan, scaled: Buffer, mediaType: string): Replacement[] {
  const replacements: Replacement[] = [{ ...image.data, text: scaled.toString("base64") }];
  if (mediaType !== image.mediaType) {
    const text = image.isDataUrl ? `data:${mediaType};base64,` : mediaType;
    replacements.push({ ...image.mediaTypeSpan, text });
  }
  return replacements;
}

/** @param replacements in order, none within another. */
function splice(body: Buffer, replacements: readonly Replacement[]): Buffer {
  const growth = replacements.reduce((sum, { start, end, text }) => sum + text.length - (end - start), 0);
  const spliced = Buffer.allocUnsafeSlow(body.length + growth);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of replacements) {
    to += body.copy(spliced, to, from, start);
    to += spliced.write(text, to, "latin1");
    from = end;
  }
  body.copy(spliced, to, from);
  return spliced;
}

function shift({ start, end }: JsonSpan, replacements: readonly Replacement[]): JsonSpan {
  const before = replacements.filter((replacement) => replacement.end <= start);
  const by = before.reduce(
    (sum, replacement) => sum + replacement.text.length - (replacement.end - replacement.start),
    0,
  );
  return { start: start + by, end: end + by };
}
