/**
 * The arguments of tool calls: JSON text in the common form and in OpenAI's API, an object in the others.
 *
 * On the way from one to the other whole numbers keep all their digits. JavaScript's own would round what is beyond 2^53, such as
 * the 64-bit ids of Discord and others, and the tool would be called for somebody else.
 */
import { isRecord } from "./json-pick.ts";

/** Deeper ones could never be given back: a request may be 128 deep, and they stand some way down in it. */
const MAX_DEPTH = 100;
/** What may be a whole number that is beyond 2^53. Few texts have any, and reading without is five times as fast. */
const LONG_NUMBER = /[[:,]\s*-?\d{16}/;
const WHOLE_NUMBER = /^-?\d+$/;

type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** In every engine since 2023, but not yet in the types. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function exact(_: string, value: unknown, { source = "" }: { readonly source?: string }): unknown {
  const isRounded = typeof value === "number" && !Number.isSafeInteger(value) && WHOLE_NUMBER.test(source);
  return isRounded ? rawJSON(source) : value;
}

/**
 * @returns what `text` says, or `undefined` where it is not JSON. A whole number beyond 2^53 is an object that `JSON.stringify`
 * writes as it was written, and that is no number to anyone else.
 */
export function parseExactly(text: string): unknown {
  try {
    return LONG_NUMBER.test(text) ? (JSON.parse(text, exact as Reviver) as unknown) : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
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
