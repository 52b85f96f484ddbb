/** An upstream's cap over several processes. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Redis } from "ioredis";
import { GatewayError } from "../../src/core/errors.ts";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import { SLOTS_MS, SLOTS_RENEW_MS } from "../../src/limits/redis/timing.ts";
import { chat, configFor, post } from "../support/gateway.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import { SharedAdmission } from "../support/shared-admission.ts";
import { startSupervised } from "../support/supervised.ts";
import { waitUntil } from "../support/wait-until.ts";

const PATIENT = "queue: { max_waiting: 1000, max_wait: 30s }";
const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Counts what is under way over all processes of a test. */
class Usage {
  underWay = 0;
  most = 0;

  /** Takes a slot, holds it, gives it back. */
  async use(admission: SharedAdmission, holdMs: number): Promise<void> {
    const slot = await admission.slot();
    this.most = Math.max(this.most, ++this.underWay);
    await after(holdMs);
    this.underWay--;
    slot.release();
  }
}

describe("an upstream's cap over several processes", { skip: noRedis(), concurrency: true }, () => {
  test("is never passed by all together, is used to the last slot, and nothing of it stays behind", async () => {
    await using redis = await startRedis();
    await using stack = new AsyncDisposableStack();
    const settings = `max_concurrency: 10, ${PATIENT}`;
    const processes = await Promise.all([1, 2, 3].map(() => SharedAdmission.start(redis.url, settings)));
    for (const process of processes) stack.use(process);
    const usage = new Usage();
    const turns = [0, 0, 0];
    const endMs = monotonicMs() + 3000;
    const client = async (i: number, n: number): Promise<void> => {
      for (; monotonicMs() < endMs; await after(n % 5)) {
        await usage.use(processes[i]!, 5 + ((n * 7) % 20));
        turns[i]!++;
      }
    };
    await Promise.all([0, 1, 2].flatMap((i) => Array.from({ length: 8 }, (_, n) => client(i, n))));
    assert.equal(usage.most, 10);
    assert.ok(Math.min(...turns) > 20, turns.join(", "));
    await waitUntil(() => processes.every(({ broker }) => broker.readings()[0]!.taken === 0));
    await stack.disposeAsync();
    const reader = new Redis(redis.url);
    // Said at the end; where that took Redis too long, by the end of the lease.
    let left = await reader.keys("*");
    for (const lapsedMs = monotonicMs() + 2 * SLOTS_MS; left.length > 0 && monotonicMs() < lapsedMs;) {
      await after(50);
      left = await reader.keys("*");
    }
    reader.disconnect();
    assert.deepEqual(left, []);
  });

  test("belongs to whoever comes, at once, while others have nothing under way", async () => {
    await using redis = await startRedis();
    await using one = await SharedAdmission.start(redis.url, `max_concurrency: 100, ${PATIENT}`);
    await using other = await SharedAdmission.start(redis.url, `max_concurrency: 100, ${PATIENT}`);
    const startMs = monotonicMs();
    const slots = await Promise.all(Array.from({ length: 100 }, () => one.slot()));
    assert.ok(monotonicMs() - startMs < 1000, `${monotonicMs() - startMs}`);
    for (const slot of slots.splice(10)) slot.release();
    await waitUntil(() => one.broker.slotsTaken("up") === 10);
    // What it has at hand it takes without asking anybody.
    const { isOnTheSpot, result } = one.ask();
    assert.ok(isOnTheSpot);
    await result;
    // What is not used is given up at the next renewal.
    const laterMs = monotonicMs();
    await Promise.all(Array.from({ length: 80 }, () => other.slot()));
    assert.ok(monotonicMs() - laterMs < 2 * SLOTS_RENEW_MS + 1000, `${monotonicMs() - laterMs}`);
  });

  test("is shared with a newcomer within two seconds, though others wait for all that it gets", async () => {
    await using redis = await startRedis();
    const settings = `max_concurrency: 10, ${PATIENT}`;
    await using first = await SharedAdmission.start(redis.url, settings);
    await using later = await SharedAdmission.start(redis.url, settings);
    const usage = new Usage();
    const endMs = monotonicMs() + 4000;
    const client = async (admission: SharedAdmission): Promise<void> => {
      while (monotonicMs() < endMs) await usage.use(admission, 200 + Math.random() * 200);
    };
    const clients = Array.from({ length: 30 }, () => client(first));
    await waitUntil(() => first.broker.slotsTaken("up") === 10);
    await after(300);
    const cameMs = monotonicMs();
    clients.push(...Array.from({ length: 30 }, () => client(later)));
    await waitUntil(() => later.broker.slotsTaken("up") >= 4, "the newcomer has its share");
    const elapsedMs = monotonicMs() - cameMs;
    assert.ok(elapsedMs < 2500, `${elapsedMs}`);
    await Promise.all(clients);
    assert.equal(usage.most, 10);
  });

  test("is free again of a process that was killed when its lease ends, and not before", async (t) => {
    await using redis = await startRedis();
    const settings = `max_concurrency: 3, ${PATIENT}`;
    await using one = await SharedAdmission.start(redis.url, settings);
    const child = fork(new URL("../support/slot-holder.ts", import.meta.url), [redis.url, settings, "3"], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    t.after(() => child.kill("SIGKILL"));
    const [said] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [unknown];
    assert.equal(said, "held");
    const asked = Array.from({ length: 3 }, () => one.slot());
    // Longer than a lease: it is renewed.
    await after(SLOTS_MS + 300);
    assert.equal(one.waiting, 3);
    const killedMs = monotonicMs();
    child.kill("SIGKILL");
    await once(child, "exit");
    await Promise.all(asked);
    const elapsedMs = monotonicMs() - killedMs;
    assert.ok(elapsedMs < SLOTS_MS + 1500, `${elapsedMs}`);
    assert.ok(elapsedMs > SLOTS_MS - SLOTS_RENEW_MS - 500, `${elapsedMs}`);
  });

  test("holds with what there is while Redis is frozen: slots are used on, who waits is refused in time, and all goes on", async () => {
    await using redis = await startRedis();
    const settings = "max_concurrency: 4, queue: { max_waiting: 10, max_wait: 500ms }";
    await using one = await SharedAdmission.start(redis.url, settings);
    await using other = await SharedAdmission.start(redis.url, settings);
    const held = await Promise.all([one.slot(), one.slot()]);
    redis.freeze();
    const askedMs = monotonicMs();
    const refusals = await Promise.all(Array.from({ length: 5 }, () => other.ask().result));
    // A busy machine's own pauses included.
    assert.ok(monotonicMs() - askedMs < 2000, `${monotonicMs() - askedMs}`);
    for (const refusal of refusals) assert.ok(refusal instanceof GatewayError && refusal.code === "queue_timeout");
    // Its own again, without asking anybody.
    held.pop()!.release();
    await waitUntil(() => one.broker.slotsTaken("up") === 1);
    held.push(await one.slot());
    redis.thaw();
    const frozenMs = monotonicMs() - askedMs;
    await waitUntil(() => one.limits.redisState === "closed" && other.limits.redisState === "closed");
    await Promise.all([other.slot(), other.slot()]);
    const last = await other.ask().result;
    // A lease that ended meanwhile is another matter.
    if (frozenMs > SLOTS_MS - SLOTS_RENEW_MS) return;
    assert.ok(last instanceof GatewayError && last.code === "queue_timeout");
  });

  test("where nobody may wait, is had to the last slot by whichever process asks, and then refused at once", async () => {
    await using redis = await startRedis();
    const settings = "max_concurrency: 20, queue: { max_waiting: 0 }";
    await using one = await SharedAdmission.start(redis.url, settings);
    await using other = await SharedAdmission.start(redis.url, settings);
    const endMs = monotonicMs() + 5000;
    for (const [process, slots] of [
      [one, 15],
      [other, 5],
    ] as const) {
      await Promise.all(
        Array.from({ length: slots }, async () => {
          // That Redis is late because this machine is busy, or the other has some at hand, is not what the test is about.
          while ((await process.ask().result) instanceof GatewayError) {
            assert.ok(monotonicMs() < endMs);
            await after(20);
          }
        }),
      );
    }
    const askedMs = monotonicMs();
    const asked = [one, other].flatMap((process) => Array.from({ length: 10 }, () => process.ask().result));
    for (const answer of await Promise.all(asked)) assert.equal((answer as GatewayError).code, "queue_full");
    assert.ok(monotonicMs() - askedMs < 1000, `${monotonicMs() - askedMs}`);
  });

  test("is what the upstream sees of two gateways of two loops each, and every client is served", async () => {
    await using redis = await startRedis();
    const usage = new Usage();
    await using upstream = await startScripted(async ({ socket }) => {
      usage.most = Math.max(usage.most, ++usage.underWay);
      await after(20);
      // Before it is known at the gateway that a slot is free.
      usage.underWay--;
      socket.write(response(200, "{}"));
    });
    const yaml = configFor(upstream.url, {
      upstream: `max_concurrency: 4\n${PATIENT}`,
      rest: `store: { redis: ${redis.url} }`,
    }).replace("port: 0,", "port: 0, workers: 2,");
    await using one = await startSupervised(yaml);
    await using two = await startSupervised(yaml);
    const statuses = await Promise.all(
      Array.from({ length: 80 }, async (_, i) => {
        const answer = await post(`${(i % 2 === 0 ? one : two).url}/v1/chat/completions`, chat());
        await answer.text();
        return answer.status;
      }),
    );
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(usage.most, 4);
  });
});
