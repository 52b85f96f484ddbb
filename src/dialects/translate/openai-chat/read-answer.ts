/** Reads a whole chat answer into the common form. */
import { randomUUID } from "node:crypto";
import { at, elements, hasContent } from "../../json-access.ts";
import { argumentsText } from "../call-arguments.ts";
import type { AssistantPart, CommonAnswer, ToolCallPart } from "../common.ts";
import { Dropped } from "../dropped.ts";
import { readCallSignature } from "./call-signature.ts";
import { readLogprobs } from "./logprobs.ts";
import { readOutput } from "./read-output.ts";
import { isFailure, readStop } from "./stop-reason.ts";
import { readEventUsage } from "./usage.ts";

/** Sources of an answer: OpenAI's, and those of Perplexity and xAI beside it. Sound that only OpenAI's models make. */
const DROPPED_OF_MESSAGE = ["annotations", "audio"] as const;
const DROPPED_OF_BODY = ["citations", "search_results"] as const;

/** See `BackTranslation.readAnswer`. Of several choices the first is the answer. */
export function readAnswer(body: unknown): CommonAnswer | undefined {
  const choice = at(body, "choices", 0);
  const message = at(choice, "message");
  if (hasContent(at(body, "error")) || typeof message !== "object" || message === null) return undefined;
  if (isFailure(at(choice, "finish_reason"))) return undefined;
  const calls = readCalls(message);
  if (calls === undefined) return undefined;
  const parts: readonly AssistantPart[] = [...readOutput(message), ...calls];
  const logprobs = readLogprobs(at(choice, "logprobs"));
  return {
    id: stringOr(at(body, "id"), () => `chatcmpl-${randomUUID()}`),
    model: stringOr(at(body, "model"), () => ""),
    createdSeconds: secondsOf(at(body, "created")),
    parts,
    ...readStop(choice, { hasCalls: calls.length > 0, hasRefusal: parts.some(({ kind }) => kind === "refusal") }),
    usage: readEventUsage(body),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...droppedOf(body, message),
  };
}

function droppedOf(body: unknown, message: object): ReturnType<Dropped["field"]> {
  const dropped = new Dropped();
  for (const name of DROPPED_OF_MESSAGE) if (hasContent(at(message, name))) dropped.add("choices[].message", name);
  for (const name of DROPPED_OF_BODY) if (hasContent(at(body, name))) dropped.add(name, undefined);
  return dropped.field();
}

/** @returns `value`, where it is a time; else now. Seconds since 1970. */
export function secondsOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0
    ? Math.floor(value)
    : Math.floor(Date.now() / 1000);
}

/** @returns `value`, where it is a text that is not empty. */
export function stringOr(value: unknown, otherwise: () => string): string {
  return typeof value === "string" && value !== "" ? value : otherwise();
}

/** @returns a call's arguments as JSON text; Ollama has sent them as an object, which may be too deep: `undefined`. */
export function argumentsOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? argumentsText(value) : "";
}

/** @returns Google's proof of a call; Vertex AI has it under a name of its own. */
export function signatureOf(call: unknown): ReturnType<typeof readCallSignature> {
  return {
    ...readCallSignature({ extra_content: { google: at(call, "extra_content", "vertex") } }),
    ...readCallSignature(call),
  };
}

/** @returns `undefined` where one can't be written. */
function readCalls(message: unknown): readonly ToolCallPart[] | undefined {
  const legacy = at(message, "function_call");
  const calls = elements(at(message, "tool_calls")).map((call) => ({
    id: at(call, "id"),
    called: at(call, "function"),
    signature: signatureOf(call),
  }));
  if (calls.length === 0 && hasContent(legacy)) calls.push({ id: undefined, called: legacy, signature: {} });
  const parts: ToolCallPart[] = [];
  for (const { id, called, signature } of calls) {
    const name = at(called, "name");
    if (typeof name !== "string" || name === "") continue;
    const json = argumentsOf(at(called, "arguments"));
    if (json === undefined) return undefined;
    parts.push({
      kind: "tool_call",
      id: stringOr(id, () => `call_${randomUUID()}`),
      name,
      arguments: json.trim() === "" ? "{}" : json,
      ...signature,
    });
  }
  return parts;
}
