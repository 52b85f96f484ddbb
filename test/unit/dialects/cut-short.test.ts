/** A stream that is ended early is, to the official SDKs, one that reached its length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { AnthropicScan } from "../../../src/dialects/anthropic/scan.ts";
import { GeminiScan } from "../../../src/dialects/gemini/scan.ts";
import { OpenAiScan } from "../../../src/dialects/openai/scan.ts";
import type { SseScan } from "../../../src/dialects/sse-scan.ts";
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
