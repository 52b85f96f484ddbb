import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Demand } from "../../../../src/limits/redis/demand.ts";

test("a steady rate is known within a tenth after five seconds, however often it is looked at", () => {
  for (const everyMs of [20, 100, 250, 1000]) {
    const demand = new Demand(0);
    for (let nowMs = everyMs; nowMs <= 10_000; nowMs += everyMs) demand.note(nowMs / 2, nowMs);
    const expected = demand.expected(1000);
    assert.ok(expected > 450 && expected <= 500, `${expected} every ${everyMs} ms`);
  }
});

test("half a second after the last request nothing is expected any more, and as much as before when they go on", () => {
  const demand = new Demand(0);
  for (let nowMs = 100; nowMs <= 5000; nowMs += 100) demand.note(nowMs / 10, nowMs);
  assert.ok(demand.expected(1000) > 80);
  demand.note(500, 5499);
  assert.ok(demand.expected(1000) > 60);
  demand.note(500, 5520);
  assert.equal(demand.expected(1000), 0);
  demand.note(510, 5600);
  assert.ok(demand.expected(1000) > 60);
});

test("one request of a client that comes now and then asks for nothing ahead", () => {
  const demand = new Demand(0);
  demand.note(1, 100);
  assert.equal(demand.expected(1000), 0);
});

test("what is expected is whole and never below 0, whatever comes back", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5000), fc.integer({ min: -1e9, max: 1e12 }))), (notes) => {
      const demand = new Demand(0);
      let nowMs = 0;
      for (const [forMs, taken] of notes) {
        demand.note(taken, (nowMs += forMs));
        const expected = demand.expected(1000);
        assert.ok(Number.isSafeInteger(expected) && expected >= 0, `${expected}`);
      }
    }),
  );
});
