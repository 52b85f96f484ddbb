/**
 * Base64 in its two alphabets (RFC 4648, sections 4 and 5), and `data:` URLs (RFC 2397).
 *
 * In the common form bytes are in the standard alphabet with padding. Google's SDKs send the URL-safe one, and Google takes
 * both; OpenAI and Anthropic take the standard one alone.
 */

const NOT_BASE64 = /[^A-Za-z0-9+/_-]/;
const DATA_URL = /^data:([^,;]*)((?:;[^,;]*)*),/i;

/** Bytes with their type, in standard base64 with padding. */
export interface InlineData {
  readonly mediaType: string;
  readonly data: string;
}

/**
 * @param text base64 in either alphabet, padded or not, with line breaks or without.
 * @returns it in the standard alphabet, padded, or `undefined` where it is no base64.
 */
export function standardBase64(text: string): string | undefined {
  const joined = /\s/.test(text) ? text.replaceAll(/\s+/g, "") : text;
  const bare = joined.endsWith("=") ? joined.replace(/={1,2}$/, "") : joined;
  if (NOT_BASE64.test(bare) || bare.length % 4 === 1) return undefined;
  const standard = /[-_]/.test(bare) ? bare.replaceAll("-", "+").replaceAll("_", "/") : bare;
  return standard + "=".repeat((4 - (standard.length % 4)) % 4);
}

/** @param standard with or without padding. @returns it in the URL-safe alphabet, without padding. */
export function urlSafeBase64(standard: string): string {
  return standard.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Whether `url` holds its data itself. */
export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url);
}

/** @returns what a `data:` URL holds, or `undefined` where it is none. One without a type is `text/plain`, as the RFC says. */
export function parseDataUrl(url: string): InlineData | undefined {
  const head = DATA_URL.exec(url.slice(0, 512));
  if (head === null) return undefined;
  const [whole, type, parameters] = head as unknown as [string, string, string];
  const mediaType = type.trim().toLowerCase() || "text/plain";
  const rest = url.slice(whole.length);
  if (/;\s*base64\s*$/i.test(parameters)) {
    const data = standardBase64(rest.includes("%") ? (decoded(rest) ?? "%") : rest);
    return data === undefined ? undefined : { mediaType, data };
  }
  const text = decoded(rest);
  return text === undefined ? undefined : { mediaType, data: Buffer.from(text, "utf8").toString("base64") };
}

/** @returns a `data:` URL of bytes in standard base64. */
export function dataUrl({ mediaType, data }: InlineData): string {
  return `data:${mediaType};base64,${data}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
