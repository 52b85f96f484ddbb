/** Writes the messages of a conversation as `contents`. */
import type { AssistantPart, Message, ToolResultPart, UserPart } from "../common.ts";
import { argumentsObject } from "../call-arguments.ts";
import { pathsOf } from "../common-path.ts";
import type { PathOfPart } from "../common-path.ts";
import type { Loss } from "../translation.ts";
import type { ModelTraits } from "./model-traits.ts";
import { ownSignature, writeAssistantParts, writeUserPart } from "./write-parts.ts";
import type { Part } from "./write-parts.ts";

/**
 * Stands in for the signature of a call that Gemini 3 did not make itself, or whose signature the caller's API has no place
 * for; without one it refuses the conversation (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
const NO_SIGNATURE = "skip_thought_signature_validator";

interface Content {
  readonly role: "user" | "model";
  readonly parts: readonly Part[];
}

/** Neighbours of one role are one content; results come first in it, since they must follow their calls at once. */
export function writeContents(messages: readonly Message[], traits: ModelTraits, losses: Loss[]): readonly Content[] {
  const names = callNames(messages);
  const pathOf = pathsOf(messages);
  const contents: Content[] = [];
  for (const message of messages) if (message.role === "user") warnOfNames(message.parts, pathOf, losses);
  for (const run of runsOf(messages)) {
    if (run.role === "assistant") {
      add(contents, "model", writeModelParts(run.parts, pathOf, traits, losses));
      continue;
    }
    const results = run.parts.filter((part) => part.kind === "tool_result");
    const others = run.parts.filter((part) => part.kind !== "tool_result");
    const written = results.map((result) => writeResult(result, names, traits));
    add(
      contents,
      "user",
      written.map(({ part }) => part),
    );
    add(contents, "user", [...written.flatMap(({ beside }) => beside), ...others.map(writeUserPart)]);
  }
  return contents;
}

/**
 * Google AI refuses a request for a file's `displayName`, and Vertex has it read by Google's own tools alone. Where there is a
 * name it is seldom the question, and OpenAI's callers have to give one.
 */
function warnOfNames(
  parts: readonly (UserPart | ToolResultPart["content"][number])[],
  pathOf: PathOfPart,
  losses: Loss[],
): void {
  for (const part of parts) {
    if (part.kind === "tool_result") warnOfNames(part.content, pathOf, losses);
    if (part.kind !== "document" || part.name === undefined) continue;
    losses.push({ field: `${pathOf(part)}.name`, reason: "Gemini's models read no names of files", warning: true });
  }
}

type Run =
  | { readonly role: "user"; readonly parts: readonly UserPart[] }
  | { readonly role: "assistant"; readonly parts: readonly AssistantPart[] };

/** Turns whose thoughts alone were foreign have nothing left to say, so their neighbours become one. */
function runsOf(messages: readonly Message[]): readonly Run[] {
  const runs: { readonly role: Run["role"]; readonly parts: (UserPart | AssistantPart)[] }[] = [];
  for (const message of messages) {
    if (message.role === "assistant" && message.parts.every(isForeignThought)) continue;
    let last = runs.at(-1);
    if (last?.role !== message.role) runs.push((last = { role: message.role, parts: [] }));
    for (const part of message.parts) last.parts.push(part);
  }
  return runs as readonly Run[];
}

function isForeignThought(part: AssistantPart): boolean {
  return part.kind === "reasoning" && part.signature?.family !== "gemini";
}

function add(contents: Content[], role: Content["role"], parts: readonly Part[]): void {
  const telling = parts.filter((part) => part["text"] !== "" || part["thoughtSignature"] !== undefined);
  if (parts.length > 0) contents.push({ role, parts: telling.length > 0 ? telling : parts.slice(0, 1) });
}

function writeModelParts(
  parts: readonly AssistantPart[],
  pathOf: PathOfPart,
  traits: ModelTraits,
  losses: Loss[],
): readonly Part[] {
  const own = parts.filter((part) => !isForeignThought(part));
  for (const part of own) {
    if (part.kind === "tool_call" && argumentsObject(part.arguments) === undefined) {
      const field = `${pathOf(part)}.arguments`;
      losses.push({ field, reason: "must be the JSON of an object", essential: true });
    }
  }
  const written = writeAssistantParts(own, ownSignature);
  const first = written.findIndex((part) => part["functionCall"] !== undefined);
  if (traits.isThirdGeneration && first !== -1 && written[first]!["thoughtSignature"] === undefined) {
    // Of calls that were made together only the first is signed.
    written[first] = { ...written[first], thoughtSignature: NO_SIGNATURE };
  }
  return written;
}

/** The names of all calls, by id. */
function callNames(messages: readonly Message[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { parts } of messages) {
    for (const part of parts) if (part.kind === "tool_call") names.set(part.id, part.name);
  }
  return names;
}

/** @returns the result, and what has no place in it with an older model and so stands beside it. */
function writeResult(
  result: ToolResultPart,
  names: ReadonlyMap<string, string>,
  { isThirdGeneration }: ModelTraits,
): { readonly part: Part; readonly beside: readonly Part[] } {
  const text = result.content.flatMap((part) => (part.kind === "text" ? [part.text] : [])).join("\n");
  const media = result.content.flatMap((part) => (part.kind === "text" ? [] : [writeUserPart(part)]));
  const functionResponse = {
    id: result.id,
    name: result.name ?? names.get(result.id) ?? result.id,
    response: result.isError ? { error: text } : { output: text },
  };
  if (media.length === 0 || !isThirdGeneration) return { part: { functionResponse }, beside: media };
  return { part: { functionResponse: { ...functionResponse, parts: media } }, beside: [] };
}
