/** Pictures for tests, made by the library that the product uses. */
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";

/** What a picture is to be. */
interface PictureOptions {
  readonly width: number;
  readonly height: number;
  readonly format?: "png" | "jpeg" | "webp" | "gif";
  /** Nothing in it repeats, so that its size is about that of its pixels. @default false */
  readonly noise?: boolean;
  /** The EXIF orientation, 1–8. */
  readonly orientation?: number;
}

/** Makes a picture: red on its left half, blue on its right one. */
export async function picture(options: PictureOptions): Promise<Buffer> {
  const { width, height, format = "png", noise = false, orientation } = options;
  const right = Math.max(1, Math.floor(width / 2));
  const blue = { create: { width: right, height, channels: 3 as const, background: "#0000ff" } };
  const halves = sharp({ create: { width, height, channels: 3, background: "#ff0000" } }).composite([
    { input: blue, left: width - right, top: 0 },
  ]);
  const image = noise ? sharp(grain(width, height), { raw: { width, height, channels: 3 } }) : halves;
  const described = orientation === undefined ? image : image.withMetadata({ orientation });
  return await described.toFormat(format).toBuffer();
}

/** Pixels that no format can make much smaller, the same each time. */
function grain(width: number, height: number): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    pixels[i] = state >>> 24;
  }
  return pixels;
}

/** What a picture is. */
export async function describe(bytes: Buffer): Promise<{ format: string; width: number; height: number }> {
  const { format, width, height } = await sharp(bytes).metadata();
  return { format, width, height };
}

/** The colour at a place, as `r,g,b` rounded to 0, 128 or 255. */
export async function colourAt(bytes: Buffer, left: number, top: number): Promise<string> {
  const pixel = await sharp(bytes).removeAlpha().extract({ left, top, width: 1, height: 1 }).raw().toBuffer();
  return [...pixel].map((value) => (value < 64 ? 0 : value > 192 ? 255 : 128)).join();
}

/** A black PNG of any size, one bit a pixel: a few KB that decode to gigabytes. */
export function blackPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))), { level: 1 });
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    pngChunk("IHDR", header),
    pngChunk("IDAT", rows),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, "latin1");
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
