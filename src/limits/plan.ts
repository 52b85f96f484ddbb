/** A loop's plan: which limits hold for a request, worked out once for each config, so that a request costs four lookups. */
import type { ConfigSnapshot, LimitsConfig, Price, TenantConfig } from "../config/snapshot.ts";
import type { Accounts } from "./accounts.ts";
import type { Charge } from "./limiter.ts";
import { amountOf } from "./measures.ts";
import type { LimitKind, Use } from "./measures.ts";
import { accountName, kindsIn } from "./owners.ts";
import type { LimitOwner } from "./owners.ts";

/** One limit that holds for a request. */
export interface Limit extends Pick<LimitKind, "measure" | "unit"> {
  readonly account: number;
  readonly owner: LimitOwner;
  /** Whether a stream is ended that has used it up. */
  readonly endsStreams: boolean;
}

/** What a request is, as far as limits go. */
export interface LimitedRequest {
  readonly tenant: TenantConfig;
  /** `undefined`: no key was asked for. */
  readonly keyId: string | undefined;
  /** The route's name. */
  readonly model: string;
  /** `undefined`: its limits are no matter. */
  readonly upstream: string | undefined;
}

const NONE: readonly Limit[] = [];

interface TenantLimits {
  readonly own: readonly Limit[];
  /** Of each of its keys. */
  readonly ofKeys: LimitsConfig | undefined;
  readonly byModel: ReadonlyMap<string, readonly Limit[]>;
}

/** See the file's comment. */
export class LimitPlan {
  readonly #accounts: Map<string, number>;
  readonly #tenants = new Map<string, TenantLimits>();
  readonly #upstreams = new Map<string, readonly Limit[]>();
  /** Made when a key is first used. */
  readonly #keys = new Map<string, readonly Limit[]>();

  /** @throws {RangeError} where `accounts` are not those of this config. */
  constructor({ tenants, upstreams }: Pick<ConfigSnapshot, "tenants" | "upstreams">, accounts: Accounts) {
    this.#accounts = new Map(accounts);
    for (const { name: tenant, limits, keyLimits, modelLimits } of tenants.values()) {
      const byModel = [...modelLimits].map(
        ([model, ofModel]) => [model, this.#limitsOf({ kind: "model", tenant, model }, ofModel)] as const,
      );
      const own = this.#limitsOf({ kind: "tenant", tenant }, limits);
      this.#tenants.set(tenant, { own, ofKeys: keyLimits, byModel: new Map(byModel) });
    }
    for (const { name: upstream, limits } of upstreams.values()) {
      this.#upstreams.set(upstream, this.#limitsOf({ kind: "upstream", upstream }, limits));
    }
  }

  /** More accounts: those of new keys, which are to be added before the keys are known. */
  add(accounts: Accounts): void {
    for (const [name, account] of accounts) this.#accounts.set(name, account);
  }

  /**
   * Whether there is such a tenant, and its key has the accounts that it needs. Both may have gone since a request came, with a
   * reload or a key that was revoked.
   */
  knows({ tenant, keyId }: Pick<LimitedRequest, "tenant" | "keyId">): boolean {
    const known = this.#tenants.get(tenant.name);
    if (known === undefined || keyId === undefined) return known !== undefined;
    // It has been asked for before.
    if (this.#keys.has(keyId)) return true;
    const owner: LimitOwner = { kind: "key", tenant: tenant.name, keyId };
    return kindsIn(known.ofKeys).every((kind) => this.#accounts.has(accountName(owner, kind)));
  }

  /**
   * All limits that hold for a request: the upstream's last, so that a refusal names the caller's own where both are used up.
   *
   * @throws {RangeError} where the plan does not {@link knows know} the key.
   */
  limitsFor({ tenant, keyId, model, upstream }: LimitedRequest): RequestLimits {
    const ofTenant = this.#tenants.get(tenant.name);
    const own = ofTenant?.own ?? NONE;
    const ofModel = ofTenant?.byModel.get(model) ?? NONE;
    const ofKey = keyId === undefined ? NONE : this.#keyLimits(tenant.name, keyId, ofTenant?.ofKeys);
    const ofUpstream = upstream === undefined ? NONE : (this.#upstreams.get(upstream) ?? NONE);
    return new RequestLimits([...own, ...ofModel, ...ofKey, ...ofUpstream]);
  }

  #keyLimits(tenant: string, keyId: string, ofKeys: LimitsConfig | undefined): readonly Limit[] {
    if (ofKeys === undefined) return NONE;
    let limits = this.#keys.get(keyId);
    if (limits === undefined) {
      limits = this.#limitsOf({ kind: "key", tenant, keyId }, ofKeys);
      this.#keys.set(keyId, limits);
    }
    return limits;
  }

  #limitsOf(owner: LimitOwner, limits: LimitsConfig | undefined): readonly Limit[] {
    return kindsIn(limits).map((kind) => {
      const name = accountName(owner, kind);
      const account = this.#accounts.get(name);
      if (account === undefined) throw new RangeError(`there is no account ${name}`);
      const endsStreams = limits!.enforce === "stream" && kind.measure !== "requests" && kind.measure !== "concurrency";
      return { account, owner, measure: kind.measure, unit: kind.unit, endsStreams };
    });
  }
}

/** The limits of one request. */
export class RequestLimits {
  /** In the order of all amounts here. */
  readonly limits: readonly Limit[];

  constructor(limits: readonly Limit[]) {
    this.limits = limits;
  }

  /** What is to be reserved for a request that may use so much. @throws {RangeError} where it has no price and a limit on money. */
  charges(use: Use, price: Price | undefined): Charge[] {
    return this.limits.map(({ account, measure }) => ({ account, amount: amountOf(measure, use, price) }));
  }

  /** What a request has used, to settle with. */
  used(use: Use, price: Price | undefined): number[] {
    return this.limits.map(({ measure }) => amountOf(measure, use, price));
  }

  /** Whether a stream may have to be ended. */
  get endStreams(): boolean {
    return this.limits.some(({ endsStreams }) => endsStreams);
  }

  /** How much more is needed of the limits that end streams, where a stream goes on from one use to another; 0 of the rest. */
  more(from: Use, to: Use, price: Price | undefined): number[] {
    return this.limits.map(({ measure, endsStreams }) =>
      endsStreams ? amountOf(measure, to, price) - amountOf(measure, from, price) : 0,
    );
  }

  /** The limit of an account that a shortage names. */
  limitOf(account: number): Limit | undefined {
    return this.limits.find((limit) => limit.account === account);
  }
}
