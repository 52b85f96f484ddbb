/** Scales one image down. Runs in an offload thread only: libvips is loaded with the first image. */
import type sharpModule from "sharp";
import type { Metadata, Sharp } from "sharp";

/** Larger pictures are refused by what their header says, before a pixel is decoded. The largest phone cameras but a few. */
const MAX_PIXELS = 64 * 1024 * 1024;
/** Quality of JPEG and WebP, 1–100: no model was seen to read less in it than in the original. */
const QUALITY = 85;
/** Each pass aims below `maxBytes`, so the second is most often the last. */
const MAX_PASSES = 5;
/** How much smaller than computed the next pass is: bytes do not fall quite as pixels do. */
const PASS_MARGIN = 0.9;
const MIN_EDGE = 16;

/** What images are brought to. */
export interface ImageLimits {
  /** Pixels of the longer edge. */
  readonly maxEdge: number;
  /** Of the image file, before base64. */
  readonly maxBytes: number;
  /** What a scaled image is written as; `keep`: what it was. */
  readonly format: "keep" | "webp" | "jpeg";
}

/** The formats that are decoded, as sharp and the media types (`image/…`) call them. Nothing else, above all no SVG. */
type ImageFormat = "jpeg" | "png" | "webp" | "gif";

/** A scaled image; one that needs nothing; or why it can't be used, as the end of a sentence about it. */
export type ScaledImage =
  | { readonly kind: "scaled"; readonly bytes: Buffer; readonly mediaType: string }
  | { readonly kind: "kept" }
  | { readonly kind: "unusable"; readonly reason: string };

/** What is known of an image before it is decoded. */
export interface ImageHead {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
}

const OPTIONS = { failOn: "error", limitInputPixels: MAX_PIXELS, pages: 1, sequentialRead: true } as const;

/** Reads an image's header. @returns why it can't be used instead, as the end of a sentence about it. */
export async function readHead(bytes: Buffer): Promise<ImageHead | string> {
  const format = formatOf(bytes);
  if (format === undefined) return "is not the JPEG, PNG, WebP or GIF file that it is said to be";
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    metadata = await sharp(bytes, { ...OPTIONS, limitInputPixels: false }).metadata();
  } catch {
    return "is corrupt";
  }
  const { width, height } = metadata;
  if (width * height > MAX_PIXELS) return `has ${width} × ${height} pixels, and ${MAX_PIXELS} are accepted`;
  return { format, width, height };
}

/** Brings an image within `limits`. Orientation is applied, other metadata dropped; of an animation the first picture is left. */
export async function scaleImage(bytes: Buffer, head: ImageHead, limits: ImageLimits): Promise<ScaledImage> {
  const edge = Math.max(head.width, head.height);
  if (edge <= limits.maxEdge && bytes.length <= limits.maxBytes) return { kind: "kept" };
  const sharp = await loadSharp();
  const format = limits.format === "keep" ? head.format : limits.format;
  let maxEdge = Math.min(edge, limits.maxEdge);
  try {
    for (let pass = 1; pass <= MAX_PASSES; pass++) {
      const image = sharp(bytes, OPTIONS)
        .autoOrient()
        .resize(maxEdge, maxEdge, { fit: "inside", withoutEnlargement: true });
      const scaled = await ENCODERS[format](image).toBuffer();
      if (scaled.length <= limits.maxBytes) return { kind: "scaled", bytes: scaled, mediaType: `image/${format}` };
      maxEdge = Math.floor(maxEdge * Math.sqrt(limits.maxBytes / scaled.length) * PASS_MARGIN);
      if (maxEdge < MIN_EDGE) break;
    }
  } catch {
    return { kind: "unusable", reason: "is corrupt" };
  }
  return { kind: "unusable", reason: `can't be brought below ${limits.maxBytes} bytes` };
}

const ENCODERS: Readonly<Record<ImageFormat, (image: Sharp) => Sharp>> = {
  // JPEG has no transparency: what shines through is white, as on the pages that such pictures come from.
  jpeg: (image) => image.flatten({ background: "#ffffff" }).jpeg({ quality: QUALITY }),
  webp: (image) => image.webp({ quality: QUALITY, effort: 1 }),
  png: (image) => image.png({ compressionLevel: 6 }),
  gif: (image) => image.gif({ effort: 3 }),
};

/** By the file's first bytes, whatever the request says: what is decoded is decided here. */
function formatOf(bytes: Buffer): ImageFormat | undefined {
  const start = bytes.toString("latin1", 0, 12);
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "webp";
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "gif";
  return undefined;
}

let loading: Promise<typeof sharpModule> | undefined;

function loadSharp(): Promise<typeof sharpModule> {
  loading ??= import("sharp").then(({ default: sharp }) => {
    // One picture at a time on one core: the others are the loops'. And no cache of strangers' pictures.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loading;
}
