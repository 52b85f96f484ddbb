import assert from "node:assert/strict";
import { test } from "node:test";
import { median, medianRatio } from "../../../../src/bench/compare/medians.ts";
import type { RoundFigures } from "../../../../src/bench/compare/round.ts";
import {
  GENERATED_END,
  GENERATED_START,
  renderComparison,
  replaceGenerated,
} from "../../../../src/bench/compare/table.ts";

function round(cpuUsPerEvent: number): RoundFigures {
  return {
    cpuUsPerEvent,
    cpuUsPerRequest: 20,
    rssBytesPerStream: 2048,
    ttftP50Us: 200_000,
    ttftP99Us: 210_000,
    addedP99Us: 1_000,
    faults: [],
  };
}

test("takes the middle value, and the mean of two middle ones", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), null);
});

test("takes ratios within a round, so that what the machine did to both cancels out", () => {
  const baseline = [round(10), round(40), round(20)];
  const subject = [round(15), round(60), round(30)];
  assert.equal(medianRatio(subject, baseline, "cpuUsPerEvent"), 1.5);
});

test("leaves out rounds in which either failed", () => {
  assert.equal(medianRatio([round(15), null], [round(10), round(1)], "cpuUsPerEvent"), 1.5);
  assert.equal(medianRatio([round(15)], [null], "cpuUsPerEvent"), null);
});

test("writes a row for each subject, with the reason where one could not be measured", () => {
  const text = renderComparison({
    date: new Date("2026-01-02T03:04:05Z"),
    machine: { cores: 2, cpu: "cpu", kernel: "Linux 6", node: "v24" },
    rounds: 1,
    holdStreams: 2000,
    outcomes: [
      { name: "nginx", version: "1.22.1", share: 1, rounds: [round(10)] },
      { name: "headwaiter", version: "0.1.0", share: 1, rounds: [round(12.5)] },
      { name: "slow", version: "9", share: 0.02, rounds: [{ ...round(900), faults: ["3 tokens lost"] }] },
      { name: "missing", reason: "pip failed:\nno | network" },
    ],
  });
  assert.match(text, /^Measured 2026-01-02 on 2 cores/);
  assert.match(text, /\| headwaiter 0\.1\.0 \| 12\.5 µs \(1\.25 ×\) \|/);
  assert.match(text, /\| 3 tokens lost \|/);
  assert.match(text, /\| missing \| not measured: pip failed: no \\\| network \|/);
  assert.match(text, /slow was given 2 % of that load\./);
});

test("replaces only what stands between the markers", () => {
  const document = `before\n${GENERATED_START}\nold\n${GENERATED_END}\nafter\n`;
  assert.equal(replaceGenerated(document, "new"), `before\n${GENERATED_START}\nnew\n${GENERATED_END}\nafter\n`);
  assert.throws(() => replaceGenerated("no markers", "new"), /has no/);
});
