/** Reading unknown JSON by path, for the few places that parse what an upstream said. */

/** The value at `path`, or `undefined` where any step is missing or not an object or array. Own keys only. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

/** `value` as a token count: a whole number from 0 to 2^53, else `undefined`. */
export function tokenCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The part of a usage that says how much input was cached; nothing where none was. */
export function cachedPart(cached: number | undefined): { readonly cachedInputTokens?: number } {
  return cached === undefined || cached === 0 ? {} : { cachedInputTokens: cached };
}

/** Parsed JSON, or `undefined`. @param text at most a line or a body that was bounded before. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The object that `text` begins with, whatever follows it; `undefined` where that is not one whole object. */
export function leadingObject(text: string): unknown {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{") depth++;
    else if (character === "}" && --depth <= 0) return parseJson(text.slice(0, i + 1));
  }
  return undefined;
}

/** Whether `value` is a string, array or object that holds anything. */
export function hasContent(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** The elements of an array; nothing for what is none. */
export function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
