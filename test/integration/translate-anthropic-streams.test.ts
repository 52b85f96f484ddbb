/** Anthropic's own SDK reads what it and we are sent, and what we write: both have to say the same. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { BetaMessage } from "@anthropic-ai/sdk/resources/beta/messages/messages";
import * as fc from "fast-check";
import { AnthropicStreamReader } from "../../src/dialects/translate/anthropic/read-stream.ts";
import { AnthropicStreamWriter } from "../../src/dialects/translate/anthropic/write-stream.ts";
import type { CommonEvent } from "../../src/dialects/translate/common.ts";
import { SseEvents } from "../../src/dialects/translate/sse-events.ts";
import { recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import { startServing } from "../support/serving.ts";
import type { Serving } from "../support/serving.ts";
import { streams } from "../unit/dialects/translate/anthropic/arbitraries.ts";
import { answerOf } from "../unit/dialects/translate/anthropic/stream-readings.ts";
import type { Gathered } from "../unit/dialects/translate/anthropic/stream-readings.ts";

const END = "event: message_stop";
const CONTEXT = { model: "asked-for", wantsUsage: true, framing: "sse" } as const;

let serving: Serving;
let client: Anthropic;

before(async () => {
  serving = await startServing();
  client = new Anthropic({ baseURL: serving.url, apiKey: "k", maxRetries: 0 });
});
after(async () => {
  await serving[Symbol.asyncDispose]();
});

/** What the SDK makes of a stream. */
async function readBySdk(wire: string | Buffer): Promise<BetaMessage> {
  serving.serve({ body: wire });
  const messages = [{ role: "user" as const, content: "x" }];
  return client.beta.messages.stream({ model: "claude-sonnet-4-6", max_tokens: 1, messages }).finalMessage();
}

/** What we make of it. */
function readByUs(wire: Buffer, cuts: readonly number[]): CommonEvent[] {
  const parser = new SseEvents();
  const reader = new AnthropicStreamReader();
  const read: CommonEvent[] = [];
  let from = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), wire.length]) {
    for (const event of parser.push(wire, from, cut)) read.push(...reader.read(event));
    from = cut;
  }
  for (const event of parser.end()) read.push(...reader.read(event));
  return [...read, ...reader.end()];
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  max_tokens: "length",
  stop_sequence: "stop_sequence",
  tool_use: "tool_calls",
  refusal: "filtered",
};

/** The same things of both. */
function saidByUs({ text, reasoning, signatures, calls, stopReason, stopSequence, usage }: Gathered): object {
  return {
    text,
    reasoning,
    signatures,
    calls: calls.map(({ json, ...call }) => ({ ...call, input: JSON.parse(json) as unknown })),
    stopReason,
    stopSequence: stopSequence ?? null,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cached: usage.cachedInputTokens ?? 0,
    written: usage.cacheWriteTokens ?? 0,
    reasoningTokens: usage.reasoningTokens ?? null,
  };
}

function saidBySdk(message: BetaMessage): object {
  const { content, usage } = message;
  const cached = usage.cache_read_input_tokens ?? 0;
  const written = usage.cache_creation_input_tokens ?? 0;
  return {
    text: content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join(""),
    reasoning: content.flatMap((block) => (block.type === "thinking" ? [block.thinking] : [])).join(""),
    signatures: content.flatMap((block) => {
      if (block.type === "thinking") return [block.signature];
      return block.type === "redacted_thinking" ? [block.data] : [];
    }),
    calls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
    ),
    stopReason: STOP_REASONS[message.stop_reason!],
    stopSequence: message.stop_sequence,
    inputTokens: usage.input_tokens + cached + written,
    outputTokens: usage.output_tokens,
    cached,
    written,
    reasoningTokens: usage.output_tokens_details?.thinking_tokens ?? null,
  };
}

test("recordings say the same to us, however cut, as to the SDK", { skip: skipRecorded }, async (t) => {
  for (const { name, wire } of recordedStreams("anthropic")) {
    await t.test(name, async () => {
      // Some recordings are several answers in one file.
      const end = wire.indexOf("\n\n", wire.indexOf(END));
      const first = wire.subarray(0, end + 2);
      const cuts = fc.array(fc.nat(first.length), { maxLength: 40 });
      const expected = await readBySdk(first).then(saidBySdk, (error: unknown) => error);
      fc.assert(
        fc.property(cuts, (at) => {
          const gathered = answerOf(readByUs(first, at));
          // An answer that begins a second time is one that the SDK does not take either.
          if (expected instanceof Error) {
            assert.match(expected.message, /Unexpected event order/);
            assert.match(gathered.error ?? "", /a second time/);
            assert.equal(gathered.ended, false);
            return;
          }
          assert.deepEqual(saidByUs(gathered), expected);
          assert.equal(gathered.ended, true);
        }),
        { numRuns: 20 },
      );
    });
  }
});

test("what we write says the same to the SDK as it did to us", async () => {
  await fc.assert(
    fc.asyncProperty(streams, async ({ events }) => {
      const writer = new AnthropicStreamWriter(CONTEXT);
      const wire = events.map((event) => writer.write(event)).join("");
      assert.deepEqual(saidBySdk(await readBySdk(wire)), saidByUs(answerOf(events)));
    }),
    { numRuns: 60 },
  );
});

test("an upstream's error in the middle is the SDK's error", async () => {
  const writer = new AnthropicStreamWriter(CONTEXT);
  const events: CommonEvent[] = [
    { kind: "start", id: "msg_1", model: "gpt-5", createdSeconds: 1 },
    { kind: "text", text: "half a" },
    { kind: "error", message: "too many", status: 429 },
  ];
  await assert.rejects(readBySdk(events.map((event) => writer.write(event)).join("")), (error) => {
    assert.ok(error instanceof APIError);
    assert.equal(error.type, "rate_limit_error");
    assert.match(error.message, /too many/);
    return true;
  });
});
