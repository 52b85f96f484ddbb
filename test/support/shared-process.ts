/**
 * What a process has of limits that it shares with others: a ledger, one loop's part of it, and the connection to Redis. Several of
 * them in one test are as many processes to Redis.
 */
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import type { AccountDefinition } from "../../src/limits/accounts.ts";
import { LedgerKeeper } from "../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import type { Charge, Refusal, Reservation } from "../../src/limits/limiter.ts";
import type { BreakerState } from "../../src/limits/redis/breaker.ts";
import type { Unavailable } from "../../src/limits/redis/lease-waiter.ts";
import { SharedLimits } from "../../src/limits/redis/shared-limits.ts";

/** A limit, and which others are decided on with it. */
export type SharedDefinition = Omit<AccountDefinition, "isShared"> & { readonly group: string };

/** A minute's limit of tenant acme. */
export function perMinute(what: string, limit: number): SharedDefinition {
  return { name: `tenant:acme ${what}/1m`, group: "tenant:acme", kind: "rate", limit, windowMs: 60_000 };
}

/** Asking again finds what another request of this process has taken meanwhile; so often. */
const MAX_TRIES = 200;
const PATIENCE_MS = 10_000;

/** See the file's comment. */
export class SharedProcess implements AsyncDisposable {
  readonly keeper: LedgerKeeper;
  readonly ledger: Ledger;
  readonly shared: SharedLimits;
  /** Every state of the breaker so far. */
  readonly states: BreakerState[] = [];
  /** Calls for a lease so far. */
  leases = 0;
  readonly #accounts: ReadonlyMap<string, number>;

  constructor(url: string, definitions: readonly SharedDefinition[]) {
    this.keeper = new LedgerKeeper({ rows: 1, accounts: 64 });
    this.#accounts = this.keeper.define(definitions.map((definition) => ({ ...definition, isShared: true })));
    const byIndex = new Map(definitions.map((definition) => [this.index(definition.name), definition]));
    this.ledger = Ledger.attach(this.keeper.buffer, this.keeper.claimRow(), {
      onLateReturn: (late) => this.shared.giveBack([late]),
    });
    this.shared = new SharedLimits({
      url,
      keeper: this.keeper,
      account: (index) => {
        const found = byIndex.get(index);
        return found && { ...found, windowMs: found.kind === "gauge" ? null : found.windowMs };
      },
      onState: (state) => this.states.push(state),
    });
  }

  /** Starts one and waits until Redis has answered it. */
  static async start(url: string, definitions: readonly SharedDefinition[]): Promise<SharedProcess> {
    const process = new SharedProcess(url, definitions);
    if (!(await process.shared.connected(5000))) throw new Error("Redis does not answer");
    return process;
  }

  /** An account's index. */
  index(name: string): number {
    const index = this.#accounts.get(name);
    if (index === undefined) throw new Error(`no account ${name}`);
    return index;
  }

  /** What a loop does for a request: reserves, and where the slices are too small gets more and tries again. */
  async reserve(amounts: Readonly<Record<string, number>>): Promise<Reservation | Refusal | Unavailable> {
    const charges: Charge[] = Object.entries(amounts).map(([name, amount]) => ({ account: this.index(name), amount }));
    let reserved = this.ledger.reserve(charges, monotonicMs());
    for (let tries = 0; tries < MAX_TRIES && reserved.kind === "refill"; tries++) {
      this.leases++;
      const leased = await this.shared.lease(reserved.needs);
      if (leased.kind !== "granted") return leased;
      reserved = this.ledger.reserve(charges, monotonicMs());
    }
    return reserved;
  }

  /** The same where Redis works: that it is late once because this machine is busy is not what the test is about. */
  async reserveSurely(amounts: Readonly<Record<string, number>>): Promise<Reservation | Refusal> {
    const endMs = monotonicMs() + PATIENCE_MS;
    for (;;) {
      const reserved = await this.reserve(amounts);
      if (reserved.kind !== "unavailable" && reserved.kind !== "busy") return reserved;
      if (monotonicMs() > endMs) throw new Error(`Redis does not answer: ${this.states.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shared.close();
  }
}
