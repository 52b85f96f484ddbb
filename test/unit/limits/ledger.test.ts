import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import type { AccountDefinition } from "../../../src/limits/accounts.ts";
import type { Reservation, Shortage } from "../../../src/limits/limiter.ts";
import { budget, charge, gauge, rate, readLedger, reserved } from "./ledger-parts.ts";

/** A ledger of these accounts, with as many loops. */
function ledgerOf(definitions: readonly AccountDefinition[], loops = 1): [LedgerKeeper, Ledger, ...Ledger[]] {
  const keeper = new LedgerKeeper({ rows: loops, accounts: 16 });
  keeper.define(definitions);
  const ledgers = Array.from({ length: loops }, () => Ledger.attach(keeper.buffer, keeper.claimRow()));
  return [keeper, ledgers[0]!, ...ledgers.slice(1)];
}

test("a limit counts all loops, and what a request turns out not to use is there for the others", () => {
  const [, first, second] = ledgerOf([rate("tokens", 100)], 2);
  const one = reserved(first.reserve(charge(60), 0));
  assert.equal(second!.reserve(charge(50), 0).kind, "shortage");
  one.settle([20], 5000);
  reserved(second!.reserve(charge(80), 5000));
  assert.equal(first.reserve(charge(1), 5000).kind, "shortage");
});

test("a request that is refused by one limit takes nothing of the others", () => {
  const [keeper, ledger] = ledgerOf([rate("requests", 10), budget("usd", 100), gauge("concurrency", 1)]);
  const held = reserved(ledger.reserve(charge(1, 10, 1), 0));
  const before = readLedger(keeper.buffer);
  const refusal = ledger.reserve(charge(1, 10, 1), 0) as Shortage;
  assert.deepEqual(refusal, {
    kind: "shortage",
    account: 2,
    asked: 1,
    limit: 1,
    remaining: 0,
    freeInMs: null,
  });
  assert.deepEqual(readLedger(keeper.buffer), before);
  held.release();
  reserved(ledger.reserve(charge(1, 10, 1), 0));
});

test("a burst at the end of one minute and another at the beginning of the next can't both pass", () => {
  const [, ledger] = ledgerOf([rate("requests", 100)]);
  let admitted = 0;
  for (let ms = 59_000; ms < 119_000; ms += 10) if (ledger.reserve(charge(1), ms).kind === "reserved") admitted++;
  assert.equal(admitted, 100);
});

test("a shortage says how much is left and when there is enough, to the millisecond", () => {
  const [, ledger] = ledgerOf([rate("tokens", 100)]);
  for (const [ms, amount] of [
    [500, 30],
    [10_200, 50],
    [20_900, 15],
  ] as const) {
    reserved(ledger.reserve(charge(amount), ms));
  }
  const refusal = ledger.reserve(charge(70), 21_000) as Shortage;
  assert.equal(refusal.remaining, 5);
  assert.equal(ledger.reserve(charge(70), 21_000 + refusal.freeInMs! - 0.001).kind, "shortage");
  reserved(ledger.reserve(charge(70), 21_000 + refusal.freeInMs!));
});

test("what can never be enough has no time: more than the limit, a budget that is held, a gauge", () => {
  const [, ledger] = ledgerOf([rate("tokens", 100), budget("usd", 100), gauge("concurrency", 1)]);
  assert.equal((ledger.reserve([{ account: 0, amount: 101 }], 0) as Shortage).freeInMs, null);
  reserved(ledger.reserve([{ account: 1, amount: 60 }], 0));
  assert.equal((ledger.reserve([{ account: 1, amount: 60 }], 0) as Shortage).freeInMs, null);
});

test("a stream that outlives its window stays counted in a budget and a gauge until it is settled, and not in a rate", () => {
  const [keeper, ledger] = ledgerOf([rate("tokens", 10), budget("usd", 10, 60_000), gauge("concurrency", 1)]);
  const long = reserved(ledger.reserve(charge(10, 10, 1), 0));
  reserved(ledger.reserve(charge(10, 0, 0), 61_000)).settle([10], 61_000);
  assert.equal(ledger.reserve([{ account: 1, amount: 1 }], 200_000).kind, "shortage");
  assert.equal(ledger.reserve([{ account: 2, amount: 1 }], 200_000).kind, "shortage");
  // Too late to count when it began.
  long.settle([4, 4, 1], 200_000);
  reserved(ledger.reserve(charge(10, 6, 1), 200_000));
  assert.equal(readLedger(keeper.buffer)[0]!.used, 10);
});

test("what is settled counts where it was reserved for as long as that counts, to its last sub-window", () => {
  for (const [settledMs, tokensUsed, usdSlot] of [
    [60_999, 4, 0],
    [61_000, 0, 61 % 61],
  ] as const) {
    const [keeper, ledger] = ledgerOf([rate("tokens", 10), budget("usd", 10, 60_000)]);
    reserved(ledger.reserve(charge(9, 9), 999)).settle([4, 5], settledMs);
    const [tokens, usd] = readLedger(keeper.buffer);
    assert.equal(tokens!.used, tokensUsed);
    assert.deepEqual([usd!.used, usd!.ring[usdSlot]], [5, 5]);
    // In time it is gone with the sub-window that it is in.
    const goneMs = settledMs === 60_999 ? 61_000 : 122_000;
    assert.equal(ledger.peek(1, goneMs - 1).remaining, 5);
    assert.equal(ledger.peek(1, goneMs).remaining, 10);
  }
});

test("what was used beyond what was reserved counts from then on, whatever the limit", () => {
  const [, ledger] = ledgerOf([rate("tokens", 100)]);
  reserved(ledger.reserve(charge(10), 0)).settle([250], 30_000);
  assert.deepEqual(ledger.peek(0, 30_000), { limit: 100, remaining: 0, resetInMs: 61_000 });
  // The ten are gone, the rest is not.
  assert.equal(ledger.reserve(charge(1), 90_999).kind, "shortage");
  reserved(ledger.reserve(charge(100), 91_000));
});

test("a reservation is settled once, however often it is said, and one that nothing is known of counts as reserved", () => {
  const [keeper, ledger] = ledgerOf([rate("tokens", 100), gauge("concurrency", 5)]);
  const one = reserved(ledger.reserve(charge(60, 1), 0));
  one.settle([], 0);
  one.settle([0, 0], 0);
  one.release();
  one[Symbol.dispose]();
  assert.equal(one.held, false);
  assert.deepEqual(
    readLedger(keeper.buffer).map(({ used, held }) => [used, held]),
    [
      [60, 0],
      [0, 0],
    ],
  );
  assert.equal(one.extend([1, 0], 0)?.kind, "busy");
});

test("usage that no upstream can have meant does not spoil the sums", () => {
  const [keeper, ledger] = ledgerOf([rate("tokens", 100), budget("usd", 100)]);
  for (const used of [Number.NaN, -5, undefined as unknown as number]) {
    const one = reserved(ledger.reserve(charge(10, 10), 0));
    one.settle([used, used], 0);
  }
  assert.deepEqual(
    readLedger(keeper.buffer).map(({ used }) => used),
    [30, 30],
  );
  reserved(ledger.reserve(charge(10, 10), 0)).settle([2.1, Number.MAX_VALUE], 0);
  const [tokens, usd] = readLedger(keeper.buffer);
  assert.equal(tokens!.used, 33);
  assert.equal(usd!.used, 30 + 2 ** 40);
});

test("amounts that are no whole numbers and accounts that are not there are faults of the caller, and take nothing", () => {
  const [keeper, ledger] = ledgerOf([rate("tokens", 100)]);
  for (const amount of [0.5, -1, Number.NaN, Infinity, 2 ** 53]) {
    assert.throws(() => ledger.reserve(charge(amount), 0), RangeError);
  }
  for (const account of [1, -1, 16, 0.5, Number.NaN]) {
    assert.throws(() => ledger.reserve([{ account, amount: 1 }], 0), RangeError);
    assert.throws(() => ledger.peek(account, 0), RangeError);
  }
  const one = reserved(ledger.reserve(charge(1), 0));
  // Within the first account, where something stands.
  assert.throws(() => ledger.reserve([{ account: 8 / 72, amount: 1 }], 0), RangeError);
  assert.throws(() => one.extend([1, 1], 0), RangeError);
  assert.throws(() => one.extend([-1], 0), RangeError);
  assert.equal(readLedger(keeper.buffer)[0]!.used, 1);
});

test("nothing is asked of an account of which nothing is needed, even where it is used up", () => {
  const [, ledger] = ledgerOf([rate("tokens", 10), budget("usd", 10)]);
  reserved(ledger.reserve(charge(10, 10), 0)).settle([50, 50], 0);
  reserved(ledger.reserve([{ account: 0, amount: 0 }], 0));
  assert.equal(ledger.reserve(charge(1, 0), 0).kind, "shortage");
});

test("an extension takes all that it asks for or nothing, and what it did not use goes back to when it was made", () => {
  const [keeper, ledger] = ledgerOf([rate("tokens", 100), budget("usd", 30)]);
  const one = reserved(ledger.reserve(charge(20, 10), 0));
  assert.equal(one.extend([10, 30], 1000)?.kind, "shortage");
  assert.deepEqual(one.amounts, [20, 10]);
  assert.equal(one.extend([30, 20], 10_000), null);
  assert.deepEqual(one.amounts, [50, 30]);
  assert.equal(ledger.reserve(charge(51, 0), 10_000).kind, "shortage");
  one.settle([35, 12], 20_000);
  const [tokens, usd] = readLedger(keeper.buffer);
  assert.deepEqual([tokens!.ring[0], tokens!.ring[10]], [20, 15]);
  assert.deepEqual([usd!.used, usd!.held], [12, 0]);
  // Less than it had used when it was extended: that much had been counted.
  const other = reserved(ledger.reserve(charge(20, 1), 30_000));
  other.extend([5, 0], 31_000);
  other.settle([10, 1], 32_000);
  assert.equal(readLedger(keeper.buffer)[0]!.used, 35 + 20);
});

test("time does not go back: a loop that read the clock earlier counts at the later time of another", () => {
  const [keeper, first, second] = ledgerOf([rate("tokens", 10, 600)], 2);
  reserved(first.reserve(charge(1), 1000));
  reserved(second!.reserve(charge(1), 300));
  assert.equal(readLedger(keeper.buffer)[0]!.ring[100 % 61], 2);
  reserved(first.reserve(charge(10), 1610));
});

test("a loop that counts as dead reserves nothing, and what it settles takes nothing from its successor", () => {
  const [keeper, ledger] = ledgerOf([budget("usd", 100), gauge("concurrency", 3), rate("requests", 3)]);
  const old = reserved(ledger.reserve(charge(50, 1, 1), 0));
  keeper.recover(1);
  assert.equal(ledger.reserve(charge(1, 1, 1), 0).kind, "busy");
  const next = Ledger.attach(keeper.buffer, keeper.claimRow());
  reserved(next.reserve(charge(90, 3, 1), 0));
  old.settle([0, 0, 0], 0);
  const [usd, concurrency, requests] = readLedger(keeper.buffer);
  assert.deepEqual([usd!.held, concurrency!.held, requests!.used], [90, 3, 2]);
});

test("how an account stands: what remains, and how long until all of it is free", () => {
  const [, ledger] = ledgerOf([rate("tokens", 100), budget("usd", 100, 3_600_000), gauge("concurrency", 4)]);
  assert.deepEqual(ledger.peek(0, 0), { limit: 100, remaining: 100, resetInMs: 0 });
  const one = reserved(ledger.reserve(charge(10, 30, 1), 1500));
  assert.deepEqual(ledger.peek(0, 2000), { limit: 100, remaining: 90, resetInMs: 60_000 });
  assert.deepEqual(ledger.peek(0, 62_000), { limit: 100, remaining: 100, resetInMs: 0 });
  assert.deepEqual(ledger.peek(1, 2000), { limit: 100, remaining: 70, resetInMs: 3_660_000 });
  one.settle([10, 30, 1], 2000);
  assert.deepEqual(ledger.peek(1, 2000), { limit: 100, remaining: 70, resetInMs: 3_658_000 });
  assert.deepEqual(ledger.peek(2, 2000), { limit: 4, remaining: 4, resetInMs: 0 });
  // Another account's step has moved on the time since.
  reserved(ledger.reserve(charge(0, 0, 3), 61_900));
  assert.deepEqual(ledger.peek(0, 62_000), { limit: 100, remaining: 100, resetInMs: 0 });
  assert.equal(ledger.peek(2, 62_000).remaining, 1);
});

const WINDOW_MS = 600;
const SUB_WINDOW_MS = WINDOW_MS / 60;
const LIMITS = [20, 30, 4] as const;

interface Admission {
  readonly loop: number;
  readonly atMs: number;
  readonly amounts: readonly number[];
  readonly reservation: Reservation;
  used: readonly number[] | null;
  settledMs: number;
  dead: boolean;
}

/** What counts of an account in the `windowMs` before `nowMs`; `late`: with what is counted longer than it had to be. */
function counted(admissions: readonly Admission[], account: number, nowMs: number, late: boolean): number {
  const inWindow = (ms: number): boolean => ms >= nowMs - WINDOW_MS - (late ? SUB_WINDOW_MS : 0);
  let all = 0;
  for (const { amounts, atMs, used, settledMs, dead } of admissions) {
    const amount = amounts[account]!;
    const isHeld = used === null && !dead;
    if (account === 2) all += isHeld ? amount : 0;
    else if (account === 1 && isHeld) all += amount;
    else if (account === 1 && used === null) all += 0;
    else {
      const final = used === null ? amount : used[account]!;
      if (inWindow(atMs)) all += Math.min(final, account === 1 ? final : amount);
      else if (account === 1 && late && inWindow(settledMs)) all += final;
      if (account === 0 && final > amount && inWindow(settledMs)) all += final - amount;
    }
  }
  return all;
}

test("in no window more is let in than the limit, and none is refused that fits, whatever loops do and when they die", () => {
  const amounts = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(2));
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("reserve" as const), loop: fc.nat(2), amounts }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("settle" as const), which: fc.nat(40), used: amounts }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(40) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(90) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(2000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), loop: fc.nat(2) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(100_000), (steps, startMs) => {
      const definitions = [rate("a", LIMITS[0], WINDOW_MS), budget("b", LIMITS[1], WINDOW_MS), gauge("c", LIMITS[2])];
      const [keeper, ...ledgers] = ledgerOf(definitions, 3);
      const rows = [1, 2, 3];
      const admissions: Admission[] = [];
      let nowMs = startMs;
      for (const step of steps) {
        if (step.do === "wait") nowMs += step.ms;
        else if (step.do === "reserve") {
          const answer = ledgers[step.loop]!.reserve(charge(...step.amounts), nowMs);
          if (answer.kind === "reserved") {
            admissions.push({
              loop: step.loop,
              atMs: nowMs,
              amounts: step.amounts,
              reservation: answer,
              used: null,
              settledMs: 0,
              dead: false,
            });
            step.amounts.forEach((amount, account) => {
              if (amount > 0) assert.ok(counted(admissions, account, nowMs, false) <= LIMITS[account]!);
            });
          } else {
            const { account, asked, remaining } = answer as Shortage;
            assert.ok(counted(admissions, account, nowMs, true) + asked > LIMITS[account]!, `account ${account}`);
            assert.ok(remaining < asked);
          }
        } else if (step.do === "die") {
          keeper.recover(rows[step.loop]!);
          for (const one of admissions) if (one.loop === step.loop && one.used === null) one.dead = true;
          rows[step.loop] = keeper.claimRow();
          ledgers[step.loop] = Ledger.attach(keeper.buffer, rows[step.loop]!);
        } else {
          const one = admissions[step.which % Math.max(1, admissions.length)];
          if (one === undefined) continue;
          // Also those that were settled before, and those of loops that died.
          const isFirst = one.reservation.held && !one.dead;
          const used = step.do === "release" ? [0, 0, 0] : step.used;
          if (step.do === "release") one.reservation.release();
          else one.reservation.settle(used, nowMs);
          if (!isFirst) continue;
          one.used = used;
          one.settledMs = nowMs;
        }
        readLedger(keeper.buffer);
      }
      for (const { reservation } of admissions) reservation.release();
      nowMs += 2 * WINDOW_MS;
      reserved(ledgers[0].reserve(charge(...LIMITS), nowMs));
    }),
    { numRuns: 600 },
  );
});
