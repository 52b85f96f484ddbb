/** A key of the store as loops know it, and what they are told when keys change. Plain data: it crosses threads. */

/** A key that may be used. */
export interface KeyRecord {
  readonly id: string;
  /** SHA-256 of the key, 64 hex digits. */
  readonly digest: string;
  /** A name; the config may have no such tenant any more. */
  readonly tenant: string;
  /** Names and patterns with one `*`, besides what the tenant may; `undefined`: all that the tenant may. */
  readonly models: readonly string[] | undefined;
  /** Wall clock, milliseconds since 1970; `undefined`: never. */
  readonly expiresAtMs: number | undefined;
}

/** What is different since the last time. */
export interface KeyChanges {
  /** Whether all keys of before are void first. */
  readonly reset: boolean;
  /** New ones. */
  readonly added: readonly KeyRecord[];
  /** Digests of those that were revoked. */
  readonly revoked: readonly string[];
}
