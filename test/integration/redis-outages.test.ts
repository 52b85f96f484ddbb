/** What clients of two gateways see while the one Redis that both have is away, and what they may use over all of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SLICE_MS } from "../../src/limits/redis/timing.ts";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post } from "../support/gateway.ts";
import { noRedis, startRedis, startRedisProxy } from "../support/redis.ts";
import type { RedisProxy, RedisServer } from "../support/redis.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import { startSupervised } from "../support/supervised.ts";
import type { SupervisedGateway } from "../support/supervised.ts";
import { waitUntil } from "../support/wait-until.ts";

const PER_MINUTE = 120;
const CAP = 4;
/** Requests of the capped tenant that are under way when Redis goes, all in one gateway. */
const HELD = 3;
/** Redis's deadline is 50 ms; a busy machine has pauses of its own. */
const AT_ONCE_MS = 2000;
/** By then slices have ended, and for long. */
const SLICES_ENDED_MS = SLICE_MS + 1500;
const PAUSE_MS = 150;

const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

const config = (url: string, redis: string): string => `server: { host: 127.0.0.1, port: 0, workers: 1 }
admin: { host: 127.0.0.1, port: 0 }
store: { redis: ${redis} }
upstreams:
  up: { endpoints: [ { url: ${url}/v1 } ] }
models:
  house: { upstream: up, price: { input: 1, output: 1 } }
tenants:
  counted: { keys: [ "sha256:${keyDigest("counted")}" ], limits: { requests_per_minute: ${PER_MINUTE} } }
  capped: { keys: [ "sha256:${keyDigest("capped")}" ], limits: { max_concurrency: ${CAP} } }
`;

/** One request. @returns its status, once it is known to have come in time. */
async function ask({ url }: SupervisedGateway, tenant: "counted" | "capped"): Promise<number> {
  const askedMs = performance.now();
  const answer = await post(`${url}/v1/chat/completions`, chat({ model: "house", user: tenant, max_tokens: 1 }), {
    headers: { authorization: `Bearer ${tenant}` },
  });
  await answer.text();
  const tookMs = performance.now() - askedMs;
  // How long the upstream holds an answer is the test's doing.
  assert.ok(tenant === "capped" || tookMs < AT_ONCE_MS, `an answer took ${tookMs} ms`);
  return answer.status;
}

/** Answers those of the counted tenant at once, and those of the capped one when {@link release} is called. */
class Requests {
  counted = 0;
  mostCapped = 0;
  readonly #held: (() => void)[] = [];

  take(body: string, answer: () => void): void {
    if (body.includes('"counted"')) {
      this.counted++;
      return answer();
    }
    this.#held.push(answer);
    this.mostCapped = Math.max(this.mostCapped, this.#held.length);
  }

  get capped(): number {
    return this.#held.length;
  }

  release(count = Infinity): void {
    for (const answer of this.#held.splice(0, count)) answer();
  }
}

interface Outage {
  readonly what: string;
  readonly lastsMs: number;
  readonly begin: (redis: RedisServer, proxy: RedisProxy) => void | Promise<void>;
  readonly end: (redis: RedisServer, proxy: RedisProxy) => void | Promise<void>;
  /** Requests of the capped tenant that may be under way beyond its cap once Redis is back. */
  readonly overshoot: number;
}

const OUTAGES: readonly Outage[] = [
  {
    what: "stands still for 30 s",
    lastsMs: 30_000,
    begin: (redis) => redis.freeze(),
    end: (redis) => redis.thaw(),
    // Their lease has ended while they were cut off.
    overshoot: HELD,
  },
  {
    what: "is killed and comes back with nothing",
    lastsMs: 6000,
    begin: (redis) => redis.kill(),
    end: (redis) => redis.start(),
    overshoot: 0,
  },
  {
    what: "takes 200 ms for everything",
    lastsMs: 8000,
    begin: (_, proxy) => void (proxy.delayMs = 100),
    end: (_, proxy) => void (proxy.delayMs = 0),
    overshoot: HELD,
  },
];

describe("Redis", { skip: noRedis(), concurrency: true }, () => {
  for (const { what, lastsMs, begin, end, overshoot } of OUTAGES) {
    test(`${what}: everybody is answered at once, limits hold as stated, and all goes on without a restart`, async () => {
      await using redis = await startRedis();
      await using proxy = await startRedisProxy(redis);
      const requests = new Requests();
      await using upstream = await startScripted(({ body, socket }) =>
        requests.take(body.toString(), () => socket.write(response(200, "{}"))),
      );
      await using one = await startSupervised(config(upstream.url, proxy.url));
      await using two = await startSupervised(config(upstream.url, proxy.url));
      const gateways = [one, two];
      const capped: Promise<number>[] = [];
      await using _ = { [Symbol.asyncDispose]: () => Promise.resolve(requests.release()) };
      const hold = async (gateway: SupervisedGateway, count: number): Promise<void> => {
        for (const all = requests.capped + count; requests.capped < all;) {
          const next = requests.capped + 1;
          const asked = ask(gateway, "capped");
          capped.push(asked);
          // Refused where Redis was late because this machine is busy, which is not what the test is about.
          await Promise.race([asked, waitUntil(() => requests.capped === next)]);
        }
      };

      await hold(one, HELD);
      const load = async (gateway: SupervisedGateway, forMs: number, statuses: number[]): Promise<void> => {
        for (const endMs = performance.now() + forMs; performance.now() < endMs; await after(PAUSE_MS))
          statuses.push(await ask(gateway, "counted"));
      };
      const before: number[] = [];
      await Promise.all(gateways.map((gateway) => load(gateway, 1500, before)));
      assert.ok(before.includes(200));

      await begin(redis, proxy);
      const early: number[] = [];
      await Promise.all(gateways.map((gateway) => load(gateway, SLICES_ENDED_MS, early)));
      for (const { gateway } of gateways)
        assert.doesNotMatch(await gateway.metrics(), /headwaiter_redis_state\{state="closed"\} 1\n/);
      // A slot that this process has is used again; one that it has not can't be had.
      requests.release(1);
      await waitUntil(() => one.gateway.calls === HELD - 1);
      await hold(one, 1);
      assert.equal(await ask(two, "capped"), 503);
      const late: number[] = [];
      await Promise.all(gateways.map((gateway) => load(gateway, lastsMs - SLICES_ENDED_MS, late)));
      assert.deepEqual(new Set(late), new Set([503]));
      await end(redis, proxy);

      for (const gateway of gateways) {
        const backMs = performance.now() + 10_000;
        while ((await ask(gateway, "counted")) !== 200) {
          assert.ok(performance.now() < backMs, "it does not go on");
          await after(PAUSE_MS);
        }
      }
      // All that can be had of the cap, then of the minute: what a gateway has at hand for requests to come is back after a slice.
      const more = gateways.flatMap((gateway) => Array.from({ length: 2 * CAP }, () => ask(gateway, "capped")));
      capped.push(...more);
      for (const endMs = performance.now() + SLICES_ENDED_MS; performance.now() < endMs; await after(PAUSE_MS))
        await Promise.all(
          [...gateways, ...gateways, ...gateways, ...gateways].map((gateway) => ask(gateway, "counted")),
        );
      assert.ok(requests.mostCapped <= CAP + overshoot, `${requests.mostCapped} at a time`);
      // What was leased and never heard of counts as used.
      assert.ok(requests.counted <= PER_MINUTE && requests.counted > PER_MINUTE / 3, `${requests.counted} in a minute`);
      requests.release();
      for (const status of await Promise.all(capped)) assert.ok([200, 429, 503].includes(status), String(status));

      // Once those have ended the cap holds again.
      requests.mostCapped = 0;
      const last = gateways.flatMap((gateway) => Array.from({ length: 2 * CAP }, () => ask(gateway, "capped")));
      await waitUntil(() => requests.capped > 0);
      await after(500);
      requests.release();
      await Promise.all(last);
      assert.ok(requests.mostCapped <= CAP, `${requests.mostCapped} at a time`);
    });
  }
});
