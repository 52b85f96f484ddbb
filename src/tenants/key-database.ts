/** The file that keys are kept in: `headwaiter.db` in the store's directory, SQLite, write-ahead log. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Of the tables below; a file of a later one is not touched. */
const SCHEMA_VERSION = 1;

/** How long a command waits for another that writes. */
const WRITER_TIMEOUT_MS = 5000;

/**
 * `change` grows with every change of any key, so that whoever knows the keys up to one change can ask for those that came after.
 * Times are milliseconds since 1970, `models` is a JSON array.
 */
const SCHEMA = `
  CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    models TEXT,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER,
    change INTEGER NOT NULL UNIQUE
  ) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The store can't be used; the message says which file and why. */
export class KeyStoreError extends Error {}

/** Where the keys of a store are. @param directory `store.path`, absolute. */
export function keyDatabaseFile(directory: string): string {
  return join(directory, "headwaiter.db");
}

/** Opens the file for a command, and makes it, with its directory, where there is none. @throws KeyStoreError */
export function openForWriting(directory: string): DatabaseSync {
  const file = keyDatabaseFile(directory);
  return explained(file, () => {
    // For its owner alone: it holds no secret, but says who may do what.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    closeSync(openSync(file, "a", 0o600));
    const database = new DatabaseSync(file, { timeout: WRITER_TIMEOUT_MS });
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
      if (schemaVersion(database) === 0) database.exec(SCHEMA);
      database.exec("COMMIT");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Opens the file to read; it waits for nobody. @returns `null` while it is not made whole. @throws KeyStoreError */
export function openForReading(directory: string): DatabaseSync | null {
  const file = keyDatabaseFile(directory);
  return explained(file, () => {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    try {
      if (schemaVersion(database) > 0) return database;
    } catch (error) {
      database.close();
      throw error;
    }
    database.close();
    return null;
  });
}

function schemaVersion(database: DatabaseSync): number {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > SCHEMA_VERSION) throw new Error("it was written by a later version of the gateway");
  return version;
}

/** Whether an error of SQLite's only says that somebody else is at it: SQLITE_BUSY and SQLITE_LOCKED, in all their kinds. */
export function isBusy(error: unknown): boolean {
  const code = error instanceof KeyStoreError ? error.cause : error;
  const number = (code as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof number === "number" && [5, 6].includes(number & 0xff);
}

/** Runs `work`; its error says which file it is about. @throws KeyStoreError */
export function explained<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    throw new KeyStoreError(`${file}: ${(error as Error).message}`, { cause: error });
  }
}
