/** What the Responses API promises about the order of a stream's events, written down apart from the code that keeps it. */
import assert from "node:assert/strict";
import { createParser } from "eventsource-parser";

type Json = Readonly<Record<string, unknown>>;

/** One event of the stream. */
export interface ResponsesEvent extends Json {
  readonly type: string;
  readonly sequence_number: number;
}

const TERMINAL = new Set(["response.completed", "response.incomplete", "response.failed"]);

/** The events in `text`, whose names are their types. */
export function parseEvents(text: string): ResponsesEvent[] {
  const events: ResponsesEvent[] = [];
  const parser = createParser({
    onEvent(message) {
      const event = JSON.parse(message.data) as ResponsesEvent;
      assert.equal(message.event, event.type);
      events.push(event);
    },
  });
  parser.feed(text);
  return events;
}

interface OpenItem {
  readonly id: string;
  readonly type: string;
  /** Of the parts, by their index: what the deltas were, `null` once it is done. */
  readonly parts: (string | null)[];
  arguments: string;
}

/** Asserts the order of a stream that went well. @returns the last event's response. */
export function assertLegal(events: readonly ResponsesEvent[]): Json {
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, i) => i),
  );
  assert.deepEqual(
    events.slice(0, 2).map((event) => event.type),
    ["response.created", "response.in_progress"],
  );
  const open = new Map<number, OpenItem>();
  const done: Json[] = [];
  let added = 0;
  for (const event of events.slice(2, -1)) {
    assert.ok(!TERMINAL.has(event.type), event.type);
    const index = event["output_index"] as number;
    if (event.type === "response.output_item.added") {
      const item = event["item"] as { id: string; type: string };
      assert.equal(index, added++);
      open.set(index, { id: item.id, type: item.type, parts: [], arguments: "" });
      continue;
    }
    const item = open.get(index);
    assert.ok(item !== undefined, `${event.type} of an item that is not open`);
    if (event.type === "response.output_item.done") {
      const whole = event["item"] as Json & { id: string; arguments?: string };
      assert.equal(whole.id, item.id);
      assert.ok(item.parts.every((part) => part === null));
      if (item.type === "function_call") assert.equal(whole.arguments, item.arguments);
      done[index] = whole;
      open.delete(index);
      continue;
    }
    assert.equal(event["item_id"], item.id);
    follow(event, item);
  }
  assert.equal(open.size, 0);
  const last = events.at(-1)!;
  assert.ok(TERMINAL.has(last.type));
  const response = last["response"] as Json;
  assert.equal(`response.${String(response["status"])}`, last.type);
  assert.deepEqual(response["output"], done);
  return response;
}

function follow(event: ResponsesEvent, item: OpenItem): void {
  const at = (event["content_index"] ?? event["summary_index"]) as number;
  switch (event.type) {
    case "response.content_part.added":
      assert.equal(item.type, "message");
      assert.equal(at, item.parts.length);
      assert.equal(
        item.parts.findIndex((part) => part !== null),
        -1,
      );
      item.parts.push("");
      break;
    case "response.reasoning_summary_part.added":
      assert.equal(item.type, "reasoning");
      assert.equal(at, item.parts.length);
      item.parts.push("");
      break;
    case "response.output_text.delta":
    case "response.refusal.delta":
    case "response.reasoning_summary_text.delta":
      assert.equal(typeof item.parts[at], "string");
      item.parts[at] = `${item.parts[at]}${event["delta"] as string}`;
      break;
    case "response.output_text.done":
    case "response.reasoning_summary_text.done":
      assert.equal(event["text"], item.parts[at]);
      break;
    case "response.refusal.done":
      assert.equal(event["refusal"], item.parts[at]);
      break;
    case "response.content_part.done":
    case "response.reasoning_summary_part.done": {
      const part = event["part"] as { text?: string; refusal?: string };
      assert.equal(part.text ?? part.refusal, item.parts[at]);
      item.parts[at] = null;
      break;
    }
    case "response.function_call_arguments.delta":
      assert.equal(item.type, "function_call");
      item.arguments += event["delta"] as string;
      break;
    case "response.function_call_arguments.done":
      assert.equal(event["arguments"], item.arguments);
      break;
    default:
      assert.match(event.type, /^response\.image_generation_call\.(in_progress|generating|completed)$/);
      assert.equal(item.type, "image_generation_call");
  }
}
