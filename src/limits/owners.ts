/** Whose limits there are, and which accounts they need: from the config and the keys to definitions. */
import type { ConfigSnapshot, LimitsConfig } from "../config/snapshot.ts";
import type { AccountDefinition } from "./accounts.ts";
import { LIMIT_KINDS, MICRO_USD } from "./measures.ts";
import type { LimitKind } from "./measures.ts";

/** Who has limits. `model` is a route's name. */
export type LimitOwner =
  | { readonly kind: "tenant"; readonly tenant: string }
  | { readonly kind: "key"; readonly tenant: string; readonly keyId: string }
  | { readonly kind: "model"; readonly tenant: string; readonly model: string }
  | { readonly kind: "upstream"; readonly upstream: string };

/** The beginning of the names of an owner's accounts. */
function ownerName(owner: LimitOwner): string {
  if (owner.kind === "tenant") return `tenant:${owner.tenant}`;
  if (owner.kind === "key") return `key:${owner.keyId}`;
  if (owner.kind === "model") return `tenant:${owner.tenant} model:${owner.model}`;
  return `upstream:${owner.upstream}`;
}

/** The kinds of limit that `limits` has. */
export function kindsIn(limits: LimitsConfig | undefined): LimitKind[] {
  return limits === undefined ? [] : LIMIT_KINDS.filter(({ field }) => limits[field] !== undefined);
}

/** The name of one of an owner's accounts. */
export function accountName(owner: LimitOwner, { suffix }: LimitKind): string {
  return `${ownerName(owner)} ${suffix}`;
}

/** The name of the account of an upstream's `max_concurrency` over several processes. No request is charged in it. */
export function slotsAccount(upstream: string): string {
  return `${ownerName({ kind: "upstream", upstream })} slots`;
}

/** The upstream whose {@link slotsAccount} it is; `undefined` where it is a limit. */
export function upstreamOfSlots({ name, group }: Pick<AccountDefinition, "name" | "group">): string | undefined {
  if (!name.endsWith(" slots") || !group.startsWith("upstream:")) return undefined;
  return group.slice("upstream:".length);
}

/**
 * All accounts that a config needs. Of caps of upstreams only where several processes share them: within one the board has them.
 *
 * @param keys that are in use, of the config and of the store; those of tenants that are not there are left out.
 */
export function* accountDefinitions(
  { tenants, upstreams, store }: Pick<ConfigSnapshot, "tenants" | "upstreams" | "store">,
  keys: Iterable<{ readonly tenant: string; readonly keyId: string }>,
): Generator<AccountDefinition> {
  const isShared = store.redis !== undefined;
  for (const { name: tenant, limits, modelLimits } of tenants.values()) {
    yield* definitionsOf({ kind: "tenant", tenant }, limits, isShared);
    for (const [model, ofModel] of modelLimits)
      yield* definitionsOf({ kind: "model", tenant, model }, ofModel, isShared);
  }
  yield* keyDefinitions({ tenants, store }, keys);
  for (const { name: upstream, limits, maxConcurrency } of upstreams.values()) {
    yield* definitionsOf({ kind: "upstream", upstream }, limits, isShared);
    if (!isShared || maxConcurrency === undefined) continue;
    const limit = typeof maxConcurrency === "object" ? maxConcurrency.max : maxConcurrency;
    const [name, group] = [slotsAccount(upstream), `upstream:${upstream}`];
    yield { name, group, kind: "gauge", limit, windowMs: 0, isShared };
  }
}

/** The accounts that keys need. @param keys those of tenants that are not there are left out. */
export function* keyDefinitions(
  { tenants, store }: Pick<ConfigSnapshot, "tenants" | "store">,
  keys: Iterable<{ readonly tenant: string; readonly keyId: string }>,
): Generator<AccountDefinition> {
  for (const { tenant, keyId } of keys) {
    const limits = tenants.get(tenant)?.keyLimits;
    yield* definitionsOf({ kind: "key", tenant, keyId }, limits, store.redis !== undefined);
  }
}

function* definitionsOf(
  owner: LimitOwner,
  limits: LimitsConfig | undefined,
  isShared: boolean,
): Generator<AccountDefinition> {
  const group = owner.kind === "upstream" ? `upstream:${owner.upstream}` : `tenant:${owner.tenant}`;
  for (const kind of kindsIn(limits)) {
    const limit = limits![kind.field]! * (kind.measure === "usd" ? MICRO_USD : 1);
    const { windowMs } = kind;
    yield { name: accountName(owner, kind), group, kind: kind.kind, limit: Math.round(limit), windowMs, isShared };
  }
}
