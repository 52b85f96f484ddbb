/** Whether a body is worth the search for images. */

/**
 * What every image in a request has near it: `;base64,` (data URLs), `"base64"` (Anthropic's `type`), `inlineData`,
 * `inline_data`. The last: any of these letters may be written as an escape of six characters.
 */
const MARKS = ["base64", "BASE64", "inline", String.raw`\u00`].map((mark) => Buffer.from(mark));

/** False where there is no base64 image for certain. A quarter of a millisecond a MiB at most. */
export function mayHoldImages(body: Buffer): boolean {
  return MARKS.some((mark) => body.includes(mark));
}
