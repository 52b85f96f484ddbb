import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import type { Refill, SliceReturn } from "../../../src/limits/limiter.ts";
import { MAX_SLICES } from "../../../src/limits/slices.ts";
import { budget, charge, gauge, rate, readLedger, reserved, shared } from "./ledger-parts.ts";

const LIMIT = 1000;

function sharedLedger(): { keeper: LedgerKeeper; ledger: Ledger; late: SliceReturn[] } {
  const keeper = new LedgerKeeper({ rows: 2, accounts: 4 });
  keeper.define([shared(rate("tokens", LIMIT)), shared(gauge("concurrency", 10)), budget("usd", LIMIT)]);
  const late: SliceReturn[] = [];
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow(), { onLateReturn: (one) => late.push(one) });
  return { keeper, ledger, late };
}

test("nothing is let in without a slice: who asks learns how much is missing, of all shared accounts at once", () => {
  const { keeper, ledger } = sharedLedger();
  assert.deepEqual(ledger.reserve(charge(30, 1, 5), 0), {
    kind: "refill",
    needs: [
      { account: 0, amount: 30 },
      { account: 1, amount: 1 },
    ],
  } satisfies Refill);
  assert.ok(keeper.grant({ account: 0, amount: 20, mark: 1, expiresMs: 100 }));
  assert.equal(keeper.setGranted(1, 2), 2);
  assert.deepEqual((ledger.reserve(charge(30, 1, 5), 0) as Refill).needs, [{ account: 0, amount: 10 }]);
  assert.ok(keeper.grant({ account: 0, amount: 10, mark: 2, expiresMs: 100 }));
  reserved(ledger.reserve(charge(30, 1, 5), 0));
  assert.equal(keeper.available(0, 0), 0);
  assert.equal(ledger.peek(0, 0).remaining, 0);
});

test("what is more than the limit, or refused by an account of this process, is a shortage, and no reason to ask for more", () => {
  const { ledger } = sharedLedger();
  assert.equal(ledger.reserve(charge(LIMIT + 1, 0, 0), 0).kind, "shortage");
  assert.equal(ledger.reserve(charge(0, 11, 0), 0).kind, "shortage");
  assert.equal(ledger.reserve(charge(1, 1, LIMIT + 1), 0).kind, "shortage");
});

test("a slice that has expired is not used, and its rest goes back with its mark, once", () => {
  const { keeper, ledger } = sharedLedger();
  keeper.grant({ account: 0, amount: 20, mark: 7, expiresMs: 100 });
  reserved(ledger.reserve([{ account: 0, amount: 5 }], 99)).settle([5], 99);
  assert.deepEqual(keeper.collect(99), []);
  assert.equal(ledger.reserve([{ account: 0, amount: 1 }], 100).kind, "refill");
  assert.equal(keeper.available(0, 100), 0);
  assert.deepEqual(keeper.collect(100), [{ account: 0, mark: 7, amount: 15 }]);
  assert.deepEqual(keeper.collect(101), []);
});

test("the slice that expires first is used first; what was not used goes back to where it was taken, the last first", () => {
  const { keeper, ledger } = sharedLedger();
  keeper.grant({ account: 0, amount: 10, mark: 1, expiresMs: 300 });
  keeper.grant({ account: 0, amount: 10, mark: 2, expiresMs: 100 });
  keeper.grant({ account: 0, amount: 10, mark: 3, expiresMs: 200 });
  const one = reserved(ledger.reserve([{ account: 0, amount: 25 }], 0));
  one.settle([13], 50);
  assert.deepEqual(keeper.collect(100), []);
  assert.deepEqual(keeper.collect(200), [{ account: 0, mark: 3, amount: 7 }]);
  assert.deepEqual(keeper.collect(300), [{ account: 0, mark: 1, amount: 10 }]);
});

test("what settles after its slice has expired is handed back all the same, with its mark", () => {
  const { keeper, ledger, late } = sharedLedger();
  keeper.grant({ account: 0, amount: 20, mark: 7, expiresMs: 100 });
  const one = reserved(ledger.reserve([{ account: 0, amount: 20 }], 0));
  const other = { account: 0, amount: 1, expiresMs: 5000 };
  assert.deepEqual(keeper.collect(200), []);
  one.settle([12], 300);
  assert.deepEqual(keeper.collect(400), [{ account: 0, mark: 7, amount: 8 }]);
  // Others have taken its place meanwhile: the loop hands it back itself.
  keeper.grant({ ...other, mark: 8 });
  const two = reserved(ledger.reserve([{ account: 0, amount: 1 }], 400));
  keeper.collect(6000);
  for (let mark = 10; mark < 10 + MAX_SLICES; mark++) assert.ok(keeper.grant({ ...other, mark, expiresMs: 9000 }));
  two.settle([0], 6000);
  assert.deepEqual(late, [{ account: 0, mark: 8, amount: 1 }]);
  assert.equal(keeper.grant({ ...other, mark: 99, expiresMs: 9000 }), false);
  assert.ok(keeper.grant({ ...other, mark: 10, expiresMs: 9000 }), "slices of one mark are put together");
});

test("a slice whose rest has not been handed back keeps its place from new ones", () => {
  const { keeper, ledger } = sharedLedger();
  for (let mark = 1; mark <= MAX_SLICES; mark++) keeper.grant({ account: 0, amount: 5, mark, expiresMs: 100 });
  // Time has passed, and nobody has collected.
  reserved(ledger.reserve([{ account: 2, amount: 1 }], 200));
  assert.equal(keeper.grant({ account: 0, amount: 5, mark: 99, expiresMs: 300 }), false);
  assert.equal(keeper.collect(200).length, MAX_SLICES);
  assert.ok(keeper.grant({ account: 0, amount: 5, mark: 99, expiresMs: 300 }));
});

test("what two shared accounts do not use goes back to each of them", () => {
  const keeper = new LedgerKeeper({ rows: 1, accounts: 2 });
  keeper.define([shared(rate("a", 100)), shared(rate("b", 100))]);
  for (const account of [0, 1]) keeper.grant({ account, amount: 50, mark: 3, expiresMs: 100 });
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  reserved(ledger.reserve(charge(30, 40), 0)).settle([10, 35], 0);
  assert.deepEqual([keeper.available(0, 0), keeper.available(1, 0)], [40, 15]);
});

test("what is used beyond what was reserved is taken from the slices, and the rest is told to who keeps the whole", () => {
  const { keeper, ledger } = sharedLedger();
  keeper.grant({ account: 0, amount: 20, mark: 7, expiresMs: 100 });
  reserved(ledger.reserve([{ account: 0, amount: 5 }], 0)).settle([50], 10);
  assert.equal(keeper.available(0, 10), 0);
  assert.deepEqual(keeper.collect(10), [{ account: 0, mark: 0, amount: -30 }]);
  assert.deepEqual(keeper.collect(200), []);
});

test("a shared gauge lets in what this process was granted; where that is less than is held, nobody until it is not", () => {
  const { keeper, ledger } = sharedLedger();
  assert.equal(keeper.setGranted(1, 3), 3);
  const held = [1, 2, 3].map(() => reserved(ledger.reserve([{ account: 1, amount: 1 }], 0)));
  assert.deepEqual(ledger.reserve([{ account: 1, amount: 1 }], 0), {
    kind: "refill",
    needs: [{ account: 1, amount: 1 }],
  });
  assert.equal(keeper.setGranted(1, 1), 3);
  held[0]!.release();
  assert.equal(keeper.held(1), 2);
  // What came free of what is held beyond is not taken again here: it is for other processes.
  const needs = [{ account: 1, amount: 1 }];
  assert.deepEqual(ledger.reserve(needs, 0), { kind: "refill", needs });
  assert.equal(keeper.setGranted(1, 1), 2);
  held[1]!.release();
  held[2]!.release();
  const again = reserved(ledger.reserve([{ account: 1, amount: 1 }], 0));
  assert.equal(ledger.reserve([{ account: 1, amount: 1 }], 0).kind, "refill");
  assert.equal(keeper.setGranted(1, 0), 1);
  again.release();
  assert.equal(ledger.reserve([{ account: 1, amount: 1 }], 0).kind, "refill");
  assert.equal(keeper.setGranted(1, 2), 2);
  reserved(ledger.reserve([{ account: 1, amount: 2 }], 0));
  keeper.recover(1);
  assert.equal(keeper.setGranted(1, 0), 0);
});

test("whatever is granted, reserved, settled and collected, every unit is in a slice, used, handed back or still reserved", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("grant" as const), amount: fc.integer({ min: 1, max: 30 }), lifeMs: fc.nat(200) }),
    fc.record({ do: fc.constant("reserve" as const), amount: fc.nat(40) }),
    fc.record({ do: fc.constant("settle" as const), which: fc.nat(20), used: fc.nat(60) }),
    fc.record({ do: fc.constant("extend" as const), which: fc.nat(20), amount: fc.nat(20) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(100) }),
    fc.record({ do: fc.constant("collect" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const { keeper, ledger, late } = sharedLedger();
      const open = new Map<ReturnType<typeof reserved>, null>();
      let [nowMs, mark, granted, used, back] = [0, 0, 0, 0, 0];
      const collect = (): void => {
        for (const one of keeper.collect(nowMs)) back += one.amount;
        for (const one of late.splice(0)) back += one.amount;
      };
      for (const step of steps) {
        const one = [...open.keys()][("which" in step ? step.which : 0) % Math.max(1, open.size)];
        if (step.do === "wait") nowMs += step.ms;
        else if (step.do === "collect") collect();
        else if (step.do === "grant") {
          const slice = { account: 0, amount: step.amount, mark: ++mark, expiresMs: nowMs + step.lifeMs };
          if (keeper.grant(slice)) granted += step.amount;
        } else if (step.do === "reserve") {
          const fits = keeper.available(0, nowMs) >= step.amount;
          const answer = ledger.reserve([{ account: 0, amount: step.amount }], nowMs);
          assert.equal(answer.kind, fits || step.amount === 0 ? "reserved" : "refill");
          if (answer.kind === "reserved") open.set(answer, null);
        } else if (one !== undefined && step.do === "extend") one.extend([step.amount], nowMs);
        else if (one !== undefined && step.do === "settle") {
          one.settle([step.used], nowMs);
          used += step.used;
          open.delete(one);
        }
        readLedger(keeper.buffer);
      }
      collect();
      let rest = keeper.available(0, nowMs);
      for (const one of open.keys()) rest += one.amounts[0]!;
      assert.equal(granted, rest + used + back);
    }),
    { numRuns: 400 },
  );
});
