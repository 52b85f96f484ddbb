import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Breaker } from "../../../../src/limits/redis/breaker.ts";
import type { BreakerState } from "../../../../src/limits/redis/breaker.ts";

function breaker(): { breaker: Breaker; states: BreakerState[] } {
  const states: BreakerState[] = [];
  return { breaker: new Breaker({ failuresToOpen: 3, openMs: 100, onState: (state) => states.push(state) }), states };
}

test("nothing has answered yet: it begins open, and may be tried at once", () => {
  const { breaker: one, states } = breaker();
  assert.equal(one.state, "open");
  assert.equal(one.tries(0), true);
  one.succeeded();
  assert.deepEqual([one.state, ...states], ["closed", "half_open", "closed"]);
});

test("it opens after so many failures in a row, and an answer between them starts the count anew", () => {
  const { breaker: one } = breaker();
  one.close();
  one.failed(0);
  one.failed(0);
  one.succeeded();
  one.failed(0);
  one.failed(0);
  assert.equal(one.state, "closed");
  one.failed(0);
  assert.equal(one.state, "open");
});

test("while it is open one try is given out each time that the wait is over, and a failure starts the wait anew", () => {
  const { breaker: one } = breaker();
  one.trip(0);
  assert.deepEqual([one.tries(99), one.opensForMs(99)], [false, 1]);
  assert.deepEqual([one.tries(100), one.tries(100)], [true, false]);
  one.failed(150);
  assert.deepEqual([one.state, one.tries(249), one.tries(250)], ["open", false, true]);
  one.succeeded();
  assert.deepEqual([one.state, one.tries(1000), one.opensForMs(1000)], ["closed", false, 0]);
});

test("an answer to what was asked before it opened does not close it", () => {
  const { breaker: one } = breaker();
  one.close();
  one.trip(0);
  one.succeeded();
  one.failed(0);
  assert.equal(one.state, "open");
});

test("whatever happens, a state is told when it changes and only then", () => {
  const event = fc.constantFrom("tries", "succeeded", "failed", "trip", "close");
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(300)), { maxLength: 60 }), (events) => {
      const { breaker: one, states } = breaker();
      let nowMs = 0;
      for (const [event, forMs] of events) {
        nowMs += forMs;
        const before = one.state;
        const told = states.length;
        if (event === "tries") assert.equal(one.tries(nowMs), before === "open" && one.state === "half_open");
        else one[event](nowMs);
        assert.equal(states.length - told, before === one.state ? 0 : 1);
        if (states.length > 0) assert.equal(states.at(-1), one.state);
      }
    }),
  );
});
