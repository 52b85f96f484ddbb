import assert from "node:assert/strict";
import { test } from "node:test";
import { addedLatency, renderReport, type BenchReport } from "../../../src/bench/report.ts";
import type { LoadResult } from "../../../src/bench/scenario.ts";
import { faultsOf } from "../../../src/bench/verdict.ts";

function resultWith(changes: Partial<LoadResult> = {}): LoadResult {
  const latency = { count: 9, p50: 1_000, p90: 2_000, p99: 3_000, max: 4_000 };
  return {
    streams: {
      asked: 10,
      peakOpen: 10,
      held: 10,
      outcomes: { complete: 10, refused: 0, unreachable: 0, cut: 0, stopped: 0 },
    },
    unit: "token event",
    units: 900,
    unitsPerSecond: 90,
    integrity: { lost: 0, duplicated: 0, reordered: 0 },
    causes: {},
    ttft: latency,
    latency,
    windowSeconds: 10,
    clientCpuShare: 0.25,
    process: null,
    cancel: null,
    ...changes,
  };
}

function reportOf(result: LoadResult, direct: LoadResult | null = null): BenchReport {
  return {
    scenario: "flow",
    target: "http://127.0.0.1:8080",
    plan: { streams: 10, durationMs: 10_000, rampPerSecond: 100, eventsPerSecond: 90 },
    machine: { cores: 2, cpu: "cpu", kernel: "Linux 6", node: "v24" },
    pinned: false,
    result,
    direct,
    added: addedLatency(result, direct),
    faults: faultsOf(result),
  };
}

test("calls a run sound only when nothing was lost, doubled, reordered, cut, refused or unreachable", () => {
  assert.deepEqual(faultsOf(resultWith()), []);
  for (const fault of ["lost", "duplicated", "reordered"] as const) {
    assert.equal(
      faultsOf(resultWith({ integrity: { lost: 0, duplicated: 0, reordered: 0, [fault]: 1 } })).length,
      1,
      fault,
    );
  }
  for (const outcome of ["cut", "refused", "unreachable"] as const) {
    const { streams } = resultWith();
    const outcomes = { ...streams.outcomes, [outcome]: 1 };
    assert.equal(faultsOf(resultWith({ streams: { ...streams, outcomes } })).length, 1, outcome);
  }
  assert.equal(faultsOf(resultWith({ units: 0 })).length, 1);
});

test("subtracts the direct run's percentiles", () => {
  const direct = resultWith({ latency: { count: 1, p50: 400, p90: 0, p99: 500, max: 0 } });
  assert.deepEqual(addedLatency(resultWith(), direct), { p50: 600, p99: 2_500 });
  assert.equal(addedLatency(resultWith(), null), null);
});

test("says in the table what was held, whether it was whole, and what CPU and memory it took", () => {
  const process = {
    cpuUsPerUnit: 12.34,
    cpuShare: 0.25,
    rssIdleBytes: 50 * 1024 * 1024,
    rssBytes: 60 * 1024 * 1024,
    peakRssBytes: 61 * 1024 * 1024,
    rssBytesPerStream: 20 * 1024,
  };
  const text = renderReport(reportOf(resultWith({ process })));
  assert.match(text, /10 open at once/);
  assert.match(text, /every token once and in order/);
  assert.match(text, /12\.3 µs per token event/);
  assert.match(text, /20\.0 KiB per stream/);
  assert.match(text, /\nok\n$/);
});

test("says in the table what failed and why", () => {
  const { streams } = resultWith();
  const outcomes = { ...streams.outcomes, complete: 9, cut: 1 };
  const failed = resultWith({
    streams: { ...streams, outcomes },
    integrity: { lost: 3, duplicated: 0, reordered: 0 },
    causes: { "ECONNRESET in the middle of the stream": 1 },
  });
  const text = renderReport(reportOf(failed));
  assert.match(text, /1 × ECONNRESET in the middle of the stream/);
  assert.match(text, /FAILED: 3 tokens lost, 1 streams cut/);
});

test("survives JSON, so that a script reads what a person reads", () => {
  const report = reportOf(resultWith(), resultWith());
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});
