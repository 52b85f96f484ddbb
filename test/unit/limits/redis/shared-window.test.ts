import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedWindow } from "../../../../src/limits/redis/shared-window.ts";
import { SLICE_MS } from "../../../../src/limits/redis/timing.ts";

const ACCOUNT = { name: "tenant:acme tokens/1m", group: "tenant:acme", limit: 100, windowMs: 60_000 };

function makeWindow(): SharedWindow {
  return new SharedWindow(3, ACCOUNT, 0);
}

test("what goes back is said once; where it was not said it is said again, and nothing is lost in between", () => {
  const window = makeWindow();
  window.takeBack(7, 10);
  window.takeBack(7, 5);
  window.takeBack(0, -20);
  assert.equal(window.owes, true);
  const debts = window.takeDebts();
  assert.deepEqual(debts, { returns: [[7, 15]], charge: 20 });
  assert.equal(window.owes, false);
  window.takeBack(7, 1);
  window.owe(debts);
  assert.deepEqual(window.takeDebts(), { returns: [[7, 16]], charge: 20 });
});

test("it remembers what it leased and was charged, less what Redis has heard that it gave back", () => {
  const window = makeWindow();
  window.answered({ mark: 7, leased: 30, charged: 4, left: 66 }, [], 0);
  window.takeBack(7, 10);
  assert.deepEqual(window.history.entries(), [[7, 34]]);
  window.answered({ mark: 8, leased: 1, charged: 0, left: 75 }, window.takeDebts().returns, 1000);
  assert.deepEqual(window.history.entries(), [
    [7, 24],
    [8, 1],
  ]);
});

test("a shortage is believed for a moment, by those who ask for more than was left, until something goes back", () => {
  const window = makeWindow();
  window.answered({ mark: 7, leased: 0, charged: 0, left: 5 }, [], 0);
  assert.equal(window.knownShortage(6, 0), null);
  window.ranShort(9000, 0);
  assert.deepEqual(window.knownShortage(6, 50), {
    kind: "shortage",
    account: 3,
    asked: 6,
    limit: 100,
    remaining: 5,
    freeInMs: 8950,
  });
  assert.equal(window.knownShortage(5, 50), null);
  assert.equal(window.knownShortage(6, 150), null);
  assert.equal(window.knownShortage(101, 50)?.freeInMs, null);
  window.takeBack(7, 1);
  assert.equal(window.knownShortage(6, 50), null);
});

test("a steady user is filled up before it runs out; one that has stopped gets nothing ahead", () => {
  const window = makeWindow();
  let leased = 0;
  for (let nowMs = 250; nowMs <= 5000; nowMs += 250) {
    window.answered({ mark: 7, leased: 250, charged: 0, left: 50_000 }, [], nowMs);
    leased += 250;
    // All but so much of it is taken in a quarter of a second.
    window.noteAvailable(0, nowMs);
  }
  assert.equal(leased, 5000);
  const wanted = window.wanted(0);
  assert.ok(wanted > 800 && wanted <= 1000, `${wanted}`);
  assert.deepEqual([window.isLow(wanted), window.isLow(Math.floor(wanted / 4))], [false, true]);
  assert.equal(window.wanted(wanted + 1), 0);
  window.noteAvailable(0, 5250);
  window.noteAvailable(0, 5500);
  assert.deepEqual([window.wanted(0), window.isLow(0)], [0, false]);
});

test("it is let go of when nothing of it counts any more and nothing is owed, and not before", () => {
  const window = makeWindow();
  window.answered({ mark: 100, leased: 1, charged: 0, left: 99 }, [], 0);
  assert.equal(window.isIdle(60_000 + SLICE_MS), false);
  assert.equal(window.isIdle(60_000 + SLICE_MS + 3000), true);
  window.takeBack(100, 1);
  assert.equal(window.isIdle(100_000), false);
});
