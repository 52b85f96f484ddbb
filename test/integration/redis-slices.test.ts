import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Redis } from "ioredis";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import type { Reservation, Shortage } from "../../src/limits/limiter.ts";
import { REST_MS, SLICE_MS } from "../../src/limits/redis/timing.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import { perMinute, SharedProcess } from "../support/shared-process.ts";
import type { SharedDefinition } from "../support/shared-process.ts";

const skip = noRedis();
const REQUESTS = "tenant:acme requests/1m";
const TOKENS = "tenant:acme tokens/1m";

const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Tries until it is reserved; what has ended elsewhere is back within a slice's life and a moment. */
async function reserveBy(
  process: SharedProcess,
  amounts: Readonly<Record<string, number>>,
  withinMs: number,
): Promise<Reservation> {
  const endMs = monotonicMs() + withinMs;
  for (;;) {
    const reserved = await process.reserveSurely(amounts);
    if (reserved.kind === "reserved") return reserved;
    assert.ok(monotonicMs() < endMs, `${JSON.stringify(amounts)} not reserved: ${JSON.stringify(reserved)}`);
    await after(20);
  }
}

// They wait most of their time, each for slices to end.
describe("slices of shared windows", { skip, concurrency: true }, () => {
  test("of a budget of one, 200 parallel requests over two processes get one", async () => {
    await using redis = await startRedis();
    const limits = [perMinute("requests", 1)];
    await using one = await SharedProcess.start(redis.url, limits);
    await using other = await SharedProcess.start(redis.url, limits);
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? one : other).reserveSurely({ [REQUESTS]: 1 })),
    );
    const kinds = results.map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === "reserved").length, 1);
    assert.equal(kinds.filter((kind) => kind === "shortage").length, 199);
  });

  test(
    "a refused request uses nothing, in any account, and learns which limit and when to come back",
    { skip },
    async () => {
      await using redis = await startRedis();
      const limits = [perMinute("requests", 10), perMinute("tokens", 1000)];
      await using one = await SharedProcess.start(redis.url, limits);
      await using other = await SharedProcess.start(redis.url, limits);
      const first = await one.reserveSurely({ [REQUESTS]: 1, [TOKENS]: 900 });
      assert.equal(first.kind, "reserved");
      for (let i = 0; i < 5; i++) {
        const refused = (await other.reserveSurely({ [REQUESTS]: 1, [TOKENS]: 200 })) as Shortage;
        assert.deepEqual([refused.kind, refused.account, refused.limit], ["shortage", other.index(TOKENS), 1000]);
        assert.ok(refused.remaining <= 100 && refused.freeInMs! > 50_000 && refused.freeInMs! <= 63_000);
      }
      // Nine requests are left: the five that were refused took none.
      for (let i = 0; i < 9; i++) assert.equal((await reserveBy(other, { [REQUESTS]: 1 }, SLICE_MS + 1000)).held, true);
      const most = (await other.reserveSurely({ [TOKENS]: 1001 })) as Shortage;
      assert.deepEqual([most.kind, most.freeInMs], ["shortage", null]);
    },
  );

  test(
    "what a request did not use is another process's, also when it is settled long after its slice",
    { skip },
    async () => {
      await using redis = await startRedis();
      const limits = [perMinute("tokens", 1000)];
      await using one = await SharedProcess.start(redis.url, limits);
      await using other = await SharedProcess.start(redis.url, limits);
      const early = (await one.reserveSurely({ [TOKENS]: 500 })) as Reservation;
      const late = (await one.reserveSurely({ [TOKENS]: 500 })) as Reservation;
      assert.equal((await other.reserveSurely({ [TOKENS]: 1 })).kind, "shortage");
      early.settle([100], monotonicMs());
      await reserveBy(other, { [TOKENS]: 400 }, SLICE_MS + 2000);
      assert.equal((await other.reserveSurely({ [TOKENS]: 1 })).kind, "shortage");
      await after(SLICE_MS);
      late.settle([200], monotonicMs());
      await reserveBy(other, { [TOKENS]: 300 }, 2000);
      await after(400);
      assert.equal((await other.reserveSurely({ [TOKENS]: 1 })).kind, "shortage");
    },
  );

  test("what a request used beyond its reservation counts for all processes", async () => {
    await using redis = await startRedis();
    const limits = [perMinute("tokens", 1000)];
    await using one = await SharedProcess.start(redis.url, limits);
    await using other = await SharedProcess.start(redis.url, limits);
    ((await one.reserveSurely({ [TOKENS]: 100 })) as Reservation).settle([900], monotonicMs());
    const endMs = monotonicMs() + 3000;
    for (let left = Infinity; left !== 100;) {
      const refused = (await other.reserveSurely({ [TOKENS]: 1000 })) as Shortage;
      assert.equal(refused.kind, "shortage");
      left = refused.remaining;
      assert.ok(monotonicMs() < endMs, `${left}`);
      await after(120);
    }
  });

  test("five processes that hold nothing back use up a limit of ten, two requests each", async () => {
    await using redis = await startRedis();
    const limits = [perMinute("requests", 10)];
    await using stack = new AsyncDisposableStack();
    const processes: SharedProcess[] = [];
    for (let i = 0; i < 5; i++) processes.push(stack.use(await SharedProcess.start(redis.url, limits)));
    for (const process of [...processes, ...processes])
      assert.equal((await process.reserveSurely({ [REQUESTS]: 1 })).kind, "reserved");
    for (const process of processes) assert.equal((await process.reserveSurely({ [REQUESTS]: 1 })).kind, "shortage");
  });

  test("a busy tenant pays a few calls a second, and few of its requests wait for one", async () => {
    await using redis = await startRedis();
    const limits = [perMinute("requests", 1_000_000), perMinute("tokens", 1_000_000_000)];
    await using busy = await SharedProcess.start(redis.url, limits);
    const client = new Redis(redis.url);
    const calls = async (): Promise<number> =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    const request = async (): Promise<void> => {
      const reserved = await busy.reserveSurely({ [REQUESTS]: 1, [TOKENS]: 1000 });
      assert.ok(reserved.kind === "reserved", reserved.kind);
      setTimeout(() => reserved.settle([1, 400], monotonicMs()), 20);
    };
    const forMs = async (durationMs: number): Promise<number> => {
      const endMs = monotonicMs() + durationMs;
      let requests = 0;
      for (; monotonicMs() < endMs; requests++) {
        await request();
        await after(5);
      }
      return requests;
    };
    await forMs(1500);
    const [callsBefore, leasesBefore] = [await calls(), busy.leases];
    const requests = await forMs(2000);
    const callsPerSecond = ((await calls()) - callsBefore) / 2;
    client.disconnect();
    assert.ok(requests > 50, `${requests}`);
    assert.ok(callsPerSecond <= 5, `${callsPerSecond} calls a second for ${requests / 2} requests`);
    assert.ok(busy.leases - leasesBefore <= 5, `${busy.leases - leasesBefore} of ${requests} requests waited`);
  });

  test(
    "in any window three processes together stay within the limit, and get most of it again and again",
    { skip },
    async () => {
      await using redis = await startRedis();
      const windowMs = 1200;
      const limit = 100;
      const name = "tenant:acme tokens/1200ms";
      const limits: SharedDefinition[] = [{ name, group: "tenant:acme", kind: "rate", limit, windowMs }];
      await using stack = new AsyncDisposableStack();
      const used: { readonly atMs: number; readonly amount: number }[] = [];
      const processes = await Promise.all([1, 2, 3].map(() => SharedProcess.start(redis.url, limits)));
      for (const process of processes) stack.use(process);
      const endMs = monotonicMs() + 1.6 * (windowMs + SLICE_MS);
      await Promise.all(
        processes.map(async (process, i) => {
          for (let n = 0; monotonicMs() < endMs; n++) {
            const amount = 1 + ((n * 7 + i) % 5);
            const atMs = monotonicMs();
            const reserved = await process.reserveSurely({ [name]: amount });
            // When it was reserved is known to lie in between; each end makes the window wider.
            if (reserved.kind === "reserved") used.push({ atMs, amount }, { atMs: monotonicMs(), amount: 0 });
            await after(1 + ((n * 3 + i) % 9));
          }
        }),
      );
      used.sort((a, b) => a.atMs - b.atMs);
      const total = used.reduce((sum, { amount }) => sum + amount, 0);
      assert.ok(total > 1.3 * limit && total <= 3 * limit, `${total}`);
      let most = 0;
      for (const { atMs } of used) {
        const inWindow = used.filter((one) => one.atMs >= atMs && one.atMs < atMs + windowMs);
        most = Math.max(
          most,
          inWindow.reduce((sum, { amount }) => sum + amount, 0),
        );
      }
      assert.ok(most <= limit, `${most} in a window`);
      assert.ok(most > 0.5 * limit, `${most}`);
    },
  );

  test("a process that closes gives back what it has not used", async () => {
    await using redis = await startRedis();
    const limits = [perMinute("tokens", 1000)];
    const one = await SharedProcess.start(redis.url, limits);
    await using other = await SharedProcess.start(redis.url, limits);
    const reserved = (await one.reserveSurely({ [TOKENS]: 1000 })) as Reservation;
    assert.equal((await other.reserveSurely({ [TOKENS]: 1 })).kind, "shortage");
    // So long that it has seen how much is taken in a moment, and would lease as much again.
    await after(1.5 * REST_MS);
    reserved.settle([1], monotonicMs());
    await one.shared.close();
    await reserveBy(other, { [TOKENS]: 999 }, 1000);
  });

  test("tenants and upstreams are asked for apart, a request gets both or waits for neither", async () => {
    await using redis = await startRedis();
    const upstream = { ...perMinute("tokens", 100), name: "upstream:openai tokens/1m", group: "upstream:openai" };
    await using one = await SharedProcess.start(redis.url, [perMinute("tokens", 1000), upstream]);
    const both = { [TOKENS]: 60, [upstream.name]: 60 };
    assert.equal((await one.reserveSurely(both)).kind, "reserved");
    const refused = (await one.reserveSurely(both)) as Shortage;
    assert.deepEqual([refused.kind, refused.account], ["shortage", one.index(upstream.name)]);
    // What the tenant's account had granted for it is there for the next.
    assert.equal((await one.reserveSurely({ [TOKENS]: 900 })).kind, "reserved");
  });
});
