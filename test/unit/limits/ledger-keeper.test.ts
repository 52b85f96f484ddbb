import assert from "node:assert/strict";
import { test } from "node:test";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import { SteadyWallClock } from "../../../src/limits/ledger-state.ts";
import type { SavedBudget } from "../../../src/limits/ledger-state.ts";
import { budget, charge, gauge, rate, readLedger, reserved, shared } from "./ledger-parts.ts";

const HOUR_MS = 3_600_000;
const WALL_MS = 1_800_000_000_000;

function keeperOf(accounts = 8, rows = 2): LedgerKeeper {
  return new LedgerKeeper({ rows, accounts });
}

test("a reload that changes a limit changes it for requests under way too, and keeps what was counted", () => {
  const keeper = keeperOf();
  const accounts = keeper.define([rate("a", 10), rate("b", 10)]);
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  reserved(ledger.reserve(charge(8, 8), 0));
  const next = keeper.define([rate("c", 5), rate("b", 20)]);
  assert.equal(next.get("b"), accounts.get("b"));
  assert.equal(next.has("a"), false);
  const account = next.get("b")!;
  assert.equal(ledger.peek(account, 0).remaining, 12);
  // Requests of the earlier config still count in what it had.
  reserved(ledger.reserve([{ account: accounts.get("a")!, amount: 2 }], 0));
  assert.equal(keeper.definitionOf(account)!.limit, 20);
});

test("a limit that comes back counts on; one that was retired begins anew, in whose place it may be", () => {
  const keeper = keeperOf(2);
  keeper.define([rate("a", 10), gauge("b", 10)]);
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  reserved(ledger.reserve(charge(8, 3), 0));
  keeper.define([rate("a", 10)]);
  const again = keeper.define([rate("a", 10), gauge("b", 10)]);
  assert.equal(ledger.peek(again.get("b")!, 0).remaining, 7);
  keeper.define([rate("a", 10)]);
  assert.deepEqual(keeper.retire(), ["b"]);
  assert.deepEqual(keeper.retire(), []);
  assert.equal(keeper.definitionOf(1), undefined);
  const next = keeper.define([rate("a", 10), rate("c", 10)]);
  assert.equal(next.get("c"), 1);
  assert.deepEqual(ledger.peek(1, 0), { limit: 10, remaining: 10, resetInMs: 0 });
  readLedger(keeper.buffer);
});

test("limits that are added leave all others as they are, and go with the next ones that are defined without them", () => {
  const keeper = keeperOf(3);
  keeper.define([rate("a", 10)]);
  assert.deepEqual(keeper.add([rate("b", 10)]), new Map([["b", 1]]));
  assert.deepEqual(keeper.add([rate("b", 20)]), new Map([["b", 1]]));
  assert.equal(keeper.definitionOf(1)!.limit, 20);
  assert.deepEqual(keeper.retire(), []);
  assert.throws(() => keeper.add([rate("c", 1), rate("d", 1)]), /room for 3 limits and 4 are needed/);
  assert.throws(() => keeper.add([rate("c", -1)]), RangeError);
  keeper.define([rate("a", 10)]);
  assert.deepEqual(keeper.retire(), ["b"]);
});

test("what counts in another way does not go on from what was counted under the same name", () => {
  const keeper = keeperOf();
  const before = keeper.define([rate("a", 10)]).get("a");
  assert.notEqual(keeper.define([shared(rate("a", 10))]).get("a"), before);
  assert.equal(keeper.define([rate("a", 10)]).get("a"), before);
});

test("limits that do not fit, or make no sense, change nothing", () => {
  const keeper = keeperOf(2);
  const accounts = keeper.define([rate("a", 10), rate("b", 10)]);
  assert.throws(
    () => keeper.define([rate("c", 1)]),
    /room for 2 limits and 3 are needed \(2 of them are there already\)/,
  );
  assert.throws(() => keeper.define([rate("a", 1.5)]), /a: a limit of 1.5/);
  assert.throws(() => keeper.define([rate("a", 1, 1001)]), /a: a window of 1001 ms/);
  assert.throws(() => keeper.define([rate("a", 1, 0)]), RangeError);
  assert.throws(() => keeper.define([{ ...gauge("a", 1), windowMs: 60 }]), RangeError);
  assert.deepEqual(keeper.define([rate("a", 10), rate("b", 10)]), accounts);
});

test("sizes that make no sense and buffers of something else are refused", () => {
  for (const [rows, accounts] of [
    [0, 0],
    [1024, 1],
    [1, 2 ** 20 + 1],
    [1.5, 1],
  ] as const) {
    assert.throws(() => keeperOf(accounts, rows), RangeError);
  }
  assert.throws(() => Ledger.attach(new SharedArrayBuffer(1 << 16), 1), TypeError);
  assert.throws(() => Ledger.attach(new SharedArrayBuffer(0), 1), TypeError);
});

test("a row is given to one loop at a time, and again after it was recovered, with nothing in it", () => {
  const keeper = keeperOf();
  keeper.define([gauge("a", 5)]);
  const rows = [keeper.claimRow(), keeper.claimRow()];
  assert.deepEqual(rows, [1, 2]);
  assert.throws(() => keeper.claimRow(), /all rows of the ledger are taken/);
  reserved(Ledger.attach(keeper.buffer, 2).reserve(charge(3), 0));
  keeper.recover(2);
  keeper.recover(2);
  assert.equal(keeper.held(0), 0);
  assert.equal(keeper.claimRow(), 2);
  assert.throws(() => keeper.claimRow(), /all rows of the ledger are taken/);
  for (const row of [0, 3, -1]) assert.throws(() => keeper.recover(row), RangeError);
});

test("budgets survive a restart: what was used counts as long as it would have, never shorter", () => {
  const before = keeperOf();
  before.define([budget("usd/1d", 100, 24 * HOUR_MS), rate("requests/1m", 10), budget("usd/1h", 50, HOUR_MS)]);
  const ledger = Ledger.attach(before.buffer, before.claimRow());
  const bootMs = 1_000_000_000;
  const spend = (atMs: number, ...amounts: number[]): void =>
    reserved(ledger.reserve(charge(...amounts), bootMs + atMs)).settle(amounts, bootMs + atMs);
  spend(0, 40, 1, 0);
  spend(5 * HOUR_MS, 30, 1, 20);
  // Under way when it ends: given back.
  reserved(ledger.reserve(charge(5, 1, 5), bootMs + 5 * HOUR_MS));
  const savedMs = 5.5 * HOUR_MS;
  const saved = before.save({ nowMs: bootMs + savedMs, wallMs: WALL_MS + savedMs });
  assert.deepEqual(
    saved.map(({ name, used }) => [name, used.map(([, amount]) => amount)]),
    [
      ["usd/1d", [40, 30]],
      ["usd/1h", [20]],
    ],
  );

  // Another machine's clock, which began an hour ago.
  const after = keeperOf();
  after.define([budget("usd/1h", 50, HOUR_MS), budget("usd/1d", 100, 24 * HOUR_MS), budget("usd/30d", 100)]);
  const read = JSON.parse(JSON.stringify(saved)) as SavedBudget[];
  const clockMs = (atMs: number): number => HOUR_MS + atMs - 6 * HOUR_MS;
  assert.equal(after.restore(read, { nowMs: clockMs(6 * HOUR_MS), wallMs: WALL_MS + 6 * HOUR_MS }), 2);
  const next = Ledger.attach(after.buffer, after.claimRow());
  assert.equal(next.peek(0, clockMs(6 * HOUR_MS)).remaining, 30);
  assert.equal(next.peek(1, clockMs(6 * HOUR_MS)).remaining, 30);
  assert.equal(next.peek(1, clockMs(24 * HOUR_MS)).remaining, 30);
  // A sub-window of a day is 24 minutes: it may count two of them longer.
  assert.equal(next.peek(1, clockMs(24.9 * HOUR_MS)).remaining, 70);
  assert.equal(next.peek(1, clockMs(29 * HOUR_MS)).remaining, 70);
  assert.equal(next.peek(1, clockMs(29.9 * HOUR_MS)).remaining, 100);
  reserved(next.reserve(charge(0, 100), clockMs(29.9 * HOUR_MS)));
  readLedger(after.buffer);
});

test("what has not changed is saved as the same, though the clocks drift and loops are ahead; a clock that is set shows", () => {
  const keeper = keeperOf();
  keeper.define([budget("usd/1h", 1000, HOUR_MS)]);
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  const bootMs = HOUR_MS;
  for (let minute = 0; minute < 50; minute++) {
    const atMs = bootMs + minute * 60_000;
    reserved(ledger.reserve(charge(3), atMs)).settle([2], atMs);
  }
  const read = { nowMs: 0, wallMs: 0 };
  const clock = new SteadyWallClock(() => read);
  const saved = new Set<string>();
  for (let atMs = bootMs + 3_000_000; atMs < bootMs + 3_050_000; atMs += 51.37) {
    // Whole, as \`Date.now()\` is; and near the turn of a second, where the least difference makes another one.
    Object.assign(read, { nowMs: atMs, wallMs: Math.floor(WALL_MS + 663 + atMs * 0.9999) });
    saved.add(JSON.stringify(keeper.save(clock.moment())));
    reserved(ledger.reserve(charge(1), atMs + 60)).release();
  }
  assert.equal(saved.size, 1);
  assert.match([...saved][0]!, /,2\]/);
  read.wallMs += 5000;
  saved.add(JSON.stringify(keeper.save(clock.moment())));
  assert.equal(saved.size, 2);
});

test("what was saved under a wall clock that has been set back since counts as if it were of now", () => {
  const keeper = keeperOf();
  keeper.define([budget("usd", 100, HOUR_MS)]);
  const used: [number, number][] = [[WALL_MS + 50 * HOUR_MS, 60]];
  assert.equal(keeper.restore([{ name: "usd", windowMs: HOUR_MS, used }], { nowMs: 0, wallMs: WALL_MS }), 1);
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  assert.equal(ledger.peek(0, 0).remaining, 40);
  assert.equal(ledger.peek(0, HOUR_MS / 2).remaining, 40);
  assert.equal(ledger.peek(0, HOUR_MS + 60_000).remaining, 100);
});

test("what is saved in a form that it never had is left out", () => {
  const keeper = keeperOf();
  keeper.define([budget("usd", 100, HOUR_MS), shared(budget("shared", 100, HOUR_MS))]);
  const moment = { nowMs: HOUR_MS, wallMs: WALL_MS };
  const used: [number, number][] = [
    [Number.NaN, 5],
    [WALL_MS, -5],
    [WALL_MS, 0.5],
    [WALL_MS - 2 * HOUR_MS, 7],
    [WALL_MS, 1],
  ];
  const saved = [
    { name: "usd", windowMs: HOUR_MS, used },
    { name: "usd", windowMs: 2 * HOUR_MS, used },
    { name: "gone", windowMs: HOUR_MS, used },
    { name: "usd", windowMs: HOUR_MS, used: 5 as never },
    { name: "usd", windowMs: HOUR_MS, used: [null as never, [] as never, ["1", "1"] as never] },
    { name: "shared", windowMs: HOUR_MS, used },
  ];
  assert.equal(keeper.restore(saved, moment), 1);
  assert.equal(readLedger(keeper.buffer)[0]!.used, 1);
});
