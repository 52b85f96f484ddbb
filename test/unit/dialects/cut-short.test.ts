/** A stream that is ended early is, to the official SDKs, one that reached its length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { AnthropicScan } from "../../../src/dialects/anthropic/scan.ts";
import { GeminiScan } from "../../../src/dialects/gemini/scan.ts";
import { OpenAiScan } from "../../../src/dialects/openai/scan.ts";
import { ResponsesScan } from "../../../src/dialects/openai/responses-scan.ts";
import type { CommonAnswer } from "../../../src/dialects/translate/common.ts";
import { openaiResponsesFront } from "../../../src/dialects/translate/openai-responses/translation.ts";
import type { SseScan } from "../../../src/dialects/sse-scan.ts";
import { eventsOf } from "./translate/openai-responses/conversations.ts";
import { assertLegal, parseEvents } from "./translate/openai-responses/legal-events.ts";
import { chunk, LAST_CHUNK, startScripted, STREAM_HEAD } from "../../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../../support/scripted-upstream.ts";

const NOTE = { code: "limit_reached", message: "No tokens are left." };

/** A server whose answer begins with `begin` and is then cut short. */
function serve(scan: SseScan, begin: string): Promise<ScriptedUpstream> {
  const bytes = Buffer.from(begin);
  scan.scan(bytes, 0, bytes.length);
  assert.ok(scan.atBoundary && !scan.complete);
  const rest = scan.cutShort(NOTE);
  assert.match(rest, /limit_reached/);
  return startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk(begin + rest).toString() + LAST_CHUNK);
  });
}

test("OpenAI's SDK reads finish_reason length, under the same id", async () => {
  const first =
    '{"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":"Hel"}}]}';
  await using upstream = await serve(new OpenAiScan(), `data: ${first}\n\n`);
  const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1` });
  const stream = await client.chat.completions.create({
    model: "m",
    stream: true,
    messages: [{ role: "user", content: "x" }],
  });
  const read: string[] = [];
  for await (const { id, choices } of stream) {
    read.push(`${id} ${choices[0]?.delta.content ?? ""} ${choices[0]?.finish_reason ?? ""}`.trim());
  }
  assert.deepEqual(read, ["c1 Hel", "c1  length"]);
});

test("of several answers each one that has not finished reads finish_reason length, once", async () => {
  const first = (index: number, finish_reason: string | null): string =>
    `data: ${JSON.stringify({ id: "c1", created: 7, model: "m", choices: [{ index, delta: { content: "Hel" }, finish_reason }] })}\n\n`;
  const begin = first(0, null) + first(1, null) + first(1, "stop") + first(2, null);
  await using upstream = await serve(new OpenAiScan({ answers: 3 }), begin);
  const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1` });
  const messages = [{ role: "user" as const, content: "x" }];
  const stream = await client.chat.completions.create({ model: "m", n: 3, stream: true, messages });
  const finished: unknown[] = [];
  for await (const { choices } of stream) {
    for (const { index, finish_reason } of choices) if (finish_reason !== null) finished.push([index, finish_reason]);
  }
  assert.deepEqual(finished, [
    [1, "stop"],
    [0, "length"],
    [2, "length"],
  ]);
});

const ANSWER: CommonAnswer = {
  id: "c1",
  model: "m",
  createdSeconds: 7,
  parts: [
    { kind: "reasoning", text: 'Hm "so\\' },
    { kind: "text", text: 'Hello,\n"wörld" 🙂' },
    { kind: "tool_call", id: "t1", name: "f", arguments: '{"x":"\\"y"}' },
    { kind: "tool_call", id: "t2", name: "g", arguments: '{"z":1}' },
  ],
  stopReason: "stop",
  usage: undefined,
};

/** A whole stream of the Responses API, event by event. */
function responsesEvents(): readonly string[] {
  const writer = openaiResponsesFront.createWriter({ model: "m", wantsUsage: true, framing: "sse" });
  return eventsOf(ANSWER, [2, 5]).flatMap((event) =>
    writer
      .write(event)
      .split(/(?<=\n\n)/)
      .filter((one) => one !== ""),
  );
}

test("wherever a Responses stream is cut its events are legal, and the last one holds all that came before", () => {
  const wire = responsesEvents();
  for (let length = 2; length < wire.length; length++) {
    const scan = new ResponsesScan({ mayBeCut: true });
    const begin = Buffer.from(wire.slice(0, length).join(""));
    scan.scan(begin, 0, begin.length);
    const events = parseEvents(begin.toString() + scan.cutShort(NOTE));
    const response = assertLegal(events);
    assert.equal(response["status"], "incomplete");
  }
});

test("more than 2 MiB of a Responses stream are not kept, and its end is legal all the same", () => {
  const writer = openaiResponsesFront.createWriter({ model: "m", wantsUsage: true, framing: "sse" });
  let wire = writer.write({ kind: "start", id: "c1", model: "m", createdSeconds: 7 });
  for (let i = 0; i < 200; i++) wire += writer.write({ kind: "text", text: "x".repeat(20_000) });
  const scan = new ResponsesScan({ mayBeCut: true });
  const begin = Buffer.from(wire);
  scan.scan(begin, 0, begin.length);
  const end = scan.cutShort(NOTE);
  assert.ok(end.length < 10 * 1024 * 1024);
  assert.deepEqual(
    parseEvents(end).map(({ type }) => type),
    ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.incomplete"],
  );
});

test("OpenAI's SDK reads a Responses stream that was cut as an incomplete response with its text so far", async () => {
  const wire = responsesEvents();
  const end = wire.findLastIndex((event) => event.startsWith("event: response.output_text.delta")) + 1;
  await using upstream = await serve(new ResponsesScan({ mayBeCut: true }), wire.slice(0, end).join(""));
  const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1` });
  const response = await client.responses.stream({ model: "m", input: "x" }).finalResponse();
  assert.equal(response.status, "incomplete");
  assert.equal(response.output_text, 'Hello,\n"wörld" 🙂');
});

test("Anthropic's SDK reads stop_reason max_tokens, with the open block closed", async () => {
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const begin =
    event("message_start", {
      message: {
        id: "m1",
        type: "message",
        role: "assistant",
        content: [],
        model: "m",
        usage: { input_tokens: 3, output_tokens: 1 },
      },
    }) +
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hel" } });
  await using upstream = await serve(new AnthropicScan(), begin);
  const client = new Anthropic({ apiKey: "k", baseURL: upstream.url });
  const message = await client.messages
    .stream({ model: "m", max_tokens: 9, messages: [{ role: "user", content: "x" }] })
    .finalMessage();
  assert.partialDeepStrictEqual(message, {
    id: "m1",
    stop_reason: "max_tokens",
    content: [{ type: "text", text: "Hel" }],
  });
});

test("Google's SDK reads finishReason MAX_TOKENS", async () => {
  const begin = 'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hel"}]},"index":0}]}\r\n\r\n';
  await using upstream = await serve(new GeminiScan(), begin);
  const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: upstream.url } });
  const stream = await client.models.generateContentStream({ model: "m", contents: "x" });
  let text = "";
  let reason: string | undefined;
  for await (const piece of stream) {
    text += piece.text ?? "";
    reason = piece.candidates?.[0]?.finishReason ?? reason;
  }
  assert.deepEqual([text, reason], ["Hel", "MAX_TOKENS"]);
});
