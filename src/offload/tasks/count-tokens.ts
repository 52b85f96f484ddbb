/** Task `count_tokens`: how many tokens the prompt of a request has, by OpenAI's encoding o200k_base. */
import { asBuffer } from "../transfer.ts";
import { promptText } from "./prompt-text.ts";
import type { PromptKind } from "./prompt-text.ts";

/**
 * The library's merging is quadratic in the length of a piece (a run of letters, of spaces, of symbols): 64 KiB of one letter
 * take 4 s. Past this sum of squared lengths, about a second of work, a prompt is not counted.
 */
const MAX_SQUARED_BYTES = 1_000_000_000;
/** Shorter pieces are not worth being measured. */
const MEASURED_LENGTH = 64;
/** Pieces whose merging is remembered within one prompt. */
const REMEMBERED_PIECES = 10_000;

interface Input {
  /** One JSON object, scanned. */
  readonly body: Uint8Array;
  readonly kind: PromptKind;
}

interface Output {
  /** `null`: the text has a piece that would take too long. */
  readonly tokens: number | null;
}

/**
 * Exact for text in OpenAI's chat format and models since GPT-4o. Of tools the names and texts count, since how they are put
 * before the model is not published; images and files do not count. For other providers' models it is an estimate.
 */
export async function countTokens({ body, kind }: Input): Promise<Output> {
  const request = JSON.parse(asBuffer(body).toString("utf8")) as Readonly<Record<string, unknown>>;
  const { texts, extraTokens } = promptText(request, kind);
  const tokens = await countTexts(texts);
  return { tokens: tokens === null ? null : tokens + extraTokens };
}

/** @returns the tokens of all texts together; `null` where that would take too long. */
async function countTexts(texts: readonly string[]): Promise<number | null> {
  // Loaded with the first prompt: 75 MB and half a second.
  const [encoding, { O200K_TOKEN_SPLIT_REGEX }] = await Promise.all([
    import("gpt-tokenizer/encoding/o200k_base"),
    import("gpt-tokenizer/encodingParams/constants"),
  ]);
  let squaredBytes = 0;
  for (const text of texts) {
    for (const [piece] of text.matchAll(O200K_TOKEN_SPLIT_REGEX)) {
      if (piece.length >= MEASURED_LENGTH) squaredBytes += Buffer.byteLength(piece) ** 2;
      if (squaredBytes > MAX_SQUARED_BYTES) return null;
    }
  }
  encoding.setMergeCacheSize(REMEMBERED_PIECES);
  let tokens = 0;
  // What looks like a special token in a prompt is text: a client can't say anything else.
  for (const text of texts) tokens += encoding.countTokens(text, { disallowedSpecial: new Set() });
  // A remembered piece keeps the prompt alive that it was cut from.
  encoding.clearMergeCache();
  return tokens;
}
