import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anthropic } from "../../../src/dialects/anthropic/dialect.ts";
import type { Dialect } from "../../../src/dialects/dialect.ts";
import { gemini } from "../../../src/dialects/gemini/dialect.ts";
import { openai } from "../../../src/dialects/openai/dialect.ts";
import { recordedGeminiText, recordedStreams, skipRecorded } from "../../support/recorded-streams.ts";
import { eventsOf, expectedOf, findingOf, scanInPieces } from "./scan-oracle.ts";
import type { Finding } from "./scan-oracle.ts";

/** Cut everywhere, nowhere, and at random. @returns the finding, which was the same each time. */
function scanEachWay(dialect: Dialect, wire: Buffer): Finding {
  const expected = expectedOf(dialect.name, wire);
  const whole = dialect.createScan();
  whole.scan(wire, 0, wire.length);
  assert.deepEqual(findingOf(whole), expected, "whole");
  const everyByte = dialect.createScan();
  for (let i = 0; i < wire.length; i++) everyByte.scan(wire, i, i + 1);
  assert.deepEqual(findingOf(everyByte), expected, "byte by byte");
  const cuts = fc.array(fc.nat(wire.length), { maxLength: 60 }).map((at) => at.sort((a, b) => a - b));
  fc.assert(
    fc.property(cuts, (at) => assert.deepEqual(scanInPieces(dialect.createScan(), wire, at), expected)),
    { numRuns: 12 },
  );
  return expected;
}

test(
  "OpenAI-like recordings: the same finding however cut, equal to the oracle's and to the provider's figures",
  { skip: skipRecorded },
  async (t) => {
    for (const { name, wire, events } of recordedStreams("openai")) {
      await t.test(name, () => {
        const found = scanEachWay(openai, wire);
        assert.equal(found.complete, true);
        assert.equal(found.failed, false);
        const figures = [...events.join("\n").matchAll(/"(prompt|completion|total)_tokens": ?(\d+)/g)];
        const last = (name: string): number => Number(figures.findLast((figure) => figure[1] === name)?.[2]);
        assert.equal(found.usage?.inputTokens, last("prompt"));
        assert.equal(found.usage.inputTokens + found.usage.outputTokens, last("total"));
        assert.ok(found.usage.outputTokens >= last("completion"));
        // Without [DONE], which some do not send, the finish reason is the end.
        const without = wire.subarray(0, wire.lastIndexOf("data: [DONE]"));
        assert.deepEqual(scanEachWay(openai, without), found);
      });
    }
  },
);

test("OpenAI-like recordings cut off before their end are not taken for complete", { skip: skipRecorded }, () => {
  for (const { name, events } of recordedStreams("openai")) {
    const finish = events.findIndex((event) => /"finish_reason": ?"[a-z]/.test(event));
    const wire = Buffer.from(
      events
        .slice(0, finish)
        .map((event) => `data: ${event}\n\n`)
        .join(""),
    );
    const scan = openai.createScan();
    scan.scan(wire, 0, wire.length);
    assert.equal(scan.complete, false, name);
  }
});

test("Anthropic recordings: the same finding however cut, equal to the oracle's", { skip: skipRecorded }, async (t) => {
  for (const { name, wire } of recordedStreams("anthropic")) {
    await t.test(name, () => {
      const found = scanEachWay(anthropic, wire);
      assert.equal(found.complete, true);
      assert.ok(found.usage !== undefined && found.usage.outputTokens > 0);
    });
  }
});

test(
  "Gemini recordings: the same finding however cut, equal to the oracle's, adding up to the provider's total",
  { skip: skipRecorded },
  async (t) => {
    for (const { name, wire } of recordedStreams("gemini")) {
      await t.test(name, () => {
        const found = scanEachWay(gemini, wire);
        assert.equal(found.complete, true);
        const total = Number([...wire.toString().matchAll(/"totalTokenCount": ?(\d+)/g)].at(-1)![1]);
        assert.equal(found.usage!.inputTokens + found.usage!.outputTokens, total);
      });
    }
  },
);

test(
  "raw Gemini streams: successes are complete, errors and broken ones are not taken for it",
  { skip: skipRecorded },
  async (t) => {
    for (const { name, wire } of recordedGeminiText()) {
      await t.test(name, () => {
        const text = wire.toString();
        if (/failure/.test(name) && !text.startsWith("data:")) {
          // Bodies of error statuses: no stream at all.
          const scan = gemini.createScan();
          scan.scan(wire, 0, wire.length);
          assert.deepEqual([scan.failed, scan.complete, scan.tokenEvents], [true, false, 0]);
          return;
        }
        if (name.includes("error-mid-stream")) {
          const scan = gemini.createScan();
          scan.scan(wire, 0, wire.length);
          assert.equal(scan.failed, true);
          return;
        }
        const found = scanEachWay(gemini, wire);
        assert.equal(found.failed, false);
        // A refusal of the model's (safety, recitation) is a whole answer; what is no answer has no finish reason.
        const refusal = eventsOf(wire).some(({ data }) => /"(?:finishReason|blockReason)"/.test(data));
        assert.equal(found.complete, refusal);
        assert.equal(found.complete, !name.includes("invalid-json"));
      });
    }
  },
);
