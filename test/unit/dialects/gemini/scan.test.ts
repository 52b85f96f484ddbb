import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { gemini } from "../../../../src/dialects/gemini/dialect.ts";
import { expectedOf, findingOf, scanInPieces } from "../scan-oracle.ts";
import type { Finding } from "../scan-oracle.ts";

function scanned(wire: string): Finding {
  const scan = gemini.createScan();
  const bytes = Buffer.from(wire);
  scan.scan(bytes, 0, bytes.length);
  return findingOf(scan);
}

const event = (value: object): string => `data: ${JSON.stringify(value)}\r\n\r\n`;
const says = (parts: object[], finishReason?: string): object => ({
  content: { role: "model", parts },
  ...(finishReason === undefined ? {} : { finishReason }),
});
const TEXT = { candidates: [says([{ text: "x" }])], usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 } };
const END = {
  candidates: [says([{ text: "" }], "STOP")],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, thoughtsTokenCount: 2, totalTokenCount: 12 },
};

test("counts events that bring output, and takes the last usage, thoughts and tools included", () => {
  assert.deepEqual(scanned(event(TEXT) + event(TEXT) + event(END)), {
    tokenEvents: 2,
    complete: true,
    failed: false,
    usage: { inputTokens: 7, outputTokens: 5 },
  });
  const usageMetadata = {
    promptTokenCount: 21,
    candidatesTokenCount: 126,
    toolUsePromptTokenCount: 243,
    thoughtsTokenCount: 95,
  };
  assert.deepEqual(gemini.usageOf({ usageMetadata }), { inputTokens: 264, outputTokens: 221 });
});

test("counts thoughts, function calls, code and pictures, and no empty parts", () => {
  for (const part of [
    { thought: true, text: "x" },
    { functionCall: { name: "f", args: {} } },
    { inlineData: { mimeType: "image/png", data: "AA==" } },
    { executableCode: { language: "PYTHON", code: "1" } },
  ]) {
    assert.equal(scanned(event({ candidates: [says([part])] })).tokenEvents, 1, JSON.stringify(part));
  }
  for (const parts of [[], [{ text: "" }], [{ functionCall: {} }]]) {
    assert.equal(scanned(event({ candidates: [says(parts)] })).tokenEvents, 0);
  }
});

test("is complete by a finish reason or a refused prompt, whatever the reason", () => {
  for (const end of [
    END,
    { candidates: [{ finishReason: "SAFETY" }] },
    { candidates: [{ finishReason: "RECITATION", index: 0 }] },
    { promptFeedback: { blockReason: "SAFETY" } },
  ]) {
    assert.equal(scanned(event(end)).complete, true, JSON.stringify(end));
    assert.equal(scanned(event(TEXT) + event(end)).complete, true);
  }
});

test("is not complete by reasons that the model writes, as text or as arguments of a call", () => {
  const args = { finishReason: "STOP", blockReason: "SAFETY", usageMetadata: { promptTokenCount: 1 } };
  for (const part of [
    { text: '"finishReason": "STOP"' },
    { text: "finishReason" },
    { functionCall: { name: "f", args } },
  ]) {
    const found = scanned(event(TEXT) + event({ candidates: [says([part])] }).repeat(2));
    assert.deepEqual([found.complete, found.tokenEvents], [false, 3], JSON.stringify(part));
    assert.equal(scanned(event({ candidates: [says([part])] }) + event(END)).usage!.inputTokens, 7);
  }
});

test("says nothing of usage before there is a figure for the output", () => {
  assert.equal(scanned(event(TEXT)).usage, undefined);
  const later = { ...TEXT, usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2 } };
  assert.deepEqual(scanned(event(TEXT) + event(later)).usage, { inputTokens: 7, outputTokens: 2 });
  const refused = { promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 7 } };
  assert.deepEqual(scanned(event(refused)).usage, { inputTokens: 7, outputTokens: 0 });
});

test("sees an error as an event and as bare JSON in the middle of the stream", () => {
  const error = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };
  for (const text of [
    event(error),
    `data: ${JSON.stringify(error, null, " ").replaceAll("\n", "")}\n\n`,
    JSON.stringify(error, null, 2) + "\n",
  ]) {
    const found = scanned(event(TEXT) + text);
    assert.deepEqual([found.failed, found.tokenEvents, found.complete], [true, 1, false], text);
    assert.equal(scanned(text).failed, true);
  }
});

test("finds reason and usage behind a picture of a megabyte in the same line, however it is cut", () => {
  const picture = { inlineData: { mimeType: "image/png", data: "A".repeat(1 << 20) } };
  const wire = Buffer.from(event({ ...END, candidates: [says([picture], "STOP")] }));
  for (const step of [16_384, 65_536, 5_000, wire.length]) {
    const cuts = Array.from({ length: Math.ceil(wire.length / step) }, (_, i) => i * step);
    assert.deepEqual(
      scanInPieces(gemini.createScan(), wire, cuts),
      { tokenEvents: 1, complete: true, failed: false, usage: { inputTokens: 7, outputTokens: 5 } },
      `${step}`,
    );
  }
});

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", '"finishReason":', "}", "\\", "\n\n"));
const part = fc.oneof(
  fc.record({ text }),
  fc.record({ thought: fc.constant(true), text }),
  fc.record({
    functionCall: fc.record({ name: text, args: fc.dictionary(fc.constantFrom("finishReason", "x"), text) }),
  }),
);
const usageMetadata = fc.record(
  { promptTokenCount: fc.nat(), candidatesTokenCount: fc.nat(), thoughtsTokenCount: fc.nat(), trafficType: text },
  { requiredKeys: [] },
);
const anyEvent = fc.record(
  {
    candidates: fc.array(
      fc.record(
        {
          content: fc.record({ parts: fc.array(part, { maxLength: 2 }) }),
          finishReason: fc.constantFrom("STOP", "SAFETY"),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    usageMetadata,
    modelVersion: text,
  },
  { requiredKeys: [] },
);

test("finds in any stream of such events what eventsource-parser and JSON.parse find, however it is cut", () => {
  fc.assert(
    fc.property(
      fc.array(anyEvent, { maxLength: 10 }),
      fc.constantFrom("\r\n", "\n"),
      fc.boolean(),
      fc.array(fc.nat(3000), { maxLength: 30 }),
      (events, lineEnd, spaced, cuts) => {
        const json = (value: unknown): string =>
          spaced ? JSON.stringify(value, null, " ").replaceAll("\n", "") : JSON.stringify(value);
        const wire = Buffer.from(events.map((one) => `data: ${json(one)}${lineEnd}${lineEnd}`).join(""));
        const found = scanInPieces(
          gemini.createScan(),
          wire,
          cuts.sort((a, b) => a - b),
        );
        assert.deepEqual(found, expectedOf("gemini", wire));
      },
    ),
    { numRuns: 1500 },
  );
});
