/** What a stream comes to, for tests to compare. */
import { createParser } from "eventsource-parser";
import type { CommonEvent, CommonUsage, StopReason } from "../../../../../src/dialects/translate/common.ts";
import type { WireEvent } from "../../../../../src/dialects/translate/translation.ts";

/** A stream's server-sent events. */
export function eventsOfText(text: string): WireEvent[] {
  const events: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ type: event ?? "", data }),
    maxBufferSize: Infinity,
  });
  parser.feed(text);
  return events;
}

/** See {@link answerOf}. */
export interface Gathered {
  text: string;
  reasoning: string;
  readonly signatures: string[];
  readonly calls: { readonly id: string; readonly name: string; json: string }[];
  stopReason: StopReason | undefined;
  stopSequence: string | undefined;
  usage: Partial<CommonUsage>;
  ended: boolean;
  error: string | undefined;
}

/** All that a stream's events say, put together. */
export function answerOf(events: readonly CommonEvent[]): Gathered {
  const gathered: Gathered = {
    text: "",
    reasoning: "",
    signatures: [],
    calls: [],
    stopReason: undefined,
    stopSequence: undefined,
    usage: {},
    ended: false,
    error: undefined,
  };
  for (const event of events) {
    if (event.kind === "text") gathered.text += event.text;
    else if (event.kind === "reasoning") gathered.reasoning += event.text;
    else if (event.kind === "reasoning_signature") gathered.signatures.push(event.signature.data);
    else if (event.kind === "tool_call") gathered.calls[event.index] = { id: event.id, name: event.name, json: "" };
    else if (event.kind === "tool_arguments") gathered.calls[event.index]!.json += event.json;
    else if (event.kind === "usage") gathered.usage = { ...gathered.usage, ...event.usage };
    else if (event.kind === "finish") {
      gathered.stopReason = event.stopReason;
      gathered.stopSequence = event.stopSequence;
    } else if (event.kind === "end") gathered.ended = true;
    else if (event.kind === "error") gathered.error = event.message;
  }
  return gathered;
}
