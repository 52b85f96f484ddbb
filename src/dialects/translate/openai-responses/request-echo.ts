/** What the Responses API repeats of a request in its answers. */
import type { Json } from "./response-object.ts";

/** As they stand, where the caller said them. */
const ECHOED = [
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "metadata",
  "parallel_tool_calls",
  "reasoning",
  "safety_identifier",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "user",
] as const;

/** It is kept as long as the answer streams, and said three times: characters of JSON, beyond which a field is left out. */
const MAX_ECHO_CHARACTERS = 16 * 1024;

/** @param body a request that has been read without a fault. */
export function echoOf(body: Json): Json {
  let left = MAX_ECHO_CHARACTERS;
  const echo: Record<string, unknown> = {};
  for (const field of ECHOED) {
    const value = Object.hasOwn(body, field) ? body[field] : undefined;
    if (value === undefined || value === null) continue;
    const size = JSON.stringify(value).length;
    if (size > left) continue;
    left -= size;
    echo[field] = value;
  }
  return echo;
}
