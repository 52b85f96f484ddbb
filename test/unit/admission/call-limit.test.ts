import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { CallLimit, LEAST_CALLS } from "../../../src/admission/call-limit.ts";

const SAMPLE = { utilisation: 0, calls: 0, crowded: false, ttftMs: 200 };

/** A limit after two samples alike. */
function limitAt(utilisation: number, calls: number, crowded = false): CallLimit {
  const limit = new CallLimit();
  limit.sample({ ...SAMPLE, utilisation, calls, crowded });
  limit.sample({ ...SAMPLE, utilisation, calls, crowded });
  return limit;
}

test("a loop with time to spare takes whatever comes", () => {
  const limit = limitAt(0.29, 1000);
  assert.equal(limit.limit, Infinity);
  assert.ok(limit.admits(1_000_000));
});

test("one busy sample alone limits nothing", () => {
  const limit = new CallLimit();
  for (let i = 0; i < 10; i++) {
    limit.sample({ ...SAMPLE, utilisation: i % 2, calls: 1000, crowded: true });
    assert.equal(limit.limit, Infinity);
  }
});

/** A loop that others have waited for so long that it is taken for full. */
function fullAt(utilisation: number, calls: number): CallLimit {
  const limit = new CallLimit();
  for (let sample = 0; sample < 6; sample++) limit.sample({ ...SAMPLE, utilisation, calls, crowded: true });
  return limit;
}

test("a thousand streams begun at once, which keep a loop full for less than half a second, are let in", () => {
  const limit = limitAt(0.1, 0);
  let calls = 0;
  for (let sample = 0; sample < 5; sample++) {
    for (const end = calls + 200; calls < end; calls++) assert.ok(limit.admits(calls));
    limit.sample({ ...SAMPLE, utilisation: 1, calls, crowded: true });
  }
  limit.sample({ ...SAMPLE, utilisation: 0.4, calls });
  limit.sample({ ...SAMPLE, utilisation: 0.4, calls });
  assert.ok(limit.admits(calls));
});

test("streams that keep a loop busy only by beginning are let in for as long as they come", () => {
  const limit = limitAt(0.1, 0);
  let calls = 0;
  for (let sample = 0; sample < 20; sample++) {
    for (const end = calls + 200; calls < end; calls++) assert.ok(limit.admits(calls));
    limit.sample({ ...SAMPLE, utilisation: 0.75, calls, crowded: true });
  }
});

test("a full loop has fewer and fewer calls while others wait at the door", () => {
  const limit = fullAt(1, 1000);
  assert.ok(!limit.admits(999));
  let calls = 1000;
  for (let second = 0; second < 20; second++) {
    const before = calls;
    for (let i = 0; i < 10; i++) {
      limit.sample({ ...SAMPLE, utilisation: 1, calls, crowded: true });
      // Calls end, and others take their places as far as they may.
      calls = Math.min(calls, limit.limit);
    }
    assert.ok(calls === LEAST_CALLS || calls < 0.85 * before);
  }
  assert.equal(calls, LEAST_CALLS);
});

test("a full loop that nobody else wants into takes a call for each that ends, and none more", () => {
  const limit = limitAt(1, 1000);
  assert.ok(!limit.admits(1000));
  assert.ok(limit.admits(999));
});

test("the room of calls that have begun and ended since the last sample counts, but only once", () => {
  const limit = new CallLimit();
  limit.sample({ ...SAMPLE, utilisation: 0.9, calls: 100 });
  for (let calls = 100; calls < 250; calls++) assert.ok(limit.admits(calls));
  limit.sample({ ...SAMPLE, utilisation: 0.9, calls: 100 });
  assert.ok(limit.admits(249) && !limit.admits(250));
  limit.sample({ ...SAMPLE, utilisation: 0.9, calls: 100 });
  limit.sample({ ...SAMPLE, utilisation: 0.9, calls: 100 });
  assert.ok(!limit.admits(100));
});

test("small requests that keep a loop busy do not shut streams out: what comes next is let in, and weighed", () => {
  for (const utilisation of [0.7, 1]) {
    const limit = limitAt(utilisation, 64);
    for (let request = 0; request < 500; request++) assert.ok(limit.admits(63));
    limit.sample({ ...SAMPLE, utilisation, calls: 64 });
    for (let calls = 64; calls < 264; calls++) assert.ok(limit.admits(calls));
  }
});

test("a loop with few calls is never full, whatever keeps it busy", () => {
  for (const calls of [0, 1, LEAST_CALLS - 1]) assert.ok(limitAt(1, calls, true).admits(calls));
});

test("the busier a loop is, the fewer more it takes; and where nobody waits never fewer than it has", () => {
  const busy = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(busy, busy, fc.nat(20_000), fc.boolean(), (one, other, calls, crowded) => {
      const less = limitAt(Math.min(one, other), calls, crowded).limit;
      const more = limitAt(Math.max(one, other), calls, crowded).limit;
      assert.ok(more <= less);
      if (!crowded) assert.ok(more >= calls);
    }),
  );
});

test("a loop in a surge takes more with each sample, slower where first tokens take long, until nobody is refused any more", () => {
  const calls = 1000;
  const grownAt = (ttftMs: number): number => {
    const limit = fullAt(0.9, calls);
    assert.ok(!limit.admits(calls));
    limit.sample({ ...SAMPLE, utilisation: 0.4, calls, ttftMs });
    return limit.limit - calls;
  };
  assert.ok(grownAt(200) > 0 && grownAt(200) < 100);
  assert.ok(grownAt(5000) > 0 && grownAt(5000) < grownAt(200) / 5);
  const limit = fullAt(0.9, calls);
  assert.ok(!limit.admits(calls));
  let samples = 0;
  for (; limit.limit < Infinity; samples++) limit.sample({ ...SAMPLE, utilisation: 0.1, calls });
  assert.equal(samples, 11);
});
