import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LatencyHistogram } from "../../../src/bench/histogram.ts";

const microseconds = fc.oneof(fc.nat(300), fc.nat(100_000), fc.nat(2 ** 31 - 1));

test("gives every percentile at most 1/128 above the sorted array's, and never below it", () => {
  fc.assert(
    fc.property(
      fc.array(microseconds, { minLength: 1, maxLength: 400 }),
      fc.integer({ min: 0, max: 100 }),
      (values, percent) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const truth = sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1]!;
        const said = histogram.percentile(percent);
        assert.ok(said >= truth, `${said} below ${truth}`);
        assert.ok(said <= truth * (1 + 1 / 128), `${said} too far above ${truth}`);
      },
    ),
  );
});

test("counts exactly, and knows the exact maximum", () => {
  fc.assert(
    fc.property(fc.array(microseconds, { minLength: 1 }), (values) => {
      const histogram = new LatencyHistogram();
      for (const value of values) histogram.record(value);
      assert.equal(histogram.count, values.length);
      assert.equal(histogram.max, Math.max(...values));
      assert.equal(histogram.percentile(100), Math.max(...values));
    }),
  );
});

test("takes a value below 0 as 0 and one beyond its range as its largest", () => {
  const histogram = new LatencyHistogram();
  histogram.record(-5);
  assert.equal(histogram.percentile(100), 0);
  histogram.record(2 ** 40);
  assert.equal(histogram.max, 2 ** 31 - 1);
});

test("says 0 of nothing, also after a reset", () => {
  const histogram = new LatencyHistogram();
  histogram.record(7);
  histogram.reset();
  assert.deepEqual(histogram.summary(), { count: 0, p50: 0, p90: 0, p99: 0, max: 0 });
});
