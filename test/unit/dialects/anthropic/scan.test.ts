import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anthropic } from "../../../../src/dialects/anthropic/dialect.ts";
import { expectedOf, findingOf, scanInPieces } from "../scan-oracle.ts";
import type { Finding } from "../scan-oracle.ts";

function scanned(wire: string): Finding {
  const scan = anthropic.createScan();
  const bytes = Buffer.from(wire);
  scan.scan(bytes, 0, bytes.length);
  return findingOf(scan);
}

const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const START = event("message_start", {
  message: { usage: { input_tokens: 5, cache_read_input_tokens: 100, output_tokens: 1 } },
});
const DELTA = event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "event: message_stop" } });
const BILL = event("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } });
const STOP = event("message_stop");

test("counts deltas, adds the cache to the input, and is complete at message_stop", () => {
  const ping = event("ping");
  const block = event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  assert.deepEqual(scanned(START + block + ping + DELTA + DELTA + event("content_block_stop") + BILL + STOP), {
    tokenEvents: 2,
    complete: true,
    failed: false,
    usage: { inputTokens: 105, outputTokens: 9, cachedInputTokens: 100 },
  });
});

test("a later figure replaces the earlier of the same field and no other", () => {
  const bill = event("message_delta", {
    usage: { input_tokens: 50, cache_creation_input_tokens: 3, output_tokens: 9 },
  });
  assert.deepEqual(scanned(START + bill + STOP).usage, { inputTokens: 153, outputTokens: 9, cachedInputTokens: 100 });
  const nothing = event("message_delta", { usage: { input_tokens: null, output_tokens: 9 } });
  assert.deepEqual(scanned(START + nothing + STOP).usage, {
    inputTokens: 105,
    outputTokens: 9,
    cachedInputTokens: 100,
  });
});

test("knows the bill once message_delta has come, and never takes message_start's guess for it", () => {
  assert.equal(scanned(START + DELTA).usage, undefined);
  assert.equal(scanned(START + DELTA + STOP).usage, undefined);
  assert.deepEqual(scanned(START + DELTA + BILL).usage, { inputTokens: 105, outputTokens: 9, cachedInputTokens: 100 });
  assert.equal(scanned(START + DELTA + BILL).complete, false);
});

test("sees an error event, and reads events written without a space or with CRLF", () => {
  const error = event("error", { error: { type: "overloaded_error", message: "Overloaded" } });
  const found = scanned(START + DELTA + error);
  assert.deepEqual([found.failed, found.complete], [true, false]);
  const wire = START + DELTA + BILL + STOP;
  assert.deepEqual(scanned(wire.replaceAll("event: ", "event:").replaceAll("data: ", "data:")), scanned(wire));
  assert.deepEqual(scanned(wire.replaceAll("\n", "\r\n")), scanned(wire));
});

test("reads the usage of whole answers", () => {
  const usage = { input_tokens: 5, cache_creation_input_tokens: 10, cache_read_input_tokens: 100, output_tokens: 9 };
  assert.deepEqual(anthropic.usageOf({ usage }), { inputTokens: 115, outputTokens: 9, cachedInputTokens: 100 });
  assert.deepEqual(anthropic.usageOf({ usage: { input_tokens: 5 } }), { inputTokens: 5, outputTokens: 0 });
  for (const body of [{}, { usage: {} }, { usage: { output_tokens: 5 } }, null])
    assert.equal(anthropic.usageOf(body), undefined);
});

const count = fc.oneof(fc.nat(), fc.constant(null));
const usage = fc.record(
  { input_tokens: count, cache_creation_input_tokens: count, cache_read_input_tokens: count, output_tokens: count },
  { requiredKeys: [] },
);
const anyEvent = fc.oneof(
  usage.map((figures) => event("message_start", { message: { usage: figures } })),
  usage.map((figures) => event("message_delta", { usage: figures })),
  fc.constantFrom(STOP, event("ping"), event("error", { error: {} })),
  fc.string({ unit: "binary" }).map((text) => event("content_block_delta", { delta: { text } })),
);

test("finds in any stream of such events what eventsource-parser and JSON.parse find, however it is cut", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 12 }), fc.array(fc.nat(2000), { maxLength: 30 }), (events, cuts) => {
      const wire = Buffer.from(events.join(""));
      const found = scanInPieces(
        anthropic.createScan(),
        wire,
        cuts.sort((a, b) => a - b),
      );
      assert.deepEqual(found, expectedOf("anthropic", wire));
    }),
    { numRuns: 1500 },
  );
});
