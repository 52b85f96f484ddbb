import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../../src/limits/redis/history.ts";
import { SLICE_MS, stepMsOf } from "../../../../src/limits/redis/timing.ts";

test("what was leased is remembered by sub-window, less what was given back", () => {
  const history = new History(60_000, 1000);
  history.add(7, 10);
  history.add(8, 5);
  history.add(7, 3);
  history.add(7, -13);
  history.add(8, -1);
  assert.deepEqual(history.entries(), [[8, 4]]);
  history.add(8, -9);
  assert.equal(history.isEmpty, true);
});

test("it forgets a sub-window when Redis no longer counts it, and not before: a minute is 64 entries", () => {
  const windowMs = 60_000;
  const stepMs = stepMsOf(windowMs);
  const history = new History(windowMs, stepMs);
  for (let mark = 1000; mark < 2000; mark++) {
    history.add(mark, 1);
    history.prune(mark);
    // The earliest moment of this sub-window; Redis counts k until (k + 1) steps, a slice's life and a window have passed.
    const counts = (k: number): boolean => mark * stepMs < (k + 1) * stepMs + SLICE_MS + windowMs;
    const kept = new Set(history.entries().map(([k]) => k));
    for (let k = 1000; k <= mark; k++) if (counts(k)) assert.ok(kept.has(k), `${k} at ${mark}`);
    assert.ok(kept.size <= 64, `${kept.size}`);
  }
});
