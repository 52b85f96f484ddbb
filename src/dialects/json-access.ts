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

/** Parsed JSON, or `undefined`. @param text at most a line or a body that was bounded before. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
