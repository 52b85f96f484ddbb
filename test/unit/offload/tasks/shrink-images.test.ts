import assert from "node:assert/strict";
import { before, test } from "node:test";
import sharp from "sharp";
import type { ImageDialect } from "../../../../src/offload/tasks/image-spans.ts";
import type { ImageLimits } from "../../../../src/offload/tasks/scale-image.ts";
import { shrinkImages } from "../../../../src/offload/tasks/shrink-images.ts";
import { blackPng, colourAt, describe, picture } from "../../../support/pictures.ts";

const LIMITS: ImageLimits = { maxEdge: 100, maxBytes: 5 * 1024 * 1024, format: "keep" };

let large: Buffer;
let small: Buffer;
before(async () => {
  large = await picture({ width: 300, height: 200 });
  small = await picture({ width: 60, height: 40 });
});

/** The request after its images were scaled. @throws where it was refused. */
async function shrunk(body: string, dialect: ImageDialect, limits: Partial<ImageLimits> = {}): Promise<string> {
  const result = await shrinkImages({
    body: Buffer.from(body),
    dialect,
    limits: { ...LIMITS, ...limits },
    mark: undefined,
  });
  if (!result.ok) throw new Error(`${result.part} ${result.reason}`);
  return Buffer.from(result.body).toString();
}

/** Why a request with the image is refused. */
async function refusal(image: Buffer | string, type = "image/png"): Promise<string> {
  const result = await shrinkImages({
    body: Buffer.from(chat(image, type)),
    dialect: "openai",
    limits: LIMITS,
    mark: undefined,
  });
  assert.ok(!result.ok, "it was accepted");
  return `${result.part} ${result.reason}`;
}

const base64 = (image: Buffer | string): string => (typeof image === "string" ? image : image.toString("base64"));
const dataUrl = (image: Buffer | string, type: string): string => `data:${type};base64,${base64(image)}`;

/** Unusual spacing, escapes and numbers: all of it has to stay. */
const chat = (image: Buffer | string, type = "image/png"): string =>
  `{ "model":"m", "seed": 1.0e+2,"messages" : [ {"role":"user","content":[{"type":"text","text":"\\u00e4\\"{["},` +
  ` {"type":"image_url","image_url":{"detail":"high","url":"${dataUrl(image, type)}"}}]}],\n"stream":true }`;
const response = (image: Buffer | string, type = "image/png"): string =>
  `{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"${dataUrl(image, type)}"}]}]}`;
const messages = (image: Buffer | string, type = "image/png"): string =>
  `{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"data":"${base64(image)}",` +
  `"media_type":"${type}","type":"base64"}},{"type":"text","text":"base64"}]}],"model":"m"}`;
const toolResult = (image: Buffer | string, type = "image/png"): string =>
  `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image",` +
  `"source":{"type":"base64","media_type":"${type}","data":"${base64(image)}"}}]}]}],"model":"m"}`;
const contents = (image: Buffer | string, type = "image/png"): string =>
  `{"contents":[{"parts":[{"text":"?"},{"inlineData":{"mimeType":"${type}","data":"${base64(image)}"}}]}]}`;
const contentsInSnakeCase = (image: Buffer | string, type = "image/png"): string =>
  `{"contents":[{"parts":[{"inline_data":{"data":"${base64(image)}","mime_type":"${type}"}}]}]}`;

const SHAPES: readonly [string, ImageDialect, typeof chat][] = [
  ["OpenAI chat", "openai", chat],
  ["OpenAI responses", "openai", response],
  ["Anthropic messages", "anthropic", messages],
  ["Anthropic tool results", "anthropic", toolResult],
  ["Gemini contents", "gemini", contents],
  ["Gemini contents in snake case", "gemini", contentsInSnakeCase],
];

/** The base64 text that stands in `body` between what stands before and behind the image in `shape`. */
function imageIn(body: string, shape: typeof chat, type = "image/png"): Buffer {
  const [head = "", tail = ""] = shape("@", type).split("@");
  assert.equal(body.slice(0, head.length), head);
  assert.equal(body.slice(-tail.length), tail);
  return Buffer.from(body.slice(head.length, -tail.length), "base64");
}

for (const [name, dialect, shape] of SHAPES) {
  test(`${name}: a large image is scaled to the longest edge, and every other byte stays`, async () => {
    const image = imageIn(await shrunk(shape(large), dialect), shape);
    assert.deepEqual(await describe(image), { format: "png", width: 100, height: 67 });
    assert.deepEqual([await colourAt(image, 5, 30), await colourAt(image, 95, 30)], ["255,0,0", "0,0,255"]);
  });

  test(`${name}: an image within the limits stays byte for byte`, async () => {
    assert.equal(await shrunk(shape(small), dialect, { format: "webp" }), shape(small));
  });

  test(`${name}: the media type follows the format`, async () => {
    const image = imageIn(await shrunk(shape(large), dialect, { format: "webp" }), shape, "image/webp");
    assert.equal((await describe(image)).format, "webp");
  });
}

for (const format of ["jpeg", "png", "webp", "gif"] as const) {
  test(`\`keep\` writes ${format} as ${format}`, async () => {
    const body = messages(await picture({ width: 300, height: 200, format }), `image/${format}`);
    const image = imageIn(await shrunk(body, "anthropic"), messages, `image/${format}`);
    assert.equal((await describe(image)).format, format);
  });
}

test("an image whose media type is wrong gets the one that it has", async () => {
  const jpeg = await picture({ width: 300, height: 200, format: "jpeg" });
  imageIn(await shrunk(messages(jpeg, "image/png"), "anthropic"), messages, "image/jpeg");
  imageIn(await shrunk(chat(jpeg, "image/jpg"), "openai"), chat, "image/jpeg");
});

test("transparency becomes white in a JPEG", async () => {
  const clear = await sharp({ create: { width: 200, height: 200, channels: 4, background: "#00000000" } })
    .png()
    .toBuffer();
  const image = imageIn(await shrunk(chat(clear), "openai", { format: "jpeg" }), chat, "image/jpeg");
  assert.equal(await colourAt(image, 50, 50), "255,255,255");
});

test("the orientation of a photograph is applied before it is dropped", async () => {
  // Six: turned by a quarter. Its left half stands on top.
  const photo = await picture({ width: 300, height: 200, format: "jpeg", orientation: 6 });
  const image = imageIn(await shrunk(chat(photo, "image/jpeg"), "openai"), chat, "image/jpeg");
  assert.deepEqual(await describe(image), { format: "jpeg", width: 67, height: 100 });
  assert.deepEqual([await colourAt(image, 30, 5), await colourAt(image, 30, 95)], ["255,0,0", "0,0,255"]);
  assert.equal((await sharp(image).metadata()).exif, undefined);
});

for (const format of ["png", "jpeg", "webp"] as const) {
  test(`an image of too many bytes is scaled until it fits: ${format}`, async () => {
    const noisy = await picture({ width: 90, height: 90, noise: true });
    assert.ok(noisy.length > 6000);
    const image = imageIn(
      await shrunk(chat(noisy), "openai", { maxBytes: 3000, format: format === "png" ? "keep" : format }),
      chat,
      `image/${format}`,
    );
    assert.ok(image.length <= 3000);
    assert.equal((await describe(image)).format, format);
  });
}

test("an image that can't be made small enough is refused", async () => {
  const noisy = await picture({ width: 90, height: 90, noise: true });
  await assert.rejects(
    () => shrunk(chat(noisy), "openai", { maxBytes: 60 }),
    /^Error: messages\[0\]\.content\[1\]\.image_url\.url can't be brought below 60 bytes$/,
  );
});

test("several images are scaled each, in whatever order their members stand", async () => {
  const body = `{"messages":[${[large, small, large].map((image) => JSON.stringify({ image_url: { url: dataUrl(image, "image/png") } })).join()}]}`;
  const parsed = JSON.parse(await shrunk(body, "openai", { format: "webp" })) as {
    messages: { image_url: { url: string } }[];
  };
  const formats = parsed.messages.map(({ image_url: { url } }) => url.slice(0, url.indexOf(",")));
  assert.deepEqual(formats, ["data:image/webp;base64", "data:image/png;base64", "data:image/webp;base64"]);
});

test("the URL-safe alphabet, missing padding, line breaks and escaped slashes are read", async () => {
  const text = large.toString("base64");
  const written = [
    large.toString("base64url"),
    text.replace(/=+$/, ""),
    text.replaceAll("/", "\\/"),
    text.replaceAll(/(.{76})/g, "$1\\r\\n"),
  ];
  for (const image of written) {
    assert.equal((await describe(imageIn(await shrunk(contents(image), "gemini"), contents))).width, 100);
  }
});

test("a data URL may have parameters and be written in upper case or with escapes", async () => {
  for (const head of [
    "data:image/png;charset=utf-8;base64,",
    "DATA:IMAGE/PNG;BASE64,",
    "data:image\\/png;base64,",
    "\\u0064ata:image/png;base64,",
  ]) {
    const body = `{"messages":[{"image_url":{"url":"${head}${base64(large)}"}}]}`;
    assert.ok((await shrunk(body, "openai")).length < body.length, head);
  }
});

test("what is no base64 image is left alone", async () => {
  const bodies: readonly [ImageDialect, string][] = [
    ["openai", `{"messages":[{"image_url":{"url":"https://127.0.0.1/a.png"}}]}`],
    ["openai", `{"messages":[{"image_url":{"url":"data:text/plain;base64,AAAA"}}]}`],
    ["openai", `{"messages":[{"image_url":{"url":"data:image/svg+xml;base64,${base64("PHN2Zz48L3N2Zz4=")}"}}]}`],
    ["openai", `{"messages":[{"image_url":{"url":"data:image/heic;base64,AAAA"}}]}`],
    ["openai", `{"messages":[{"image_url":{"url":"data:image/png,AAAA"}}]}`],
    ["openai", `{"messages":[{"role":"user","content":"data:image/png;base64,AAAA"}]}`],
    ["openai", `{"messages":[],"tools":[{"image_url":"${dataUrl(large, "image/png")}"}]}`],
    ["anthropic", `{"messages":[{"content":[{"source":{"type":"url","url":"https://127.0.0.1/a.png"}}]}]}`],
    [
      "anthropic",
      `{"messages":[{"content":[{"source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}`,
    ],
    ["gemini", `{"contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}}]}]}`],
    ["gemini", `{"contents":[{"parts":[{"fileData":{"mimeType":"image/png","fileUri":"x"}}]}]}`],
    ["gemini", `{"contents":[]}`],
  ];
  for (const [dialect, body] of bodies) assert.equal(await shrunk(body, dialect), body);
});

test("a place outside of the images is told where it is afterwards", async () => {
  for (const body of [messages(large), `{"model":"m",${messages(large).slice(1).replace(',"model":"m"', "")}`]) {
    const start = body.indexOf('"m"');
    const result = await shrinkImages({
      body: Buffer.from(body),
      dialect: "anthropic",
      limits: { ...LIMITS, format: "webp" },
      mark: { start, end: start + 3 },
    });
    assert.ok(result.ok && result.body.length < body.length);
    assert.equal(Buffer.from(result.body).toString("utf8", result.mark!.start, result.mark!.end), '"m"');
  }
});

test("a bomb is refused by its header: 30,000 × 30,000 pixels in half a MB", async () => {
  const bomb = blackPng(30_000, 30_000);
  const beforeBytes = process.memoryUsage.rss();
  assert.equal(
    await refusal(bomb),
    "messages[0].content[1].image_url.url has 30000 × 30000 pixels, and 67108864 are accepted",
  );
  assert.ok(process.memoryUsage.rss() - beforeBytes < 64 * 1024 * 1024);
});

test("many large images in one request are refused by their headers, too", async () => {
  const flat = blackPng(8000, 8000);
  const parts = Array.from({ length: 9 }, () => ({ image_url: { url: dataUrl(flat, "image/png") } }));
  await assert.rejects(
    () => shrunk(JSON.stringify({ messages: parts }), "openai"),
    /^Error: messages\[8\]\.image_url\.url and those before it have more than 536870912 pixels together$/,
  );
});

test("corrupt and truncated images are refused, each format", async () => {
  for (const format of ["png", "jpeg", "webp", "gif"] as const) {
    const whole = await picture({ width: 300, height: 200, format, noise: format !== "gif" });
    const type = `image/${format}`;
    for (const broken of [whole.subarray(0, 20), whole.subarray(0, whole.length >> 1), Buffer.alloc(0)]) {
      assert.match(
        await refusal(broken, type),
        /is corrupt$|file that it is said to be$/,
        `${format} ${broken.length}`,
      );
    }
  }
});

test("what is said to be a picture and is none is refused: SVG, text, random bytes", async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9999" height="9999"/>');
  for (const image of [svg, Buffer.from("hello"), "@@@@", ""]) {
    assert.match(await refusal(image), /is not the JPEG, PNG, WebP or GIF file that it is said to be$/);
  }
});

test("of an animation the first picture is left", async () => {
  const frames = await Promise.all([
    picture({ width: 200, height: 200 }),
    picture({ width: 200, height: 200, noise: true }),
  ]);
  for (const format of ["gif", "webp"] as const) {
    const animation = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer();
    assert.equal((await sharp(animation).metadata()).pages, 2);
    const image = imageIn(await shrunk(chat(animation, `image/${format}`), "openai"), chat, `image/${format}`);
    assert.deepEqual([(await describe(image)).width, (await sharp(image).metadata()).pages ?? 1], [100, 1]);
    assert.equal(await colourAt(image, 5, 50), "255,0,0");
  }
});

test("a member that stands twice in an image is refused: two readers may take either", async () => {
  const url = dataUrl(small, "image/png");
  await assert.rejects(
    () => shrunk(`{"messages":[{"image_url":{"url":"${url}","\\u0075rl":"${url}"}}]}`, "openai"),
    /^Error: messages\[0\]\.image_url\.url stands there twice$/,
  );
});
