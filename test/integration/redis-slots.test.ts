import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Redis } from "ioredis";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import type { Reservation } from "../../src/limits/limiter.ts";
import { SharedLimits } from "../../src/limits/redis/shared-limits.ts";
import { SLOTS_MS, SLOTS_RENEW_MS } from "../../src/limits/redis/timing.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import { SharedProcess } from "../support/shared-process.ts";
import type { SharedDefinition } from "../support/shared-process.ts";
import { waitUntil } from "../support/wait-until.ts";

const SLOTS = "tenant:acme under way";
const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

function cap(limit: number): SharedDefinition {
  return { name: SLOTS, group: "tenant:acme", kind: "gauge", limit, windowMs: 0 };
}

/** A process with one cap, which may be granted less than it holds: what ends then is not begun again. */
class OneGauge {
  readonly shared: SharedLimits;
  held = 0;
  limit: number;
  #granted = 0;

  constructor(url: string, limit: number) {
    this.limit = limit;
    this.shared = new SharedLimits({
      url,
      account: () => ({ name: SLOTS, group: "tenant:acme", limit: this.limit, windowMs: null }),
      onState: () => {},
      keeper: {
        grant: () => false,
        collect: () => [],
        available: () => 0,
        held: () => this.held,
        setGranted: (_, granted) => {
          this.#granted = granted;
          return Math.max(granted, this.held);
        },
      },
    });
  }

  /** What it may hold. */
  get granted(): number {
    return this.#granted;
  }

  async take(): Promise<boolean> {
    if (this.held >= this.#granted) await this.shared.lease([{ account: 0, amount: 1 }]);
    if (this.held >= this.#granted) return false;
    this.held++;
    return true;
  }
}

describe("slots of shared caps", { skip: noRedis(), concurrency: true }, () => {
  test("three processes together never have more under way than the cap, use all of it, and leave nothing behind", async () => {
    await using redis = await startRedis();
    await using stack = new AsyncDisposableStack();
    const processes = await Promise.all([1, 2, 3].map(() => SharedProcess.start(redis.url, [cap(10)])));
    for (const process of processes) stack.use(process);
    let underWay = 0;
    let most = 0;
    const counts = [0, 0, 0];
    const endMs = monotonicMs() + 3000;
    const client = async (i: number, n: number): Promise<void> => {
      while (monotonicMs() < endMs) {
        const reserved = await processes[i]!.reserve({ [SLOTS]: 1 });
        if (reserved.kind !== "reserved") {
          await after(20 + n);
          continue;
        }
        most = Math.max(most, ++underWay);
        counts[i]!++;
        await after(5 + ((n * 7) % 20));
        underWay--;
        reserved.release();
        await after(n % 5);
      }
    };
    await Promise.all([0, 1, 2].flatMap((i) => Array.from({ length: 8 }, (_, n) => client(i, n))));
    assert.equal(underWay, 0);
    assert.equal(most, 10);
    assert.ok(Math.min(...counts) > 20, counts.join(", "));
    for (const process of processes) await process.shared.close();
    const reader = new Redis(redis.url);
    const left = await reader.exists(`{hw:tenant:acme}:slots:${SLOTS}`);
    reader.disconnect();
    assert.equal(left, 0);
  });

  test("a refused request holds no slot of the cap that had one", async () => {
    await using redis = await startRedis();
    const other = { ...cap(0), name: "key:k under way" };
    await using one = await SharedProcess.start(redis.url, [cap(5), other]);
    for (let i = 0; i < 10; i++)
      assert.equal((await one.reserveSurely({ [SLOTS]: 1, [other.name]: 1 })).kind, "shortage");
    for (let i = 0; i < 5; i++) assert.equal((await one.reserveSurely({ [SLOTS]: 1 })).kind, "reserved");
    assert.equal((await one.reserveSurely({ [SLOTS]: 1 })).kind, "shortage");
  });

  test("a request for several slots gets them, whatever its process has at hand already", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, [cap(9)]);
    for (let n = 1; n <= 9; n++) {
      const reserved = await one.reserveSurely({ [SLOTS]: n });
      assert.ok(reserved.kind === "reserved", reserved.kind);
      assert.ok(one.leases <= n, `${one.leases} calls`);
      reserved.release();
    }
  });

  test("a process that comes later gets its share of a cap that another uses up and would use up again", async () => {
    await using redis = await startRedis();
    const first = new OneGauge(redis.url, 10);
    const later = new OneGauge(redis.url, 10);
    await Promise.all([first, later].map(({ shared }) => shared.connected(5000)));
    let most = 0;
    const endMs = monotonicMs() + 4000;
    const client = async (process: OneGauge): Promise<void> => {
      while (monotonicMs() < endMs) {
        if (await process.take()) {
          most = Math.max(most, first.held + later.held);
          await after(200 + Math.random() * 200);
          process.held--;
        } else await after(30);
      }
    };
    const clients = Array.from({ length: 20 }, () => client(first));
    await after(500);
    clients.push(...Array.from({ length: 20 }, () => client(later)));
    await waitUntil(() => later.held >= 4, "the later one has its share");
    await Promise.all(clients);
    await Promise.all([first.shared.close(), later.shared.close()]);
    assert.equal(most, 10);
  });

  test("a cap that a reload lowers is shared anew, also by who has all of it and asks for nothing", async () => {
    await using redis = await startRedis();
    const first = new OneGauge(redis.url, 10);
    const later = new OneGauge(redis.url, 4);
    await using stack = new AsyncDisposableStack();
    for (const { shared } of [first, later]) stack.defer(() => shared.close());
    await Promise.all([first, later].map(({ shared }) => shared.connected(5000)));
    while (first.held < 4) await first.take();
    first.limit = 4;
    const endMs = monotonicMs() + 5000;
    while (!(await later.take())) {
      assert.ok(monotonicMs() < endMs, `${first.held}`);
      await after(50);
      // One ends and another begins, as long as it may be begun without asking.
      first.held--;
      if (first.held < first.granted) first.held++;
    }
    assert.ok(first.held + later.held <= 4);
  });

  test("what one process has at hand and does not use, another gets within two renewals", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, [cap(8)]);
    await using other = await SharedProcess.start(redis.url, [cap(8)]);
    const held: Reservation[] = [];
    for (let i = 0; i < 8; i++) held.push((await one.reserveSurely({ [SLOTS]: 1 })) as Reservation);
    assert.equal((await other.reserveSurely({ [SLOTS]: 1 })).kind, "shortage");
    for (const reservation of held) reservation.release();
    const startMs = monotonicMs();
    for (let got = 0; got < 8;) {
      if ((await other.reserveSurely({ [SLOTS]: 1 })).kind === "reserved") got++;
      else await after(20);
      assert.ok(monotonicMs() - startMs < 3 * SLOTS_RENEW_MS, `${got} of 8`);
    }
  });

  test("a process that is killed gives its slots back when its lease ends, and not before", async (t) => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, [cap(3)]);
    const child = fork(new URL("../support/shared-holder.ts", import.meta.url), [redis.url, SLOTS, "3"], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    t.after(() => child.kill("SIGKILL"));
    const [said] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [unknown];
    assert.equal(said, "held");
    // Longer than a lease: it is renewed.
    await after(SLOTS_MS + 300);
    assert.equal((await one.reserveSurely({ [SLOTS]: 1 })).kind, "shortage");
    const killedMs = monotonicMs();
    child.kill("SIGKILL");
    await once(child, "exit");
    for (;;) {
      const { kind } = await one.reserveSurely({ [SLOTS]: 3 });
      if (kind === "reserved") break;
      assert.ok(monotonicMs() - killedMs < SLOTS_MS + 1000, kind);
      await after(50);
    }
    assert.ok(monotonicMs() - killedMs > SLOTS_MS - SLOTS_RENEW_MS - 500, `${monotonicMs() - killedMs}`);
  });

  test("slots that are held stay usable while Redis is gone, and are counted again when it is back with nothing", async () => {
    await using redis = await startRedis();
    await using one = await SharedProcess.start(redis.url, [cap(4)]);
    await using other = await SharedProcess.start(redis.url, [cap(4)]);
    const held: Reservation[] = [];
    for (let i = 0; i < 3; i++) held.push((await one.reserveSurely({ [SLOTS]: 1 })) as Reservation);
    await redis.kill();
    await waitUntil(() => one.shared.state === "open" && other.shared.state === "open");
    held.pop()!.release();
    // Its own again, without asking anybody.
    const again = await one.reserve({ [SLOTS]: 1 });
    assert.equal(again.kind, "reserved");
    assert.equal((await other.reserve({ [SLOTS]: 1 })).kind, "unavailable");
    await redis.start();
    await waitUntil(() => one.shared.state === "closed" && other.shared.state === "closed");
    const got: Reservation[] = [];
    const endMs = monotonicMs() + 6000;
    while (got.length < 1 && monotonicMs() < endMs) {
      const reserved = await other.reserve({ [SLOTS]: 1 });
      if (reserved.kind === "reserved") got.push(reserved);
      else await after(20);
    }
    assert.equal(got.length, 1);
    assert.equal((await other.reserveSurely({ [SLOTS]: 1 })).kind, "shortage");
    assert.equal((await one.reserveSurely({ [SLOTS]: 1 })).kind, "shortage");
  });
});
