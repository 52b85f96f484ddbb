/** Takes our key out of what an upstream says. */

/** A shorter key could be part of an innocent word. */
const MIN_REDACTED_LENGTH = 8;

/** Whether the key is still there once the JSON's escapes are undone, as every SDK does. */
export function holdsKey(parsed: unknown, apiKey: string | undefined): boolean {
  return apiKey !== undefined && redact(JSON.stringify(parsed), apiKey) !== JSON.stringify(parsed);
}

/** `text` without the key. */
export function redact(text: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey.length < MIN_REDACTED_LENGTH) return text;
  // In a JSON body a quote or backslash of the key stands escaped.
  return text.replaceAll(apiKey, "[redacted]").replaceAll(JSON.stringify(apiKey).slice(1, -1), "[redacted]");
}
