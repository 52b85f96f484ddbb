/** What a stream of common events adds up to, for tests that compare it with a whole answer or with an SDK's reading. */
import { AssistantParts } from "../../../../../src/dialects/translate/gemini/assistant-parts.ts";
import type {
  AssistantPart,
  CommonEvent,
  CommonUsage,
  StopReason,
} from "../../../../../src/dialects/translate/common.ts";

/** A stream, read to its end. */
export interface Gathered {
  readonly id: string | undefined;
  readonly model: string | undefined;
  readonly parts: readonly AssistantPart[];
  readonly stopReason: StopReason | undefined;
  readonly usage: Partial<CommonUsage> | undefined;
  readonly error: string | undefined;
  readonly isEnded: boolean;
}

/** @throws where the order of the events is not legal. */
export function gather(events: readonly CommonEvent[]): Gathered {
  const parts = new AssistantParts();
  const calls = new Map<number, { id: string; name: string; json: string }>();
  let usage: Partial<CommonUsage> | undefined;
  let start: Extract<CommonEvent, { kind: "start" }> | undefined;
  let stopReason: StopReason | undefined;
  let error: string | undefined;
  let isEnded = false;
  for (const event of events) {
    if (isEnded || error !== undefined) throw new Error(`${event.kind} after the end`);
    if (start === undefined && event.kind !== "start" && event.kind !== "error") throw new Error("no start");
    if (event.kind === "start") start = event;
    else if (event.kind === "text") parts.text(event.text);
    else if (event.kind === "reasoning") parts.reasoning(event.text);
    else if (event.kind === "reasoning_signature") parts.signature(event.signature);
    else if (event.kind === "refusal") parts.push({ kind: "refusal", text: event.text });
    else if (event.kind === "image") parts.push({ kind: "image", source: event.source });
    else if (event.kind === "tool_call") {
      if (event.index !== calls.size) throw new Error(`call ${event.index} after ${calls.size}`);
      const { id, name, signature } = event;
      calls.set(event.index, { id, name, json: "" });
      parts.push({ kind: "tool_call", id, name, arguments: "", ...(signature === undefined ? {} : { signature }) });
    } else if (event.kind === "tool_arguments") calls.get(event.index)!.json += event.json;
    else if (event.kind === "usage") usage = Object.assign({}, usage, event.usage);
    else if (event.kind === "finish") stopReason = event.stopReason;
    else if (event.kind === "error") error = event.message;
    else isEnded = true;
  }
  let index = 0;
  const whole = parts.parts.map((part) =>
    part.kind === "tool_call" ? Object.assign({}, part, { arguments: calls.get(index++)!.json }) : part,
  );
  return { id: start?.id, model: start?.model, parts: whole, stopReason, usage, error, isEnded };
}
