/** Limits over several processes, here each with one loop, and a real Redis between them. */
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import { LedgerKeeper } from "../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import type { Charge, Reservation, Shortage } from "../../src/limits/limiter.ts";
import { SharedLimits } from "../../src/limits/redis/shared-limits.ts";
import { SLICE_MS, SLOTS_RENEW_MS } from "../../src/limits/redis/timing.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import { limiterConformance } from "./limiter.ts";

const WINDOW_MS = 1200;
/** A machine that has too much to do may answer too late; what is tested here is what is answered. */
const PATIENCE_MS = 5000;

limiterConformance({
  name: "Redis",
  skip: noRedis(),
  windowMs: WINDOW_MS,
  lateMs: SLICE_MS + 500,
  returnMs: Math.max(SLICE_MS, SLOTS_RENEW_MS) + 500,
  async open(definitions, parties) {
    const redis = await startRedis();
    const all = await Promise.all(
      Array.from({ length: parties }, async () => {
        const keeper = new LedgerKeeper({ rows: 1, accounts: 8 });
        keeper.define(definitions.map((definition) => ({ ...definition, isShared: true })));
        const limits = new SharedLimits({
          url: redis.url,
          keeper,
          account: (index) => {
            const account = keeper.definitionOf(index);
            return account && { ...account, windowMs: account.kind === "gauge" ? null : account.windowMs };
          },
          onState: () => {},
        });
        await limits.connected(PATIENCE_MS);
        return { limits, ledger: Ledger.attach(keeper.buffer, keeper.claimRow()) };
      }),
    );
    return {
      async reserve(party: number, charges: readonly Charge[]): Promise<Reservation | Shortage> {
        const { ledger, limits } = all[party]!;
        const endMs = monotonicMs() + PATIENCE_MS;
        while (monotonicMs() < endMs) {
          const answer = ledger.reserve(charges, monotonicMs());
          if (answer.kind === "reserved" || answer.kind === "shortage") return answer;
          if (answer.kind === "busy") continue;
          const lease = await limits.lease(answer.needs);
          if (lease.kind === "shortage") return lease;
          if (lease.kind === "unavailable") await sleep(lease.retryInMs);
        }
        throw new Error("Redis has not answered");
      },
      nowMs: monotonicMs,
      pass: (ms: number) => sleep(ms),
      async [Symbol.asyncDispose]() {
        await Promise.all(all.map(({ limits }) => limits.close()));
        await redis[Symbol.asyncDispose]();
      },
    };
  },
});
