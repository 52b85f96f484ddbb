/**
 * A loop's directory of keys: which tenant a credential belongs to.
 *
 * A credential is hashed and its digest looked up, so no secret is ever compared, and how long that takes says nothing about any
 * key. Keys of the config and of the store stand together.
 */
import type { ConfigSnapshot, TenantConfig } from "../config/snapshot.ts";
import { ANONYMOUS_TENANT } from "../config/tenants.ts";
import { GatewayError } from "../core/errors.ts";
import { Identity } from "./identity.ts";
import { keyDigest } from "./key.ts";
import type { KeyChanges, KeyRecord } from "./key-record.ts";

/** Longer credentials are none of ours and are not hashed. */
const LONGEST_CREDENTIAL = 512;

/** So many keys may have expired before the directory is searched for them. */
const LEAST_SWEEP = 1024;

/** The part of a config that the directory reads. */
type DirectoryConfig = Pick<ConfigSnapshot, "auth" | "tenants">;

/** The id of a key that the config holds as a digest; no id of the store has a `-`. */
export function configKeyId(digest: string): string {
  return `sha256-${digest.slice(0, 12)}`;
}

/** See the file's comment. */
export class KeyDirectory {
  #tenants: ReadonlyMap<string, TenantConfig>;
  #anonymous: Identity | null;
  #ofConfig: ReadonlyMap<string, Identity>;
  readonly #stored = new Map<string, KeyRecord>();
  /** Made when a key is first used. */
  #identities = new Map<string, Identity>();
  #sweepAt = LEAST_SWEEP;

  /** @param keys of the store, as it is now. @default none */
  constructor(config: DirectoryConfig, keys: readonly KeyRecord[] = []) {
    this.#tenants = config.tenants;
    this.#anonymous = anonymousOf(config);
    this.#ofConfig = identitiesOf(config);
    this.apply({ reset: false, added: keys, revoked: [] });
  }

  /** Keys of the store that are known here, expired ones among them until they are swept. */
  get stored(): number {
    return this.#stored.size;
  }

  /**
   * Who sends `credential`. O(1); one hash.
   *
   * @param nowMs wall clock, milliseconds since 1970.
   * @returns the identity, `key_missing` or `key_invalid`. Where no key is asked for, everybody is `anonymous`.
   */
  identify(credential: string | undefined, nowMs: number): Identity | GatewayError {
    if (this.#anonymous !== null) return this.#anonymous;
    if (credential === undefined) return new GatewayError("key_missing");
    const identity = credential.length > LONGEST_CREDENTIAL ? undefined : this.#find(keyDigest(credential));
    if (identity === undefined) return new GatewayError("key_invalid");
    if (identity.expiresAtMs <= nowMs)
      return new GatewayError("key_invalid", { detail: `${identity.keyId} has expired` });
    return identity;
  }

  #find(digest: string): Identity | undefined {
    const known = this.#ofConfig.get(digest) ?? this.#identities.get(digest);
    if (known !== undefined) return known;
    const record = this.#stored.get(digest);
    const tenant = record === undefined ? undefined : this.#tenants.get(record.tenant);
    if (record === undefined || tenant === undefined) return undefined;
    const identity = new Identity(tenant, record);
    this.#identities.set(digest, identity);
    return identity;
  }

  /** Takes over another config; keys of the store stay. */
  reload(config: DirectoryConfig): void {
    this.#tenants = config.tenants;
    this.#anonymous = anonymousOf(config);
    this.#ofConfig = identitiesOf(config);
    this.#identities = new Map();
  }

  /** Takes over what has changed in the store. @param nowMs wall clock; what has expired by then may be forgotten. */
  apply({ reset, added, revoked }: KeyChanges, nowMs = Date.now()): void {
    if (reset) {
      this.#stored.clear();
      this.#identities.clear();
    }
    for (const record of added) {
      this.#stored.set(record.digest, record);
      this.#identities.delete(record.digest);
    }
    for (const digest of revoked) this.#forget(digest);
    if (this.#stored.size < this.#sweepAt) return;
    for (const { digest, expiresAtMs } of this.#stored.values()) {
      if (expiresAtMs !== undefined && expiresAtMs <= nowMs) this.#forget(digest);
    }
    // At twice what is left, so that a key costs the sweeps that it is in one look each time it has doubled.
    this.#sweepAt = Math.max(LEAST_SWEEP, 2 * this.#stored.size);
  }

  #forget(digest: string): void {
    this.#stored.delete(digest);
    this.#identities.delete(digest);
  }
}

function anonymousOf({ auth, tenants }: DirectoryConfig): Identity | null {
  return auth.required ? null : new Identity(tenants.get(ANONYMOUS_TENANT)!);
}

function identitiesOf({ tenants }: DirectoryConfig): Map<string, Identity> {
  const identities = new Map<string, Identity>();
  for (const tenant of tenants.values()) {
    for (const digest of tenant.keyHashes) identities.set(digest, new Identity(tenant, { id: configKeyId(digest) }));
  }
  return identities;
}
