import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AssistantPart, CommonAnswer, CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { geminiBack, geminiFront } from "../../../../../src/dialects/translate/gemini/translation.ts";
import { SseEvents } from "../../../../../src/dialects/translate/sse-events.ts";
import { answers, eventsOf, requests } from "./arbitraries.ts";
import { gather } from "./gathered.ts";

const context = { model: "m", wantsUsage: true, framing: "sse" } as const;
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** A stand-in for a signature, which Gemini 3 is given for a call that has none, is no signature. */
function withoutStandIn(part: AssistantPart): AssistantPart {
  if (part.kind !== "tool_call" || part.signature?.data !== "skip_thought_signature_validator") return part;
  const { signature: _, ...rest } = part;
  return rest;
}

test("a conversation written for Gemini and read as Gemini's means the same", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const { path, body, losses } = geminiBack.writeRequest(request);
      assert.deepEqual(losses, []);
      assert.equal(path.endsWith(":streamGenerateContent?alt=sse"), request.stream);
      const read = geminiFront.readRequest(throughJson(body), { model: request.model, stream: request.stream });
      assert.ok(read.ok);
      assert.deepEqual(read.losses, []);
      const messages = read.request.messages.map((message) =>
        message.role === "user" ? message : { role: message.role, parts: message.parts.map(withoutStandIn) },
      );
      // Neighbours of one role are one turn.
      assert.deepEqual(joined({ ...read.request, messages }.messages), joined(request.messages));
      assert.deepEqual({ ...read.request, messages: [] }, { ...request, messages: [] });
    }),
  );
});

function joined(messages: readonly { readonly role: string; readonly parts: readonly unknown[] }[]): unknown[] {
  const turns: { role: string; parts: unknown[] }[] = [];
  for (const { role, parts } of messages) {
    if (turns.at(-1)?.role === role) turns.at(-1)!.parts.push(...parts);
    else turns.push({ role, parts: [...parts] });
  }
  return turns;
}

/** Gemini's signatures mean nothing in an envelope, and others' nothing out of one: reading is the caller's next request. */
function readBack(content: unknown): readonly AssistantPart[] {
  const read = geminiFront.readRequest(
    { contents: content === undefined ? [{ role: "model" }] : [content] },
    { model: "m" },
  );
  assert.ok(read.ok && read.losses.length === 0);
  return read.request.messages[0]!.parts as readonly AssistantPart[];
}

test("an answer written for a caller, and given back with its next question, is the same", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const body = throughJson(geminiFront.writeAnswer(answer, context)) as {
        readonly candidates: readonly { readonly content: unknown }[];
      };
      assert.deepEqual(readBack(body.candidates[0]!.content), answer.parts);
      const read = geminiBack.readAnswer(body);
      assert.equal(read?.stopReason, answer.stopReason);
      assert.deepEqual(read.usage, answer.usage);
      assert.deepEqual([read.id, read.model], [answer.id, answer.model]);
    }),
  );
});

function writtenEvents(events: readonly CommonEvent[], isArray: boolean): readonly CommonEvent[] {
  const writer = geminiFront.createWriter({ ...context, framing: isArray ? "json_array" : "sse" });
  const wire = events.map((event) => writer.write(event)).join("");
  const reader = geminiBack.createReader();
  const wireEvents = isArray
    ? (JSON.parse(wire) as unknown[]).map((one) => ({ type: "", data: JSON.stringify(one) }))
    : new SseEvents().push(Buffer.from(wire));
  return [...wireEvents.flatMap((event) => reader.read(event)), ...reader.end()];
}

const streams = answers.chain((answer) => fc.tuple(fc.constant(answer), eventsOf(answer)));

/** A reader of streams takes every signature for Gemini's own. */
function asGeminis(answer: CommonAnswer): readonly AssistantPart[] {
  const body = geminiFront.writeAnswer(answer, context);
  return geminiBack.readAnswer(body)!.parts;
}

test("a stream written for a caller and read again is the answer that it told, in either framing", () => {
  fc.assert(
    fc.property(streams, fc.boolean(), ([answer, events], isArray) => {
      const { id, model, parts, stopReason, usage, isEnded } = gather(writtenEvents(events, isArray));
      assert.equal(isEnded, true);
      assert.deepEqual([id, model, stopReason], [answer.id, answer.model, answer.stopReason]);
      assert.deepEqual(usage, answer.usage);
      assert.deepEqual(parts, asGeminis(answer));
    }),
  );
});

test("a stream's parts, given back with the next question, are the answer's", () => {
  fc.assert(
    fc.property(streams, ([answer, events]) => {
      const writer = geminiFront.createWriter(context);
      const wire = new SseEvents().push(Buffer.from(events.map((event) => writer.write(event)).join("")));
      const parts = wire.flatMap(({ data }) => {
        const one = JSON.parse(data) as { candidates: [{ content?: { parts: unknown[] } }] };
        return one.candidates[0].content?.parts ?? [];
      });
      assert.deepEqual(readBack({ role: "model", parts }), answer.parts);
    }),
  );
});
