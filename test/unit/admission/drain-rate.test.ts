import assert from "node:assert/strict";
import { test } from "node:test";
import { DrainRate } from "../../../src/admission/drain-rate.ts";

/** After so many grants, one every `everyMs`, with somebody waiting all the while. */
function drained(grants: number, everyMs: number): { rate: DrainRate; nowMs: number } {
  const rate = new DrainRate();
  rate.setBusy(true, 0);
  for (let i = 1; i <= grants; i++) rate.granted(i * everyMs);
  return { rate, nowMs: grants * everyMs };
}

test("how long those before a place take follows from how fast slots were granted", () => {
  const { rate, nowMs } = drained(2000, 20);
  // At least: with 500 grants remembered, a tenth less than what was measured.
  const waitMs = rate.waitAtLeastMs(100, nowMs);
  assert.ok(waitMs > 1700 && waitMs < 2000, `${waitMs}`);
});

test("nobody is said to wait who is first, or of whose queue nothing is known yet", () => {
  assert.equal(drained(10, 1000).rate.waitAtLeastMs(0, 10_000), 0);
  const rate = new DrainRate();
  rate.setBusy(true, 0);
  assert.equal(rate.waitAtLeastMs(100, 0), 0);
  assert.equal(rate.waitAtLeastMs(10_000, 3000), 0);
});

test("that nobody has gone for seconds is known, too", () => {
  const rate = new DrainRate();
  rate.setBusy(true, 0);
  assert.ok(rate.waitAtLeastMs(10, 8000) > 10_000);
});

test("a queue from which nobody goes is known to be slow the longer that lasts", () => {
  const { rate, nowMs } = drained(100, 10);
  const before = rate.waitAtLeastMs(50, nowMs);
  const later = rate.waitAtLeastMs(50, nowMs + 30_000);
  assert.ok(later > 20 * before, `${before} → ${later}`);
});

test("time in which nobody waits says nothing", () => {
  const { rate, nowMs } = drained(1000, 10);
  const before = rate.waitAtLeastMs(50, nowMs);
  rate.setBusy(false, nowMs);
  rate.setBusy(true, nowMs + 50_000);
  assert.equal(rate.waitAtLeastMs(50, nowMs + 50_000), before);
});

test("what was learnt more than a minute ago, with nobody waiting since, is forgotten", () => {
  const { rate, nowMs } = drained(1000, 100);
  rate.setBusy(false, nowMs);
  rate.setBusy(true, nowMs + 61_000);
  assert.equal(rate.waitAtLeastMs(50, nowMs + 61_000), 0);
});

test("who is refused comes back when those before it have gone, spread by a quarter to either side", () => {
  const { rate, nowMs } = drained(2000, 20);
  const [soonest, middle, latest] = [0, 0.5, 1].map((random) => rate.retryAfterMs(499, nowMs, random));
  assert.ok(Math.abs(middle! - 10_000) < 200, `${middle}`);
  assert.ok(Math.abs(soonest! / middle! - 0.75) < 1e-9);
  assert.ok(Math.abs(latest! / middle! - 1.25) < 1e-9);
});

test("nobody is asked to wait less than a second or more than a minute, and these are spread, too", () => {
  const fast = drained(1000, 1);
  const slow = drained(3, 100_000);
  const fastest = [0, 1].map((random) => fast.rate.retryAfterMs(0, fast.nowMs, random));
  const slowest = [0, 1].map((random) => slow.rate.retryAfterMs(1000, slow.nowMs, random));
  assert.deepEqual(
    [...fastest, ...slowest].map((ms) => Math.round(ms)),
    [1000, 1667, 36_000, 60_000],
  );
});

test("a clock that stands still or was read in another order does no harm", () => {
  const rate = new DrainRate();
  rate.setBusy(true, 100);
  rate.granted(100);
  rate.granted(90);
  rate.setBusy(false, 80);
  for (const wait of [rate.waitAtLeastMs(10, 70), rate.retryAfterMs(10, 70)]) assert.ok(Number.isFinite(wait));
});
