/**
 * The arguments of tool calls: JSON text in the common form and in OpenAI's API, an object in the others.
 *
 * On the way from one to the other whole numbers keep all their digits. JavaScript's own would round what is beyond 2^53, such as
 * the 64-bit ids of Discord and others, and the tool would be called for somebody else. What is beyond 1.8e308 would become null.
 */
import { isRecord } from "./json-pick.ts";

/** Deeper ones could never be given back: a request may be 128 deep, and they stand some way down in it. */
const MAX_DEPTH = 100;
/** Longer texts are read as JavaScript reads them: exactly, one of 32 MiB could take 15 s and a gigabyte. */
const MAX_EXACT_CHARACTERS = 1024 * 1024;
/** 2^53 has as many digits. */
const LONG_NUMBER_CHARACTERS = 16;
const WHOLE_NUMBER = /^-?\d+$/;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** In every engine since 2023, but not yet in the types. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function exact(_: string, value: unknown, { source = "" }: { readonly source?: string }): unknown {
  return typeof value === "number" && isRounded(value, source) ? rawJSON(source) : value;
}

function isRounded(value: number, source: string): boolean {
  return !Number.isFinite(value) || (!Number.isSafeInteger(value) && WHOLE_NUMBER.test(source));
}

/**
 * @returns what `text` says, or `undefined` where it is not JSON. A whole number beyond 2^53, and one that JavaScript has no value
 * for, is an object that `JSON.stringify` writes as it was written, and that is no number to anyone else. Texts of more than 1 MiB
 * are read with such numbers rounded.
 */
export function parseExactly(text: string): unknown {
  try {
    const isPlain = text.length > MAX_EXACT_CHARACTERS || !hasRounded(text);
    return isPlain ? (JSON.parse(text) as unknown) : (JSON.parse(text, exact as Reviver) as unknown);
  } catch {
    return undefined;
  }
}

/** Whether a number would be rounded, outside of strings: few texts have any, and reading without is many times as fast. */
function hasRounded(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i + 1);
    else if (isDigit(code)) {
      const start = i;
      let hasExponent = false;
      for (let next = text.charCodeAt(i + 1); isInNumber(next); next = text.charCodeAt(++i + 1)) {
        hasExponent ||= isExponent(next);
      }
      const number = hasExponent || i + 1 - start >= LONG_NUMBER_CHARACTERS ? text.slice(start, i + 1) : "0";
      if (isRounded(Number(number), number)) return true;
    }
  }
  return false;
}

/** @returns where the closing quote is of the string whose text begins at `from`; the text's end where it has none. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isExponent(code: number): boolean {
  return code === 0x65 || code === 0x45;
}

/** A digit or one of `.eE+-`. */
function isInNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || isExponent(code) || code === 0x2b || code === 0x2d;
}

/** A call's arguments; `undefined` where they are no whole JSON object, or too deep. Some upstreams say "" for none. */
export function argumentsObject(json: string): Readonly<Record<string, unknown>> | undefined {
  if (json.trim() === "") return {};
  const value = json.trimStart().startsWith("{") ? parseExactly(json) : undefined;
  return isRecord(value) && isWithin(value, MAX_DEPTH) ? value : undefined;
}

/** The other way round. @param value as an upstream wrote it, parsed. @returns `undefined` where it is too deep to be written. */
export function argumentsText(value: unknown): string | undefined {
  return isWithin(value, MAX_DEPTH) ? JSON.stringify(value ?? {}) : undefined;
}

function isWithin(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isWithin(inner, depth - 1));
}
