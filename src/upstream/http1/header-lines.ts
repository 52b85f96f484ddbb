/**
 * Strict reading of a response's status line and header lines (RFC 9112 §4, §5). Anything a lenient parser would have to
 * guess about (bare CR or LF, folding, space before the colon, control characters) is a fault, because two parsers that
 * guess differently are how responses get smuggled.
 */
import type { HeaderList } from "../exchange.ts";

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Field values: visible bytes, space, tab and obs-text; no other control characters. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A status line that was understood. */
export interface StatusLine {
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  readonly minorVersion: number;
  /** 100–599. */
  readonly status: number;
}

/** @param line without its CRLF, as latin1. @returns `undefined` when it is not a status line of HTTP/1.0 or 1.1. */
export function parseStatusLine(line: string): StatusLine | undefined {
  const match = STATUS_LINE.exec(line);
  if (match === null) return undefined;
  return { minorVersion: Number(match[1]), status: Number(match[2]) };
}

/**
 * @param block header lines as latin1, separated by CRLF, without the last CRLF; may be empty.
 * @returns flat pairs with names in lower case, or `undefined` when a line is not a header field.
 */
export function parseHeaderLines(block: string): HeaderList | undefined {
  const headers: string[] = [];
  let start = 0;
  while (start < block.length) {
    let end = block.indexOf("\r\n", start);
    if (end === -1) end = block.length;
    const colon = block.indexOf(":", start);
    if (colon === -1 || colon >= end) return undefined;
    const name = block.slice(start, colon);
    const value = block.slice(colon + 1, end);
    if (!FIELD_NAME.test(name) || !FIELD_VALUE.test(value)) return undefined;
    headers.push(name.toLowerCase(), trimSpace(value));
    start = end + 2;
  }
  return headers;
}

/** Takes spaces and tabs off both ends. A regular expression for this is quadratic on a value that is all spaces. */
function trimSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
