import assert from "node:assert/strict";
import { test } from "node:test";
import { surgeFaults, surgeRows } from "../../../src/bench/surge.ts";
import type { SurgeResult, SurgeStep } from "../../../src/bench/surge.ts";

const quick = { count: 9, p50: 1_000, p90: 2_000, p99: 3_000, max: 4_000 };
const slow = { ...quick, p99: 12_000 };

function stepAt(load: number, changes: Partial<SurgeStep> = {}): SurgeStep {
  return {
    load,
    offeredPerSecond: 100 * load,
    accepted: 300,
    refused: load > 1 ? 200 : 0,
    unanswered: 0,
    goodputPerSecond: load < 1 ? 5000 : 10_000,
    ttft: quick,
    refusal: quick,
    open: 1000,
    rssBytes: 200 * 1024 * 1024,
    cpuShare: 0.9,
    clientCpuShare: 0.3,
    ...changes,
  };
}

function surgeWith(...steps: SurgeStep[]): SurgeResult {
  return { capacityPerSecond: 10_000, capacityFrom: "measured", steps, recoverySeconds: 0.5 };
}

test("a surge is good when goodput holds, refusals are quick and it is soon over", () => {
  assert.deepEqual(surgeFaults(surgeWith(stepAt(0.5), stepAt(1), stepAt(10))), []);
});

test("goodput that falls, refusals that take long, and a way back that takes long, are faults", () => {
  const fallen = surgeWith(stepAt(1), stepAt(10, { goodputPerSecond: 3000 }));
  assert.deepEqual(surgeFaults(fallen), ["goodput at 10 × is 30 % of the best"]);
  const late = surgeWith(stepAt(1, { refusal: slow }), stepAt(10, { refusal: slow }));
  assert.deepEqual(surgeFaults(late), ["refusals at 10 × take 12.0 ms at the 99th percentile"]);
  assert.equal(surgeFaults({ ...surgeWith(stepAt(1)), recoverySeconds: 6 }).length, 1);
  assert.equal(surgeFaults({ ...surgeWith(stepAt(1)), recoverySeconds: null }).length, 1);
});

test("the report has a line for each step, and leaves out what is not known", () => {
  const rows = surgeRows(surgeWith(stepAt(0.5), stepAt(10, { rssBytes: null, cpuShare: null, unanswered: 7 })));
  assert.deepEqual(
    rows.map(([label]) => label),
    ["capacity", "load 0.5 ×", "load 10 ×", "back to normal"],
  );
  assert.match(rows[1]![1], /goodput 5000\/s .*CPU 90 % · 200 MiB/);
  assert.doesNotMatch(rows[1]![1], /refusal|unanswered/);
  assert.match(rows[2]![1], /7 unanswered .*refusal p50 1\.0 ms p99 3\.0 ms · client/);
});
