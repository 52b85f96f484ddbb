/** Makes, lists and revokes keys, for the commands. A gateway that runs sees it: `key-watcher.ts`. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

import { createKey } from "./key.ts";
import { explained, keyDatabaseFile, KeyStoreError, openForWriting } from "./key-database.ts";
import type { KeyRecord } from "./key-record.ts";

/** Usable keys at a time; every loop holds them all. */
export const MAX_KEYS = 100_000;

/** How long a key is listed that was revoked or has expired. */
const KEPT_MS = 90 * 24 * 3_600_000;

/** What a new key is for. */
export type KeyRequest = Pick<KeyRecord, "tenant" | "models" | "expiresAtMs">;

/** A key as it is listed, usable or not. */
export interface StoredKey extends Omit<KeyRecord, "digest"> {
  /** Wall clock, milliseconds since 1970, like the others. */
  readonly createdAtMs: number;
  readonly revokedAtMs: number | undefined;
}

/** See the file's comment. Every method may throw KeyStoreError. */
export class KeyStore {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #purge: StatementSync;
  readonly #all: StatementSync;
  readonly #find: StatementSync;
  readonly #revoke: StatementSync;

  /** @param directory `store.path`, absolute; made if need be. @throws KeyStoreError */
  constructor(directory: string) {
    this.#file = keyDatabaseFile(directory);
    this.#database = openForWriting(directory);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#insert = prepare(`
      INSERT INTO keys (id, digest, tenant, models, created_at_ms, expires_at_ms, change)
      SELECT :id, :digest, :tenant, :models, :now, :expires, (SELECT coalesce(max(change), 0) + 1 FROM keys)
      WHERE (SELECT count(*) FROM keys WHERE revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > :now)) < :most
      ON CONFLICT (id) DO NOTHING`);
    this.#purge = prepare("DELETE FROM keys WHERE revoked_at_ms < :before OR expires_at_ms < :before");
    this.#all = prepare("SELECT * FROM keys ORDER BY created_at_ms, id");
    this.#find = prepare("SELECT * FROM keys WHERE id = ?");
    this.#revoke = prepare(`
      UPDATE keys SET revoked_at_ms = :now, change = (SELECT max(change) + 1 FROM keys)
      WHERE id = :id AND revoked_at_ms IS NULL`);
  }

  /** Makes a key. @returns the key, which nobody can tell again, and what is listed of it. */
  create(request: KeyRequest, nowMs: number): { readonly key: string; readonly stored: StoredKey } {
    return explained(this.#file, () => {
      const { id, key, digest } = createKey();
      const models = request.models === undefined ? null : JSON.stringify(request.models);
      const expires = request.expiresAtMs ?? null;
      const row = { id, digest, tenant: request.tenant, models, now: nowMs, expires, most: MAX_KEYS };
      if (this.#insert.run(row).changes === 0) {
        // Two ids alike in 62^8 are not worth a second try.
        throw new KeyStoreError(`there are ${MAX_KEYS} keys already, or, hardly, one with this id: try again`);
      }
      // Now that another row has the latest change: the number of one must not come again.
      this.#purge.run({ before: nowMs - KEPT_MS });
      return { key, stored: toStoredKey(this.#find.get(id)!) };
    });
  }

  /** All keys, the oldest first; those that were revoked or expired for 90 days. */
  list(): StoredKey[] {
    return explained(this.#file, () => this.#all.all().map(toStoredKey));
  }

  /** Revokes a key, once and for all. @returns the key, and whether it was revoked only now; `undefined`: no such key. */
  revoke(id: string, nowMs: number): { readonly stored: StoredKey; readonly isNew: boolean } | undefined {
    return explained(this.#file, () => {
      const isNew = this.#revoke.run({ id, now: nowMs }).changes === 1;
      const row = this.#find.get(id);
      return row === undefined ? undefined : { stored: toStoredKey(row), isNew };
    });
  }

  close(): void {
    this.#database.close();
  }
}

/** As SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** A row's key. @throws where somebody else has written it and it is none. */
export function toKeyRecord(row: Row): KeyRecord {
  const models = row["models"];
  return {
    id: String(row["id"]),
    digest: String(row["digest"]),
    tenant: String(row["tenant"]),
    models: typeof models === "string" ? (JSON.parse(models) as readonly string[]) : undefined,
    expiresAtMs: toTime(row["expires_at_ms"]),
  };
}

function toStoredKey(row: Row): StoredKey {
  const { digest: _, ...key } = toKeyRecord(row);
  return { ...key, createdAtMs: Number(row["created_at_ms"]), revokedAtMs: toTime(row["revoked_at_ms"]) };
}

function toTime(value: unknown): number | undefined {
  return value === null ? undefined : Number(value);
}
