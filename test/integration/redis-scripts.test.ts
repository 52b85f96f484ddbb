import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Redis } from "ioredis";
import { LEASE_SLICES } from "../../src/limits/redis/lua/lease-slices.ts";
import { LEASE_SLOTS } from "../../src/limits/redis/lua/lease-slots.ts";
import { RESTORE_SLICES } from "../../src/limits/redis/lua/restore-slices.ts";
import type { RedisScript } from "../../src/limits/redis/lua/script.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import type { RedisServer } from "../support/redis.ts";

const skip = noRedis();
/** Nothing of it passes while a test runs. */
const DAY_MS = 86_400_000;
const STEP_MS = DAY_MS / 60;

type Argument = string | number;

function connect(redis: RedisServer): { client: Redis } & AsyncDisposable {
  const client = new Redis(redis.url);
  return { client, [Symbol.asyncDispose]: async () => void (await client.quit()) };
}

async function run<Answer>(
  client: Redis,
  { lua }: RedisScript,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<Answer> {
  return (await client.eval(lua, keys.length, ...keys, ...args)) as Answer;
}

interface Account {
  readonly key: string;
  readonly limit: number;
  readonly more?: number;
  readonly charge?: number;
  readonly returns?: readonly (readonly [mark: number, amount: number])[];
  readonly windowMs?: number;
}

interface Ask {
  readonly process?: string;
  readonly lifeMs?: number;
  readonly remembers?: boolean;
  readonly doubts?: boolean;
  readonly accounts: readonly Account[];
  /** For each request, by account what it needs. */
  readonly requests?: readonly (readonly number[])[];
}

async function lease(client: Redis, group: string, ask: Ask): Promise<readonly Argument[]> {
  const { process = "p", lifeMs = 2000, remembers = false, doubts = false, accounts, requests = [] } = ask;
  const args: Argument[] = [process, lifeMs, Number(remembers), Number(doubts), 2000, 10_000, 32 * DAY_MS];
  args.push(requests.length);
  for (const { limit, more = 0, charge = 0, returns = [], windowMs = DAY_MS } of accounts)
    args.push(limit, windowMs, windowMs / 60, more, charge, returns.length, ...returns.flat());
  for (const needs of requests) {
    const asked = needs.flatMap((amount, i) => (amount > 0 ? [[i + 1, amount] as const] : []));
    args.push(asked.length, ...asked.flat());
  }
  return await run(client, LEASE_SLICES, ["members", "settles", ...accounts.map(({ key }) => key)].map(tagged), args);
  function tagged(key: string): string {
    return `{${group}}:${key}`;
  }
}

test(
  "a request gets all that it asks for or nothing, and names the account that has too little",
  { skip },
  async () => {
    await using redis = await startRedis();
    await using connected = connect(redis);
    const { client } = connected;
    const accounts = [
      { key: "a", limit: 10 },
      { key: "b", limit: 3 },
    ];
    const answer = await lease(client, "g", {
      accounts,
      requests: [
        [4, 2],
        [4, 2],
        [6, 1],
        [11, 0],
        [0, 1],
      ],
    });
    const mark = answer[2] as number;
    assert.deepEqual(answer.slice(0, 6), ["done", 1, mark, 10, 0, 0]);
    assert.deepEqual(answer.slice(6, 10), [mark, 3, 0, 0]);
    const verdicts = answer.slice(10);
    assert.deepEqual([verdicts[0], verdicts[2], verdicts[4], verdicts[6], verdicts[8]], [0, 2, 0, 1, 2]);
    // Of account b the sub-window of now is the first to pass; more than account a's limit never fits.
    const nowMs = Date.now();
    const passesMs = (mark + 1) * STEP_MS + 2000 + DAY_MS;
    assert.ok(Math.abs(Number(verdicts[3]) - (passesMs - nowMs)) < 1000, String(verdicts[3]));
    assert.equal(verdicts[7], -1);
  },
);

test(
  "for any leases, returns and charges the count is what a plain model says, in one sub-window",
  { skip },
  async () => {
    await using redis = await startRedis();
    await using connected = connect(redis);
    const { client } = connected;
    const step = fc.record({
      needs: fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 4 }),
      returned: fc.nat(8),
      charge: fc.nat(2),
      more: fc.nat(10),
    });
    let group = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(40), async (steps, limit) => {
        group++;
        let used = [0, 0];
        const limits = [limit, 20];
        let mark = 0;
        for (const { needs, returned, charge, more } of steps) {
          const returns = mark === 0 ? [] : ([[mark, returned]] as const);
          const accounts = limits.map((limit, i) => ({ key: `k${i}`, limit, returns, charge, more }));
          const answer = await lease(client, `g${group}`, { accounts, requests: needs });
          // A sub-window that ends in between would be another model; this one is 24 minutes long.
          if (mark !== 0 && answer[2] !== mark) return;
          const model = used.map((held) => (mark === 0 ? held : held - Math.min(held, returned)) + charge);
          const leased = [0, 0];
          needs.forEach((asked, r) => {
            const short = asked.findIndex((amount, i) => amount > 0 && model[i]! + leased[i]! + amount > limits[i]!);
            assert.equal(answer[10 + 2 * r], short + 1);
            if (short === -1) asked.forEach((amount, i) => (leased[i]! += amount));
          });
          mark = answer[2] as number;
          used = model.map((held, i) => {
            const left = limits[i]! - held - leased[i]!;
            const all = leased[i]! + Math.max(0, Math.min(more, Math.floor(left / 2)));
            assert.deepEqual(answer.slice(2 + 4 * i, 6 + 4 * i), [mark, all, charge, limits[i]! - held - all]);
            return held + all;
          });
        }
      }),
      { numRuns: 60 },
    );
  },
);

test("all that processes hold for requests to come is less than half of what was left", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  let held = 0;
  for (let i = 0; i < 20; i++) {
    const answer = await lease(client, "g", { process: `p${i}`, accounts: [{ key: "a", limit: 1000, more: 1000 }] });
    held += answer[3] as number;
    assert.equal(answer[1], i + 1);
    assert.ok(i === 0 ? held === 500 : held < 930, `${held}`);
  }
});

test("what was leased counts for the window, a slice's life and a sub-window, and then no more", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  const [windowMs, lifeMs] = [600, 300];
  const accounts = [{ key: "a", limit: 5, windowMs }];
  const first = await lease(client, "g", { accounts, lifeMs, requests: [[5]] });
  const leasedMs = performance.now();
  const mark = first[2] as number;
  for (;;) {
    const askedMs = performance.now();
    const answer = await lease(client, "g", { accounts, lifeMs, remembers: true, requests: [[1]] });
    if (answer[6] === 0) {
      // Its sub-window may have begun a step before.
      assert.ok(askedMs - leasedMs < windowMs + lifeMs + windowMs / 60 + 100, `${askedMs - leasedMs}`);
      assert.ok(performance.now() - leasedMs >= windowMs + lifeMs, `${performance.now() - leasedMs}`);
      assert.deepEqual(answer.slice(3, 6), [1, 0, 4]);
      break;
    }
    const passesInMs = answer[7] as number;
    assert.ok(passesInMs > 0 && passesInMs <= windowMs + lifeMs + windowMs / 60);
    await new Promise((resolve) => setTimeout(resolve, passesInMs > 50 ? passesInMs - 20 : 1));
  }
  const fields = await client.hkeys("{g}:a");
  assert.equal(fields.includes(String(mark)), false);
  assert.equal(fields.length, 3);
});

test(
  "what is given back to a sub-window that no longer counts, or beyond what it has, changes nothing more",
  { skip },
  async () => {
    await using redis = await startRedis();
    await using connected = connect(redis);
    const { client } = connected;
    const first = await lease(client, "g", { accounts: [{ key: "a", limit: 9 }], requests: [[6]] });
    const mark = first[2] as number;
    const returns = [
      [mark - 100, 3],
      [mark - 1, 3],
      [mark, 50],
    ] as const;
    const answer = await lease(client, "g", { remembers: true, accounts: [{ key: "a", limit: 9, returns }] });
    assert.equal(answer[5], 9);
  },
);

test("amounts past 10^15 are counted to the last digit", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  const limit = 2 ** 51;
  const answer = await lease(client, "g", { accounts: [{ key: "a", limit }], requests: [[limit - 3], [4], [2]] });
  assert.deepEqual([answer[3], answer[5]], [limit - 1, 1]);
  const next = await lease(client, "g", { accounts: [{ key: "a", limit }], requests: [[2], [1]], remembers: true });
  assert.deepEqual([next[6], next[8], next[5]], [1, 0, 0]);
});

test("a Redis that has lost what it knew says so, takes it again once, and waits for others", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  const accounts = [{ key: "a", limit: 10 }];
  const first = await lease(client, "g", { accounts, requests: [[6]] });
  const mark = first[2] as number;
  await client.flushall();
  assert.deepEqual(await lease(client, "g", { accounts, remembers: true, requests: [[1]] }), ["lost"]);
  const keys = ["{g}:members", "{g}:settles", "{g}:a"];
  const history = ["p", 2000, 300, 32 * DAY_MS, 1, DAY_MS, STEP_MS, 1, mark, 6];
  assert.deepEqual(
    [await run(client, RESTORE_SLICES, keys, history), await run(client, RESTORE_SLICES, keys, history)],
    [1, 0],
  );
  const waits = await lease(client, "g", { process: "other", accounts, requests: [[1]] });
  assert.equal(waits[0], "settling");
  await new Promise((resolve) => setTimeout(resolve, Number(waits[1]) + 5));
  const answer = await lease(client, "g", { process: "other", accounts, requests: [[5], [4]] });
  assert.deepEqual([answer[6], answer[8], answer[5]], [1, 0, 0]);
});

test("who is new to an empty Redis waits only where it may have been emptied a moment ago", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  const accounts = [{ key: "a", limit: 10 }];
  assert.equal((await lease(client, "g", { accounts, requests: [[1]] }))[0], "done");
  assert.equal((await lease(client, "h", { accounts, doubts: true, requests: [[1]] }))[0], "settling");
  // Known already: nothing was lost.
  assert.equal((await lease(client, "g", { process: "q", accounts, doubts: true, requests: [[1]] }))[0], "done");
});

test(
  "slots: what is kept is counted, needs are given as far as there are, and a process that is silent loses them",
  { skip },
  async () => {
    await using redis = await startRedis();
    await using connected = connect(redis);
    const { client } = connected;
    const slots = (process: string, lifeMs: number, [keeps, needs, more]: readonly number[]): Promise<number[]> =>
      run(client, LEASE_SLOTS, ["{g}:c"], [process, lifeMs, 10, keeps!, needs!, more!]);
    assert.deepEqual(await slots("a", 300, [0, 6, 0]), [6, 4, 0, 10]);
    assert.deepEqual(await slots("b", 60_000, [0, 7, 0]), [4, 0, 0, 5]);
    // After a loss of Redis's memory more may be kept than there are: nobody gets any, and who has unused ones is told.
    assert.deepEqual(await slots("b", 60_000, [5, 0, 0]), [5, -1, 0, 5]);
    await new Promise((resolve) => setTimeout(resolve, 320));
    assert.deepEqual(await slots("b", 60_000, [5, 5, 0]), [10, 0, 0, 10]);
    assert.deepEqual(await slots("b", 60_000, [0, 0, 0]), [0, 10, 0, 10]);
    assert.equal(await client.exists("{g}:c"), 0);
  },
);

test("slots: who asked in vain and has less than its share gets what others set free", { skip }, async () => {
  await using redis = await startRedis();
  await using connected = connect(redis);
  const { client } = connected;
  const slots = (process: string, keeps: number, needs: number): Promise<number[]> =>
    run(client, LEASE_SLOTS, ["{g}:c"], [process, 60_000, 10, keeps, needs, 5]);
  assert.deepEqual(await slots("a", 0, 10), [10, 0, 0, 10]);
  assert.deepEqual(await slots("b", 0, 3), [0, 0, 0, 5]);
  // Three ended; a has more to do, too, and gets none of them.
  assert.deepEqual(await slots("a", 7, 3), [7, 3, 3, 5]);
  assert.deepEqual(await slots("b", 0, 3), [3, 0, 0, 5]);
  // Beyond what b has asked for they are a's again.
  assert.deepEqual(await slots("a", 6, 4), [7, 0, 0, 5]);
});

test(
  "slots: of a cap smaller than the number of processes every slot is used, though all ask in vain",
  { skip },
  async () => {
    await using redis = await startRedis();
    await using connected = connect(redis);
    const { client } = connected;
    const slots = (process: string, cap: number, keeps: number, needs: number): Promise<number[]> =>
      run(client, LEASE_SLOTS, ["{g}:c"], [process, 60_000, cap, keeps, needs, 0]);
    for (const process of ["a", "b", "c"]) await slots(process, 0, 0, 1);
    assert.deepEqual((await slots("b", 1, 0, 1))[0], 1);
    assert.deepEqual((await slots("c", 1, 0, 1))[0], 0);
    assert.deepEqual((await slots("c", 2, 0, 1))[0], 1);
    // The fifth of five, with three that hold their share already.
    for (const process of ["a", "b", "c"]) await slots(process, 5, 1, 2);
    assert.equal((await slots("a", 5, 1, 2))[0], 3);
  },
);

test("all scripts run on a cluster: the keys of a group are on one node", { skip }, async () => {
  await using redis = await startRedis(["--cluster-enabled", "yes"]);
  await using connected = connect(redis);
  const { client } = connected;
  await client.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!((await client.call("CLUSTER", "INFO")) as string).includes("cluster_state:ok"))
    await new Promise((resolve) => setTimeout(resolve, 10));
  const accounts = [
    { key: "a", limit: 10 },
    { key: "b", limit: 10 },
  ];
  assert.equal((await lease(client, "g", { accounts, requests: [[1, 1]] }))[0], "done");
  const keys = ["{g}:members", "{g}:settles", "{g}:a", "{g}:b"];
  assert.equal(
    await run(client, RESTORE_SLICES, keys, ["q", 2000, 300, DAY_MS, 1, DAY_MS, STEP_MS, 0, DAY_MS, STEP_MS, 0]),
    1,
  );
  assert.equal((await run<number[]>(client, LEASE_SLOTS, ["{g}:c", "{g}:d"], ["p", 9, 1, 0, 1, 0, 1, 0, 1, 0]))[0], 1);
});
