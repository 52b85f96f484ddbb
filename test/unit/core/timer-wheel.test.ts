import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { TimerEntry, TimerWheel } from "../../../src/core/timer-wheel.ts";

const TICK_MS = 10;

/** An entry that notes when it fires and then does what it was told. */
class Noting extends TimerEntry {
  readonly firedMs: number[] = [];
  whenFired: (nowMs: number) => void = () => {};

  override onTimer(nowMs: number): void {
    this.firedMs.push(nowMs);
    this.whenFired(nowMs);
  }
}

/** A wheel on a clock that stands until a test moves it. */
function fakeWheel(slots = 8): { wheel: TimerWheel; at: (ms: number) => void; nowMs: () => number } {
  let nowMs = 0;
  const wheel = new TimerWheel({ tickMs: TICK_MS, slots, now: () => nowMs });
  return {
    wheel,
    nowMs: () => nowMs,
    at(ms) {
      nowMs = ms;
      wheel.turn();
      // Turned by hand alone.
      wheel.stop();
    },
  };
}

test("fires when due and not before, once, and is empty after that", () => {
  const { wheel, at } = fakeWheel();
  const entry = new Noting();
  wheel.arm(entry, 35);
  assert.equal(wheel.size, 1);
  for (const ms of [10, 20, 30, 34.9, 39.9]) at(ms);
  assert.deepEqual(entry.firedMs, []);
  at(40);
  at(50);
  at(1000);
  assert.deepEqual(entry.firedMs, [40]);
  assert.equal(wheel.size, 0);
});

test("counts an entry that is armed again once, and fires it at the later moment alone", () => {
  const { wheel, at } = fakeWheel();
  const entry = new Noting();
  for (const dueMs of [20, 30, 60, 50]) wheel.arm(entry, dueMs);
  assert.equal(wheel.size, 1);
  for (let ms = 10; ms <= 100; ms += 10) at(ms);
  assert.deepEqual(entry.firedMs, [50]);
});

test("an entry can take out and move others that are due in the same visit", () => {
  const { wheel, at } = fakeWheel();
  const [first, disarmed, moved, last] = [new Noting(), new Noting(), new Noting(), new Noting()] as const;
  for (const entry of [first, disarmed, moved, last]) wheel.arm(entry, 20);
  first.whenFired = () => {
    wheel.disarm(disarmed);
    wheel.disarm(disarmed);
    wheel.arm(moved, 100);
    // The next in the list leaves, comes back, and leaves again.
    wheel.arm(disarmed, 20);
    wheel.disarm(disarmed);
  };
  at(20);
  assert.deepEqual(
    [first, disarmed, moved, last].map((entry) => entry.firedMs.length),
    [1, 0, 0, 1],
  );
  assert.equal(wheel.size, 1);
  for (let ms = 30; ms <= 120; ms += 10) at(ms);
  assert.deepEqual(moved.firedMs, [100]);
  assert.deepEqual(disarmed.firedMs, []);
  assert.equal(wheel.size, 0);
});

test("an entry can take out all others of its visit, the last one included", () => {
  const { wheel, at } = fakeWheel();
  const entries = Array.from({ length: 5 }, () => new Noting());
  for (const entry of entries) wheel.arm(entry, 20);
  entries[0]!.whenFired = () => entries.forEach((entry) => wheel.disarm(entry));
  at(30);
  assert.equal(entries.flatMap((entry) => entry.firedMs).length, 1);
  assert.equal(wheel.size, 0);
});

test("an entry that always arms itself for now does not keep a turn from ending", () => {
  const { wheel, at } = fakeWheel(8);
  const entry = new Noting();
  entry.whenFired = (nowMs) => wheel.arm(entry, nowMs);
  wheel.arm(entry, 0);
  at(10_000);
  assert.ok(entry.firedMs.length >= 1 && entry.firedMs.length <= 8);
  const firedSoFar = entry.firedMs.length;
  at(10_010);
  assert.equal(entry.firedMs.length, firedSoFar + 1);
});

test("keeps a deadline that is many horizons away", () => {
  const { wheel, at } = fakeWheel(4);
  const entry = new Noting();
  wheel.arm(entry, 12_345);
  for (let ms = 10; ms <= 12_340; ms += 10) at(ms);
  assert.deepEqual(entry.firedMs, []);
  at(12_350);
  assert.deepEqual(entry.firedMs, [12_350]);
});

test("after a long block everything due fires in the first turn, and nothing else", () => {
  const { wheel, at } = fakeWheel(8);
  const due = [15, 79, 80, 81, 5_000, 99_999].map((dueMs) => {
    const entry = new Noting();
    wheel.arm(entry, dueMs);
    return entry;
  });
  const later = new Noting();
  wheel.arm(later, 100_001);
  at(100_000);
  assert.ok(due.every((entry) => entry.firedMs.length === 1));
  assert.deepEqual(later.firedMs, []);
  at(100_010);
  assert.deepEqual(later.firedMs, [100_010]);
});

test("an entry armed after an idle hour waits no less and no more than asked", () => {
  const { wheel, at } = fakeWheel(8);
  const entry = new Noting();
  wheel.arm(entry, 20);
  at(20);
  at(3_600_003);
  wheel.arm(entry, 3_600_023);
  at(3_600_020);
  assert.equal(entry.firedMs.length, 1);
  at(3_600_030);
  assert.deepEqual(entry.firedMs, [20, 3_600_030]);
});

/** What may be done to entry `who`, in between turns or from within another's `onTimer`. */
interface Action {
  readonly kind: "arm" | "disarm";
  readonly who: number;
  readonly delayMs: number;
}

const ENTRIES = 6;
const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom("arm", "arm", "arm", "disarm"),
  who: fc.nat(ENTRIES - 1),
  delayMs: fc.oneof(fc.integer({ min: -20, max: 60 }), fc.integer({ min: 0, max: 900 })).map((ms) => ms + 0.25),
});
const step = fc.record({
  actions: fc.array(action, { maxLength: 3 }),
  /** What the next entry that fires does. */
  whenFiring: fc.array(action, { maxLength: 2 }),
  advanceMs: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) }, fc.integer({ min: 0, max: 700 })),
});

test("whatever is armed, moved and taken out, also from within: once each, never early, a tick late at most", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 2, max: 9 }), (steps, slots) => {
      const { wheel, at, nowMs } = fakeWheel(slots);
      /** Entry → the tick by which it has to have fired. */
      const waiting = new Map<Noting, { dueMs: number; byTick: number }>();
      const pending: Action[][] = [];
      const entries = Array.from({ length: ENTRIES }, () => new Noting());
      const perform = ({ kind, who, delayMs }: Action): void => {
        const entry = entries[who]!;
        if (kind === "disarm") {
          wheel.disarm(entry);
          waiting.delete(entry);
          return;
        }
        const dueMs = nowMs() + delayMs;
        wheel.arm(entry, dueMs);
        const nextTick = Math.floor(nowMs() / TICK_MS) + 1;
        waiting.set(entry, { dueMs, byTick: Math.max(Math.ceil(dueMs / TICK_MS), nextTick) });
      };
      for (const entry of entries) {
        entry.whenFired = (firedMs) => {
          const expected = waiting.get(entry);
          assert.ok(expected !== undefined, "fired without being armed");
          assert.ok(firedMs >= expected.dueMs, "fired early");
          waiting.delete(entry);
          pending.pop()?.forEach(perform);
        };
      }
      let ms = 0;
      const turnAndCheck = (): void => {
        at(ms);
        assert.equal(wheel.size, waiting.size);
        for (const { byTick } of waiting.values()) assert.ok(byTick > Math.floor(ms / TICK_MS), "not fired in time");
      };
      for (const { actions, whenFiring, advanceMs } of steps) {
        actions.forEach(perform);
        pending.push(whenFiring);
        ms += advanceMs;
        turnAndCheck();
      }
      pending.length = 0;
      for (let i = 0; i < 200 && wheel.size > 0; i++) {
        ms += TICK_MS;
        turnAndCheck();
      }
      assert.equal(wheel.size, 0);
    }),
    { numRuns: 1000 },
  );
});

test("its own timer is aimed at the end of the tick, so that nothing is late by two", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 4;
  const wheel = new TimerWheel({ tickMs: TICK_MS, slots: 8, now: () => nowMs });
  const step = (): void => {
    nowMs++;
    t.mock.timers.tick(1);
  };
  for (let dueMs = 5; dueMs < 60; dueMs++) {
    const entry = new Noting();
    const startMs = nowMs;
    wheel.arm(entry, startMs + dueMs);
    for (let i = 0; i < 200 && entry.firedMs.length === 0; i++) step();
    const lateMs = entry.firedMs[0]! - (startMs + dueMs);
    assert.ok(lateMs >= 0 && lateMs <= TICK_MS, `${lateMs} ms late`);
    step();
  }
});

test("a timer runs while something is armed, and none when nothing is", async (t) => {
  const setTimer = t.mock.method(globalThis, "setTimeout");
  const turnLoopFor = async (ms: number): Promise<void> => {
    for (const untilMs = performance.now() + ms; performance.now() < untilMs;) await nextTurn();
  };
  const timersMade = (): number => setTimer.mock.callCount();
  const wheel = new TimerWheel({ tickMs: 2, slots: 8 });
  await turnLoopFor(10);
  assert.equal(timersMade(), 0, "before anything was armed");
  const entry = new Noting();
  wheel.arm(entry, wheel.nowMs() + 5);
  while (entry.firedMs.length === 0) await nextTurn();
  const timersWhenFired = timersMade();
  assert.ok(timersWhenFired > 0);
  await turnLoopFor(20);
  assert.equal(timersMade(), timersWhenFired, "after the last one fired");
  wheel.arm(entry, wheel.nowMs() + 60_000);
  wheel.disarm(entry);
  await turnLoopFor(10);
  const timersWhenDisarmed = timersMade();
  await turnLoopFor(20);
  assert.equal(timersMade(), timersWhenDisarmed, "after the last one was taken out");
  wheel.arm(entry, wheel.nowMs() + 60_000);
  wheel.stop();
  const timersWhenStopped = timersMade();
  await turnLoopFor(20);
  assert.equal(timersMade(), timersWhenStopped, "after stop");
  assert.equal(entry.firedMs.length, 1);
});

test("an armed wheel does not keep a process alive", async () => {
  const wheelUrl = new URL("../../../src/core/timer-wheel.ts", import.meta.url).href;
  const program = `
    import { TimerEntry, TimerWheel } from ${JSON.stringify(wheelUrl)};
    class Never extends TimerEntry { onTimer() { process.exitCode = 1; } }
    const wheel = new TimerWheel({ tickMs: 50, slots: 8 });
    wheel.arm(new Never(), wheel.nowMs() + 3_600_000);`;
  const node = promisify(execFile);
  await node(process.execPath, ["--input-type=module", "--eval", program], { timeout: 20_000 });
});
