/** Parsed tenants → the snapshot's. */
import type { TenantSettings } from "./schema.ts";
import type { TenantConfig } from "./snapshot.ts";

/** The tenant of every client where no key is asked for. */
export const ANONYMOUS_TENANT = "anonymous";

/** What a tenant is that the config does not describe. */
const ANONYMOUS: TenantConfig = {
  name: ANONYMOUS_TENANT,
  keyHashes: [],
  weight: 1,
  priority: "interactive",
  models: undefined,
  onDisconnect: "cancel",
  limits: undefined,
  keyLimits: undefined,
  modelLimits: new Map(),
};

/** The tenants by name; with `anonymous` where no key is asked for, as the config describes it or else without limits. */
export function buildTenants(
  settings: ReadonlyMap<string, TenantSettings> | undefined,
  authRequired: boolean,
): ReadonlyMap<string, TenantConfig> {
  const tenants = new Map<string, TenantConfig>();
  for (const [name, { keyHashes = [], modelLimits = new Map<string, never>(), ...tenant }] of settings ?? []) {
    tenants.set(name, { name, keyHashes, modelLimits, ...tenant });
  }
  if (!authRequired && !tenants.has(ANONYMOUS_TENANT)) tenants.set(ANONYMOUS_TENANT, ANONYMOUS);
  return tenants;
}
