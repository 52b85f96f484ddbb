/**
 * Limits as the main thread keeps them: the ledger that all loops reserve in, its accounts, what is shared with other processes by way
 * of Redis, and budgets that outlive the process.
 */
import { accountDefinitions, keyDefinitions, slotsAccount } from "../limits/owners.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { AccountDefinition, Accounts } from "../limits/accounts.ts";
import { BudgetFile } from "../limits/budget-file.ts";
import { LedgerKeeper } from "../limits/ledger-keeper.ts";
import { SteadyWallClock } from "../limits/ledger-state.ts";
import type { Charge, SliceReturn } from "../limits/limiter.ts";
import type { BreakerState } from "../limits/redis/breaker.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";
import { SharedLimits } from "../limits/redis/shared-limits.ts";
import type { Log } from "../observe/log.ts";
import { configKeyId } from "../tenants/directory.ts";
import type { KeyRecord } from "../tenants/key-record.ts";
import type { Broker } from "./broker.ts";
import { SlotKeeper } from "./slot-keeper.ts";

/** How often budgets are written; so much of them may be lost with the process. */
const SAVE_MS = 5000;
/** Room for later configs and keys. */
const MIN_ACCOUNTS = 4096;
const ROOM_FACTOR = 4;
/** At the start nobody is served before Redis has answered, for so long. */
const CONNECT_MS = 1000;

interface ProcessLimitsOptions {
  readonly config: ConfigSnapshot;
  /** Keys of the store. */
  readonly keys: () => readonly KeyRecord[];
  /** Loops that can run at a time. */
  readonly rows: number;
  readonly log: Log;
  /** Whose caps are to hold over all processes. */
  readonly broker: Broker;
}

/** See the file's comment. */
export class ProcessLimits {
  readonly #keeper: LedgerKeeper;
  readonly #keys: () => readonly KeyRecord[];
  readonly #log: Log;
  readonly #budgets: BudgetFile;
  readonly #clock = new SteadyWallClock(() => ({ nowMs: monotonicMs(), wallMs: Date.now() }));
  readonly #shared: SharedLimits | null;
  readonly #timer: NodeJS.Timeout;
  #config: ConfigSnapshot;
  #accounts: Accounts;
  #redisState: BreakerState | null = null;
  #saidThatRedisIsAway = false;
  #keepsBudgets = true;

  constructor({ config, keys, rows, log, broker }: ProcessLimitsOptions) {
    this.#config = config;
    this.#keys = keys;
    this.#log = log;
    this.#budgets = new BudgetFile(config.store.path);
    const definitions = this.#definitions(config);
    this.#keeper = new LedgerKeeper({ rows, accounts: Math.max(MIN_ACCOUNTS, ROOM_FACTOR * definitions.length) });
    this.#accounts = this.#keeper.define(definitions);
    this.#restore();
    this.#shared = config.store.redis === undefined ? null : this.#share(config.store.redis, broker);
    this.#timer = setInterval(() => this.#save(), SAVE_MS).unref();
  }

  /** For the loops to attach. */
  get buffer(): SharedArrayBuffer {
    return this.#keeper.buffer;
  }

  /** Of the present config and keys. */
  get accounts(): Accounts {
    return this.#accounts;
  }

  /** Whether Redis answers; `null` where there is none. */
  get redisState(): BreakerState | null {
    return this.#redisState;
  }

  /** Resolves when what is shared can be had, or after a moment. */
  async ready(): Promise<void> {
    if (this.#shared === null || (await this.#shared.connected(CONNECT_MS))) return;
    this.#onRedis(this.#shared.state, this.#shared.reason);
  }

  /** @returns the accounts of another config. @throws {RangeError} where they do not fit; the old ones stay. */
  reload(config: ConfigSnapshot): Accounts {
    this.#accounts = this.#keeper.define(this.#definitions(config));
    this.#config = config;
    return this.#accounts;
  }

  /** New keys are about to be known. @returns their accounts; those of keys that are gone stay until the next {@link reload}. */
  addKeys(keys: readonly KeyRecord[]): Accounts {
    const owners = keys.map(({ id, tenant }) => ({ tenant, keyId: id }));
    try {
      const added = this.#keeper.add(keyDefinitions(this.#config, owners));
      this.#accounts = new Map([...this.#accounts, ...added]);
      return added;
    } catch (error) {
      this.#log.error(
        { err: error },
        "there is no room for the limits of new keys, which can't be used until a restart",
      );
      return new Map();
    }
  }

  /** Accounts of configs whose calls are over are free again. */
  retire(): void {
    this.#keeper.retire();
  }

  /** A row for a new loop. @throws {Error} where none is free. */
  claimRow(): number {
    return this.#keeper.claimRow();
  }

  /** A loop has ended: what it held is given back. */
  recover(row: number): void {
    this.#keeper.recover(row);
  }

  /** More of shared accounts. Never rejects. */
  async lease(needs: readonly Charge[]): Promise<LeaseResult> {
    return (await this.#shared?.lease(needs)) ?? { kind: "unavailable", retryInMs: 1000 };
  }

  /** What a loop settled too late for its slice. */
  giveBack(late: SliceReturn): void {
    this.#shared?.giveBack([late]);
  }

  /** For when no loop runs any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#save();
    await this.#shared?.close();
  }

  #definitions(config: ConfigSnapshot): AccountDefinition[] {
    const ofConfig = [...config.tenants.values()].flatMap(({ name: tenant, keyHashes }) =>
      keyHashes.map((digest) => ({ tenant, keyId: configKeyId(digest) })),
    );
    const ofStore = this.#keys().map(({ id, tenant }) => ({ tenant, keyId: id }));
    return [...accountDefinitions(config, [...ofConfig, ...ofStore])];
  }

  #share(url: string, broker: Broker): SharedLimits {
    broker.borrowFrom((upstream, slots) => this.#lendSlots(upstream, slots));
    return new SharedLimits({
      url,
      keeper: new SlotKeeper(this.#keeper, broker),
      account: (index) => {
        const definition = this.#keeper.definitionOf(index);
        if (definition === undefined || !definition.isShared) return undefined;
        const { name, group, limit, kind, windowMs } = definition;
        return { name, group, limit, windowMs: kind === "gauge" ? null : windowMs };
      },
      onState: (state, reason) => this.#onRedis(state, reason),
    });
  }

  #onRedis(state: BreakerState, reason: string | null): void {
    this.#redisState = state;
    if (state === "closed") {
      this.#saidThatRedisIsAway = false;
      this.#log.info({ redis: state }, "limits are shared by way of Redis");
    } else if (state === "open" && !this.#saidThatRedisIsAway) {
      // While Redis is away it is tried four times a second, which is no news.
      this.#saidThatRedisIsAway = true;
      this.#log.warn({ redis: state, reason }, "Redis does not answer: limits hold with what this process has of them");
    }
  }

  async #lendSlots(upstream: string, slots: number): Promise<void> {
    const account = this.#accounts.get(slotsAccount(upstream));
    if (account !== undefined) await this.lease([{ account, amount: slots }]);
  }

  #restore(): void {
    try {
      const restored = this.#keeper.restore(this.#budgets.read(), this.#clock.moment());
      if (restored > 0)
        this.#log.info({ budgets: restored, file: this.#budgets.path }, "budgets go on where they were");
    } catch (error) {
      this.#log.error({ err: error, file: this.#budgets.path }, "the saved budgets can't be read; they begin anew");
      return;
    }
    this.#save();
  }

  #save(): void {
    if (!this.#keepsBudgets) return;
    try {
      this.#keepsBudgets = this.#budgets.write(this.#keeper.save(this.#clock.moment()));
      if (this.#keepsBudgets) return;
      this.#log.warn(
        { file: this.#budgets.path },
        "a process that started later keeps the budgets of this store; what this one uses is not saved any more",
      );
    } catch (error) {
      this.#log.error({ err: error, file: this.#budgets.path }, "budgets can't be saved");
    }
  }
}
