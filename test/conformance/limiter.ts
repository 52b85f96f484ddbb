/** What every implementation of limits promises, whatever keeps the counts: one suite, run on each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AccountDefinition } from "../../src/limits/accounts.ts";
import type { Charge, Reservation, Shortage } from "../../src/limits/limiter.ts";

/** Parties that share accounts: loops of a process, or processes. */
export interface SharedParties extends AsyncDisposable {
  /** Reserves for one of them, getting more where a refill is needed. */
  reserve(party: number, charges: readonly Charge[]): Promise<Reservation | Shortage>;
  nowMs(): number;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
}

interface Implementation {
  readonly name: string;
  /** Why it can't be tested here. */
  readonly skip: string | false;
  /** A window that can be waited for. */
  readonly windowMs: number;
  /** How much longer than the window something may count. */
  readonly lateMs: number;
  /** How long until what one party gives back is there for another that asks for it again and again. */
  readonly returnMs: number;
  readonly open: (definitions: readonly AccountDefinition[], parties: number) => Promise<SharedParties>;
}

const TOKENS = { account: 0, limit: 60 } as const;
const USD = { account: 1, limit: 90 } as const;
const CONCURRENCY = { account: 2, limit: 5 } as const;

/** Tells the suite to node:test. */
export function limiterConformance(implementation: Implementation): void {
  const { name, skip } = implementation;
  // Most of them wait most of the time.
  describe(`limits: ${name}`, { skip, concurrency: true }, () => conformance(implementation));
}

function conformance({ open, windowMs, lateMs, returnMs }: Implementation): void {
  const reservedSoon = async (shared: SharedParties, party: number, wanted: Wanted): Promise<Reservation> => {
    for (const endMs = shared.nowMs() + returnMs; shared.nowMs() < endMs; await shared.pass(PAUSE_MS)) {
      const answer = await shared.reserve(party, chargesOf(wanted));
      if (answer.kind === "reserved") return answer;
    }
    return reserved(shared, party, wanted);
  };
  const promise = (
    what: string,
    parties: number,
    check: (shared: SharedParties) => Promise<void>,
    limits: Partial<Record<"tokens" | "usd" | "concurrency", number>> = {},
  ): void => {
    test(what, async () => {
      const group = "tenant:acme";
      const { tokens = TOKENS.limit, usd = USD.limit, concurrency = CONCURRENCY.limit } = limits;
      await using shared = await open(
        [
          { name: "tenant:acme tokens", group, kind: "rate", limit: tokens, windowMs, isShared: false },
          { name: "tenant:acme usd", group, kind: "budget", limit: usd, windowMs, isShared: false },
          { name: "tenant:acme concurrency", group, kind: "gauge", limit: concurrency, windowMs: 0, isShared: false },
        ],
        parties,
      );
      await check(shared);
    });
  };

  promise("one party alone can use a limit to the last, and no further", 1, async (shared) => {
    for (let i = 0; i < 20; i++) (await reserved(shared, 0, { tokens: 3 })).settle([], shared.nowMs());
    const refusal = await shortage(shared, 0, { tokens: 1 });
    assert.equal(refusal.account, TOKENS.account);
    assert.equal(refusal.limit, TOKENS.limit);
    assert.equal(refusal.remaining, 0);
  });

  promise(
    "of two hundred who want the last one together, over two parties, one gets it",
    2,
    async (shared) => {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => shared.reserve(i % 2, chargesOf({ tokens: 1, usd: 1 }))),
      );
      assert.equal(answers.filter(({ kind }) => kind === "reserved").length, 1);
    },
    { tokens: 1 },
  );

  promise("who is refused by one limit takes nothing of the others", 1, async (shared) => {
    const held = await reserved(shared, 0, { tokens: 10, concurrency: CONCURRENCY.limit });
    for (let i = 0; i < 5; i++) {
      assert.equal((await shortage(shared, 0, { tokens: 10, concurrency: 1 })).account, CONCURRENCY.account);
    }
    held.release();
    await reserved(shared, 0, { tokens: TOKENS.limit, usd: USD.limit, concurrency: CONCURRENCY.limit });
  });

  promise("more than the limit is refused at once, whoever asks", 2, async (shared) => {
    for (const party of [0, 1]) {
      assert.equal((await shortage(shared, party, { tokens: TOKENS.limit + 1 })).freeInMs, null);
      await shortage(shared, party, { concurrency: CONCURRENCY.limit + 1 });
    }
  });

  promise(
    "in any window what all parties use is within the limit, and when it has passed all of it is free",
    3,
    async (shared) => {
      const admitted: { readonly atMs: number; readonly amount: number }[] = [];
      const endMs = shared.nowMs() + 2 * windowMs;
      for (let turn = 0; shared.nowMs() < endMs; turn++) {
        const amount = 1 + (turn % 4);
        const answer = await shared.reserve(turn % 3, chargesOf({ tokens: amount }));
        // It was reserved before now: so in the window before now it counts.
        if (answer.kind === "reserved") {
          answer.settle([], shared.nowMs());
          admitted.push({ atMs: shared.nowMs(), amount });
        }
        await shared.pass(windowMs / 100);
      }
      for (const [first, { atMs }] of admitted.entries()) {
        const within = admitted.slice(first).filter((one) => one.atMs < atMs + windowMs - SLACK_MS);
        const sum = within.reduce((all, { amount }) => all + amount, 0);
        assert.ok(sum <= TOKENS.limit, `${sum} in a window`);
      }
      assert.ok(admitted.length > 10, `only ${admitted.length}`);
      await shared.pass(windowMs + lateMs);
      await reserved(shared, 1, { tokens: TOKENS.limit });
    },
  );

  promise("what is settled for less is there for another party, what is settled for more is not", 2, async (shared) => {
    const one = await reserved(shared, 0, { tokens: 60, usd: 90 });
    one.settle([10, 80], shared.nowMs());
    one.settle([0, 0], shared.nowMs());
    (await reservedSoon(shared, 1, { tokens: 50, usd: 10 })).settle([50, 10], shared.nowMs());
    await shortage(shared, 0, { tokens: 1 });
    await shortage(shared, 1, { usd: 1 });
  });

  promise("a reservation that is released was never made", 2, async (shared) => {
    for (let i = 0; i < 10; i++) (await reserved(shared, 0, { tokens: 40, usd: 40, concurrency: 3 })).release();
    await reservedSoon(shared, 1, { tokens: TOKENS.limit, usd: USD.limit, concurrency: CONCURRENCY.limit });
  });

  promise(
    "no more are under way than the cap over all parties, and one that has none gets what is free",
    2,
    async (shared) => {
      const places: Reservation[] = [];
      for (let i = 0; i < CONCURRENCY.limit; i++) places.push(await reserved(shared, 0, { concurrency: 1 }));
      for (const party of [0, 1]) await shortage(shared, party, { concurrency: 1 });
      places.pop()!.release();
      await reservedSoon(shared, 1, { concurrency: 1 });
      await shortage(shared, 0, { concurrency: 1 });
    },
  );

  promise("a reservation that grows takes what it grows by, and settles as one", 1, async (shared) => {
    const one = await reserved(shared, 0, { tokens: 20, usd: 10 });
    let refusal = one.extend([30, 20], shared.nowMs());
    if (refusal?.kind === "refill") {
      // What it lacks is got by one that needs as much.
      (await reserved(shared, 0, { tokens: 30, usd: 20 })).release();
      refusal = one.extend([30, 20], shared.nowMs());
    }
    assert.equal(refusal, null);
    await shortage(shared, 0, { tokens: 11 });
    one.settle([45, 15], shared.nowMs());
    await shortage(shared, 0, { tokens: 16 });
    await reservedSoon(shared, 0, { tokens: 15, usd: 75 });
  });
}

/** Between two times that a party asks for the same. */
const PAUSE_MS = 50;
/** A party's clock is read a little after the ledger's. */
const SLACK_MS = 60;

interface Wanted {
  readonly tokens?: number;
  readonly usd?: number;
  readonly concurrency?: number;
}

function chargesOf({ tokens = 0, usd = 0, concurrency = 0 }: Wanted): Charge[] {
  const all = [
    { account: TOKENS.account, amount: tokens },
    { account: USD.account, amount: usd },
    { account: CONCURRENCY.account, amount: concurrency },
  ];
  return all.filter(({ amount }) => amount > 0);
}

async function reserved(shared: SharedParties, party: number, wanted: Wanted): Promise<Reservation> {
  const answer = await shared.reserve(party, chargesOf(wanted));
  if (answer.kind !== "reserved") assert.fail(JSON.stringify(answer));
  return answer;
}

async function shortage(shared: SharedParties, party: number, wanted: Wanted): Promise<Shortage> {
  const answer = await shared.reserve(party, chargesOf(wanted));
  if (answer.kind !== "shortage") assert.fail(answer.kind);
  return answer;
}
