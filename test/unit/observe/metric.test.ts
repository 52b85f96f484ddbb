import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Counter, exposition, Histogram, Reading } from "../../../src/observe/metric.ts";

/** A page read as Prometheus reads it. @returns sample name with labels → value; throws where a line is neither. */
function samplesOf(page: string): Map<string, number> {
  assert.ok(page === "" || page.endsWith("\n"));
  const samples = new Map<string, number>();
  for (const line of page.split("\n").slice(0, -1)) {
    if (/^# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ (?:counter|gauge|histogram))$/.test(line)) continue;
    const sample =
      /^([a-zA-Z_:][\w:]*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+\})?) (NaN|[+-]?Inf|-?[\d.]+(?:e[+-]\d+)?)$/;
    const match = sample.exec(line);
    assert.ok(match !== null, line);
    assert.ok(!samples.has(match[1]!), `twice: ${line}`);
    samples.set(match[1]!, Number(match[2]!.replace("Inf", "Infinity")));
  }
  return samples;
}

test("a counter counts each combination of labels apart", () => {
  const counter = new Counter("counter", "c_total", "Help.", ["a", "b"]);
  counter.add(1, "x", "y");
  counter.add(2, "x", "y");
  counter.add(5, "x", "");
  assert.deepEqual([counter.value("x", "y"), counter.value("x", ""), counter.value("y", "x")], [3, 5, 0]);
  assert.deepEqual(
    samplesOf(exposition([counter.snapshot()])),
    new Map([
      ['c_total{a="x",b="y"}', 3],
      ['c_total{a="x",b=""}', 5],
    ]),
  );
});

test("a gauge goes back to where it was", () => {
  const gauge = new Counter("gauge", "g", "Help.");
  gauge.add(1);
  gauge.add(1);
  gauge.add(-2);
  assert.equal(exposition([gauge.snapshot()]), "# HELP g Help.\n# TYPE g gauge\ng 0\n");
});

test("any label value makes a page that can be read", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.nat()), { maxLength: 10 }), (adds) => {
      const counter = new Counter("counter", "c_total", "Help.", ["model"]);
      for (const [label, by] of adds) counter.add(by, label.replaceAll("\u0001", ""));
      const total = [...samplesOf(exposition([counter.snapshot()])).values()].reduce((sum, value) => sum + value, 0);
      assert.equal(
        total,
        adds.reduce((sum, [, by]) => sum + by, 0),
      );
    }),
  );
});

test("a histogram's buckets are cumulative, upper bounds included, and agree with sum and count", () => {
  const values = fc.array(fc.oneof(fc.constantFrom(0, 0.1, 0.5, 1), fc.double({ min: 0, max: 10, noNaN: true })));
  fc.assert(
    fc.property(values, (observed) => {
      const histogram = new Histogram("h_seconds", "Help.", [0.1, 0.5, 1]);
      for (const value of observed) histogram.observe(value);
      const samples = samplesOf(exposition([histogram.snapshot()]));
      for (const bound of [0.1, 0.5, 1, Infinity]) {
        const le = bound === Infinity ? "+Inf" : String(bound);
        assert.equal(samples.get(`h_seconds_bucket{le="${le}"}`), observed.filter((value) => value <= bound).length);
      }
      assert.equal(samples.get("h_seconds_count"), observed.length);
      const sum = observed.reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(samples.get("h_seconds_sum")! - sum) <= 1e-9 * sum);
    }),
  );
});

test("a reading is taken when it is asked for, and readings with the same labels are one sample", () => {
  let value = 1;
  const reading = new Reading("r", "Help.", ["upstream", "endpoint"], () => [
    [value, "u", "e"],
    [value, "u", "f"],
    [100, "u", "e"],
  ]);
  value = 7;
  assert.deepEqual(
    samplesOf(exposition([reading.snapshot()])),
    new Map([
      ['r{upstream="u",endpoint="e"}', 107],
      ['r{upstream="u",endpoint="f"}', 7],
    ]),
  );
});
