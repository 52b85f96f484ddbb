import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Redis } from "ioredis";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import { CALL_DEADLINE_MS } from "../../src/limits/redis/redis-link.ts";
import { SETTLE_MS, SLICE_MS } from "../../src/limits/redis/timing.ts";
import { noRedis, startRedis, startRedisProxy } from "../support/redis.ts";
import { perMinute, SharedProcess } from "../support/shared-process.ts";
import { waitUntil } from "../support/wait-until.ts";

const REQUESTS = "tenant:acme requests/1m";
const LIMIT = 1000;
const limits = [perMinute("requests", LIMIT)];
/** What a busy machine may add to a deadline. */
const SLACK_MS = 200;

const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** One request after the other; how many were reserved, and how long the slowest answer took. */
async function requestsFor(durationMs: number, process: SharedProcess): Promise<{ got: number; slowestMs: number }> {
  const endMs = monotonicMs() + durationMs;
  let [got, slowestMs] = [0, 0];
  while (monotonicMs() < endMs) {
    const askedMs = monotonicMs();
    const { kind } = await process.reserve({ [REQUESTS]: 1 });
    slowestMs = Math.max(slowestMs, monotonicMs() - askedMs);
    if (kind === "reserved") got++;
    await after(5);
  }
  return { got, slowestMs };
}

/** Everything that can still be had, by all processes together. */
async function allThatIsLeft(...processes: readonly SharedProcess[]): Promise<number> {
  let got = 0;
  let misses = 0;
  // A process may hold a little for requests to come, until its slice has ended.
  for (const endMs = monotonicMs() + SLICE_MS + 1500; monotonicMs() < endMs;) {
    for (const process of processes) {
      if ((await process.reserveSurely({ [REQUESTS]: 1 })).kind === "reserved") got++;
      else misses++;
    }
    if (misses > 0) await after(20);
  }
  return got;
}

describe("faults of Redis", { skip: noRedis(), concurrency: true }, () => {
  test("Redis stands still: no request waits longer than its deadline, slices that are held are used, then it goes on", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, limits);
    let { got } = await requestsFor(1000, one);
    assert.ok(got > 20);
    redis.freeze();
    const frozen = await requestsFor(SLICE_MS + 2500, one);
    assert.equal(one.shared.state === "closed", false);
    assert.ok(frozen.got > 0, "held slices are used");
    assert.ok(frozen.slowestMs < CALL_DEADLINE_MS + SLACK_MS, `${frozen.slowestMs}`);
    // The connection was given up meanwhile, or not: either way it goes on without anybody's help.
    redis.thaw();
    await waitUntil(() => one.shared.state === "closed");
    got += frozen.got;
    got += await allThatIsLeft(one);
    // Leases that nobody heard of count as used, so that some of the limit may be missing; none is used twice.
    assert.ok(got <= LIMIT && got > LIMIT * 0.5, `${got}`);
  });

  test("Redis is killed and comes back empty: every process says what it has leased, and the limit is not passed by one", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, limits);
    await using other = await SharedProcess.start(redis.url, limits);
    // Has no part in it until Redis is back, so it has nothing to say.
    await using idle = await SharedProcess.start(redis.url, limits);
    const before = await Promise.all([requestsFor(1200, one), requestsFor(1200, other)]);
    await redis.kill();
    const during = await Promise.all([requestsFor(600, one), requestsFor(600, other), requestsFor(600, idle)]);
    assert.equal(during[2].got, 0);
    await redis.start();
    const processes = [one, other, idle];
    await waitUntil(() => processes.every(({ shared }) => shared.state === "closed"));
    const got = [...before, ...during].reduce((sum, one) => sum + one.got, 0);
    assert.ok(Math.max(...during.map(({ slowestMs }) => slowestMs)) < CALL_DEADLINE_MS + SLACK_MS);
    // The idle one asks first of all, and is told to wait for the others.
    const idleFirst = await requestsFor(SETTLE_MS / 2, idle);
    assert.equal(idleFirst.got, 0);
    const rest = await allThatIsLeft(...processes);
    assert.ok(got + rest <= LIMIT, `${got} + ${rest}`);
    assert.ok(got + rest > LIMIT * 0.9, `${got} + ${rest}`);
  });

  test("who finds Redis empty before the others are back waits for them, though it has nothing to say itself", async () => {
    await using redis = await startRedis();
    await using proxy = await startRedisProxy(redis);
    await using one = await SharedProcess.start(proxy.url, limits);
    await using idle = await SharedProcess.start(redis.url, limits);
    assert.equal((await one.reserveSurely({ [REQUESTS]: 900 })).kind, "reserved");
    await redis.kill();
    await waitUntil(() => one.shared.state !== "closed" && idle.shared.state !== "closed");
    proxy.broken = true;
    await redis.start();
    await waitUntil(() => idle.shared.state === "closed");
    const refused = await idle.reserve({ [REQUESTS]: LIMIT });
    assert.ok(refused.kind === "unavailable" && refused.retryInMs <= SETTLE_MS, refused.kind);
    proxy.broken = false;
    await waitUntil(() => one.shared.state === "closed");
    const left = await allThatIsLeft(idle, one);
    assert.equal(left, LIMIT - 900);
  });

  test("Redis is emptied under a connection that stays: what is leased is said again, and counts", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, limits);
    const { got } = await requestsFor(800, one);
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    const rest = await allThatIsLeft(one);
    assert.ok(got + rest <= LIMIT && got + rest > LIMIT * 0.9, `${got} + ${rest}`);
  });

  test("Redis takes 200 ms: no request waits longer than its deadline, the breaker opens, and closes once it is fast", async () => {
    await using redis = await startRedis();
    await using proxy = await startRedisProxy(redis);
    await using one = await SharedProcess.start(proxy.url, limits);
    await requestsFor(600, one);
    proxy.delayMs = 100;
    const slow = await requestsFor(3000, one);
    assert.ok(one.states.includes("open"));
    assert.notEqual(one.shared.state, "closed");
    assert.ok(slow.slowestMs < CALL_DEADLINE_MS + SLACK_MS, `${slow.slowestMs}`);
    assert.ok(slow.got > 0, "held slices, and those that came late, are used");
    proxy.delayMs = 0;
    await waitUntil(() => one.shared.state === "closed");
    assert.equal((await one.reserveSurely({ [REQUESTS]: 1 })).kind, "reserved");
  });

  test("the connection breaks and Redis stays what it was: it goes on at once, nothing is counted twice", async () => {
    await using redis = await startRedis();
    await using proxy = await startRedisProxy(redis);
    await using one = await SharedProcess.start(proxy.url, limits);
    const { got } = await requestsFor(800, one);
    proxy.broken = true;
    await waitUntil(() => one.shared.state !== "closed");
    const refused = await one.shared.lease([{ account: one.index(REQUESTS), amount: LIMIT / 2 }]);
    assert.equal(refused.kind, "unavailable");
    proxy.broken = false;
    const backMs = monotonicMs();
    await waitUntil(() => one.shared.state === "closed");
    assert.equal((await one.reserveSurely({ [REQUESTS]: 50 })).kind, "reserved");
    assert.ok(monotonicMs() - backMs < SETTLE_MS, `${monotonicMs() - backMs}`);
    const rest = await allThatIsLeft(one);
    const all = got + 50 + rest;
    assert.ok(all <= LIMIT && all > LIMIT * 0.9, `${all}`);
  });

  test("no Redis from the beginning: it says so in time, refuses at once, and begins when there is one", async () => {
    await using redis = await startRedis();
    await redis.kill();
    await using one = new SharedProcess(redis.url, limits);
    assert.equal(await one.shared.connected(300), false);
    const { got, slowestMs } = await requestsFor(200, one);
    assert.ok(got === 0 && slowestMs < CALL_DEADLINE_MS, `${got}, ${slowestMs}`);
    await redis.start();
    assert.equal(await one.shared.connected(5000), true);
    assert.equal((await one.reserveSurely({ [REQUESTS]: 1 })).kind, "reserved");
  });

  test("a Redis that refuses is like one that is gone, and nothing is taken from it", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, limits);
    const client = new Redis(redis.url);
    await client.config("SET", "maxmemory", "1");
    for (let i = 0; i < 4; i++) assert.equal((await one.reserve({ [REQUESTS]: 1 })).kind, "unavailable");
    assert.ok(one.states.includes("open"));
    assert.equal(await client.dbsize(), 0);
    await client.config("SET", "maxmemory", "0");
    client.disconnect();
    assert.equal((await one.reserveSurely({ [REQUESTS]: 1 })).kind, "reserved");
  });
});
