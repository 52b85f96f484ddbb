/** JSON for a wire on which one character must be one byte. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** Everything past ASCII is sent as `\uXXXX`. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The JSON before and after a text that changes with each event, so that an event costs a concatenation instead of a
 * `JSON.stringify`.
 *
 * @param build Makes the event around the text; must use it in one place, as a whole string.
 */
export function jsonAround(build: (text: string) => unknown): { readonly before: string; readonly after: string } {
  const empty = asciiJson(build(""));
  const filled = asciiJson(build("x"));
  // They part where the text begins: there the empty one has the closing quote.
  let at = 0;
  while (empty.charCodeAt(at) === filled.charCodeAt(at)) at++;
  return { before: empty.slice(0, at), after: empty.slice(at) };
}
