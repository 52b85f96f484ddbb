import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AdaptiveLimit, SIZE_CLASSES, sizeClassOf } from "../../../src/admission/adaptive-limit.ts";
import type { UpstreamObservations } from "../../../src/admission/adaptive-limit.ts";

/** So many first tokens of one class, each after so long. */
function tokens(count: number, ttftMs: number, size = 0): UpstreamObservations {
  const at = (value: number): number[] => Array.from({ length: SIZE_CLASSES }, (_, i) => (i === size ? value : 0));
  return { firstTokens: at(count), logSums: at(count * Math.log(ttftMs)), answers: 0, overloads: 0 };
}

const overload = (overloads: number): UpstreamObservations => ({ ...tokens(0, 1), overloads });

const REPORT_MS = 200;

interface Server {
  /** Time to first token with so many under way, milliseconds. */
  readonly ttftMs: (inUse: number) => number;
  /** Requests that would be under way without a cap. */
  readonly offered: number;
  readonly overloads?: (inUse: number) => number;
}

/** Runs `limit` against `server` from `fromMs` on. @returns the cap over time. */
function run(limit: AdaptiveLimit, server: Server, seconds: number, fromMs = 0): number[] {
  const caps: number[] = [];
  let seed = 1;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1000; nowMs += REPORT_MS) {
    const inUse = Math.min(limit.cap, server.offered);
    const count = Math.max(1, Math.round(inUse / 10));
    let noise = 0;
    for (let i = 0; i < count; i++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      // Each from half to twice what is usual.
      noise += ((seed / 2 ** 32 - 0.5) * 2 * Math.LN2) / count;
    }
    const seen = tokens(count, server.ttftMs(inUse) * Math.exp(noise));
    limit.take({ ...seen, overloads: server.overloads?.(inUse) ?? 0 }, inUse, nowMs);
    caps.push(limit.cap);
  }
  return caps;
}

/** As soon as `slots` are full, a first token waits for others. */
const saturating = (slots: number, leastMs: number): Server => ({
  ttftMs: (inUse) => leastMs * Math.max(1, inUse / slots),
  offered: Infinity,
});

test("grows from the least to what the upstream carries at its pace, and stays there", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 500 });
  const caps = run(limit, saturating(100, 200), 300);
  const late = caps.slice(-500);
  assert.ok(Math.min(...late) >= 90, `down to ${Math.min(...late)}`);
  assert.ok(Math.max(...late) <= 260, `up to ${Math.max(...late)}`);
});

test("reaches the most where nothing speaks against it, within a minute", () => {
  const limit = new AdaptiveLimit({ min: 10, max: 500 });
  run(limit, { ttftMs: () => 300, offered: Infinity }, 60);
  assert.equal(limit.cap, 500);
});

test("does not grow beyond what is in use", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 500 });
  const caps = run(limit, { ttftMs: () => 200, offered: 20 }, 120);
  assert.ok(Math.max(...caps) <= 32, `${Math.max(...caps)}`);
});

test("halves within seconds of an upstream that has become slower by what is asked of it", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 500 });
  run(limit, saturating(200, 200), 120);
  const before = limit.cap;
  run(limit, saturating(50, 200), 60, 120_000);
  assert.ok(limit.cap < before / 2 && limit.cap >= 45, `${before} → ${limit.cap}`);
});

test("does not starve an upstream that is slower whatever is asked of it: halved in vain, it takes that for the floor", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 400 });
  run(limit, { ttftMs: () => 200, offered: Infinity }, 120);
  assert.equal(limit.cap, 400);
  const caps = run(limit, { ttftMs: () => 1000, offered: Infinity }, 240, 120_000);
  assert.ok(Math.min(...caps) >= 150, `down to ${Math.min(...caps)}`);
  assert.equal(limit.cap, 400);
});

test("never runs the upstream empty to find its floor", () => {
  const limit = new AdaptiveLimit({ min: 1, max: 500 });
  run(limit, saturating(100, 200), 120);
  const caps = run(limit, saturating(100, 200), 3600, 120_000);
  assert.ok(Math.min(...caps) >= 80, `down to ${Math.min(...caps)}`);
  // Nor does it take what it makes the upstream be for the floor.
  assert.ok(Math.max(...caps.slice(-3000)) <= 300, `up to ${Math.max(...caps.slice(-3000))}`);
});

test("shrinks by a quarter of what was in use when the upstream refuses, once for all refusals of a moment", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 500 });
  run(limit, { ttftMs: () => 200, offered: Infinity }, 60);
  limit.take(tokens(100, 200), 400, 60_000);
  limit.take(tokens(100, 200), 400, 61_000);
  limit.take(overload(50), 400, 62_000);
  assert.equal(limit.cap, 300);
  limit.take(overload(50), 300, 62_200);
  assert.equal(limit.cap, 300);
  limit.take(overload(1), 300, 63_000);
  assert.equal(limit.cap, 225);
});

test("finds about as much as an upstream takes that refuses what is more, and is as slow with it as without", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 500 });
  const server = { ttftMs: () => 200, offered: Infinity, overloads: (inUse: number) => (inUse > 120 ? 1 : 0) };
  const late = run(limit, server, 300).slice(-500);
  const mean = late.reduce((sum, cap) => sum + cap, 0) / late.length;
  assert.ok(mean > 90 && mean < 121, `${mean}`);
});

test("long prompts that take long are no sign of anything", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 100 });
  for (let nowMs = 0; nowMs < 60_000; nowMs += REPORT_MS) limit.take(tokens(10, 200), limit.cap, nowMs);
  assert.equal(limit.cap, 100);
  for (let nowMs = 60_000; nowMs < 120_000; nowMs += REPORT_MS) {
    limit.take(tokens(10, 200 * 30, 5), limit.cap, nowMs);
    assert.equal(limit.cap, 100);
  }
});

test("a size that comes for the first time under load is not taken for a floor", () => {
  const limit = new AdaptiveLimit({ min: 10, max: 1000 });
  for (let nowMs = 0; nowMs < 60_000; nowMs += REPORT_MS) limit.take(tokens(10, 200), limit.cap, nowMs);
  const both = {
    ...tokens(0, 1),
    firstTokens: [10, 10, 0, 0, 0, 0],
    logSums: [10 * Math.log(600), 10 * Math.log(1200), 0, 0, 0, 0],
  };
  limit.take(tokens(10, 600), limit.cap, 61_000);
  for (const nowMs of [70_000, 80_000]) limit.take(both, limit.cap, nowMs);
  const before = limit.cap;
  limit.take(tokens(20, 1200, 1), limit.cap, 90_000);
  assert.ok(limit.cap < before, `${before} → ${limit.cap}`);
});

test("whole answers alone let it grow, for there is nothing else to go by", () => {
  const limit = new AdaptiveLimit({ min: 4, max: 100 });
  for (let nowMs = 0; nowMs < 60_000; nowMs += REPORT_MS)
    limit.take({ ...tokens(0, 1), answers: 10 }, limit.cap, nowMs);
  assert.equal(limit.cap, 100);
});

test("stays within its bounds and whole, whatever is seen, and also when they change", () => {
  const seen = fc.record({
    firstTokens: fc.array(fc.nat(50), { minLength: SIZE_CLASSES, maxLength: SIZE_CLASSES }),
    logSums: fc.array(fc.double({ min: -100, max: 1000, noNaN: true }), {
      minLength: SIZE_CLASSES,
      maxLength: SIZE_CLASSES,
    }),
    answers: fc.nat(50),
    overloads: fc.constantFrom(0, 0, 0, 1, 100),
  });
  const bounds = fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(500))
    .map(([min, more]) => ({ min, max: min + more }));
  const steps = fc.array(fc.tuple(seen, fc.nat(600), fc.nat(5000), fc.option(bounds, { freq: 10 })), { maxLength: 60 });
  fc.assert(
    fc.property(bounds, steps, (first, steps) => {
      let { min, max } = first;
      const limit = new AdaptiveLimit(first);
      let nowMs = 0;
      for (const [seen, inUse, elapsedMs, changed] of steps) {
        if (changed !== null) {
          limit.bounds = changed;
          ({ min, max } = changed);
        }
        limit.take(seen, inUse, (nowMs += elapsedMs));
        assert.ok(Number.isInteger(limit.cap) && limit.cap >= min && limit.cap <= max, `${limit.cap}`);
      }
    }),
  );
});

test("sizes of prompts fall into classes, each four times as large as the one before", () => {
  assert.deepEqual([0, 255, 256, 4095, 4096, 65_535, 65_536, 1e9].map(sizeClassOf), [0, 0, 1, 2, 3, 4, 5, 5]);
});
