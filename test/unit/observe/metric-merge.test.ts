import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { mergeMetrics } from "../../../src/observe/metric-merge.ts";
import { Counter, Histogram } from "../../../src/observe/metric.ts";
import type { MetricSnapshot } from "../../../src/observe/metric.ts";

/** Whole numbers, so that sums do not depend on the order. */
const page: fc.Arbitrary<readonly MetricSnapshot[]> = fc
  .record({
    counts: fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(1000)), { maxLength: 6 }),
    levels: fc.array(fc.tuple(fc.constantFrom("x", "y", "z"), fc.integer({ min: -50, max: 50 })), { maxLength: 4 }),
    observed: fc.array(fc.nat(20), { maxLength: 10 }),
    has: fc.subarray(["counter", "gauge", "histogram"]),
  })
  .map(({ counts, levels, observed, has }) => {
    const counter = new Counter("counter", "c_total", "Help.", ["label"]);
    for (const [label, by] of counts) counter.add(by, label);
    const gauge = new Counter("gauge", "g", "Help.", ["label"]);
    for (const [label, by] of levels) gauge.add(by, label);
    const histogram = new Histogram("h_seconds", "Help.", [1, 5, 10]);
    for (const value of observed) histogram.observe(value);
    return [counter, gauge, histogram].filter(({ type }) => has.includes(type)).map((metric) => metric.snapshot());
  });

/** Metric, labels or bucket → value. */
function valuesOf(metrics: readonly MetricSnapshot[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const metric of metrics) {
    if (metric.type === "histogram") {
      for (const [i, count] of metric.counts.entries()) values.set(`${metric.name} ${metric.bounds[i]}`, count);
      values.set(`${metric.name} sum`, metric.sum);
    } else for (const [labels, value] of metric.series) values.set(metric.name + labels, value);
  }
  return values;
}

/** With the order of metrics and series. */
const inOrder = (metrics: readonly MetricSnapshot[]): object =>
  metrics.map((metric) => (metric.type === "histogram" ? metric : { ...metric, series: [...metric.series] }));

test("several loops together show the sum of what each shows", () => {
  fc.assert(
    fc.property(fc.array(page, { maxLength: 5 }), (pages) => {
      const sums = new Map<string, number>();
      for (const one of pages) {
        for (const [name, value] of valuesOf(one)) sums.set(name, (sums.get(name) ?? 0) + value);
      }
      assert.deepEqual(valuesOf(mergeMetrics(pages)), sums);
    }),
  );
});

test("it does not matter which loops are put together first, not for the order either", () => {
  fc.assert(
    fc.property(page, page, page, (a, b, c) => {
      const all = inOrder(mergeMetrics([a, b, c]));
      assert.deepEqual(inOrder(mergeMetrics([mergeMetrics([a, b]), c])), all);
      assert.deepEqual(inOrder(mergeMetrics([a, mergeMetrics([b, c])])), all);
    }),
  );
});

test("metrics and series are in the order of their first appearance", () => {
  const counter = (...labels: string[]): MetricSnapshot => {
    const made = new Counter("counter", "c_total", "Help.", ["l"]);
    for (const label of labels) made.add(1, label);
    return made.snapshot();
  };
  const gauge = new Counter("gauge", "g", "Help.").snapshot();
  const merged = mergeMetrics([[counter("z", "m")], [gauge, counter("a", "m")]]);
  assert.deepEqual(
    merged.map(({ name }) => name),
    ["c_total", "g"],
  );
  assert.deepEqual(
    [...valuesOf(merged)],
    [
      ['c_total{l="z"}', 1],
      ['c_total{l="m"}', 2],
      ['c_total{l="a"}', 1],
    ],
  );
});

test("nothing that was put together is changed by it", () => {
  fc.assert(
    fc.property(page, page, (a, b) => {
      const before = [inOrder(structuredClone(a)), inOrder(structuredClone(b))];
      mergeMetrics([a, b]);
      assert.deepEqual([inOrder(a), inOrder(b)], before);
    }),
  );
});

test("what crosses threads comes out as it went in", () => {
  fc.assert(fc.property(page, (metrics) => assert.deepEqual(inOrder(structuredClone(metrics)), inOrder(metrics))));
});

test("two of one name that are not of one kind are a fault, and not a sum", () => {
  const counter = new Counter("counter", "m", "Help.").snapshot();
  const gauge = new Counter("gauge", "m", "Help.").snapshot();
  const histogram = new Histogram("m", "Help.", [1]).snapshot();
  const finer = new Histogram("m", "Help.", [0.5, 1]).snapshot();
  for (const [a, b] of [
    [counter, gauge],
    [counter, histogram],
    [histogram, finer],
  ] as const) {
    assert.throws(() => mergeMetrics([[a], [b]]), TypeError);
  }
});
