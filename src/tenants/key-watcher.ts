/**
 * Follows the store's keys while commands change them: on the main thread, which tells the loops.
 *
 * SQLite says by one number whether anybody else has written (`PRAGMA data_version`, 9 µs; no file is read). Only then are keys
 * read, and only those that have changed.
 */
import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";

import { explained, isBusy, keyDatabaseFile, openForReading } from "./key-database.ts";
import type { KeyChanges, KeyRecord } from "./key-record.ts";
import { toKeyRecord } from "./key-store.ts";
import type { Row } from "./key-store.ts";

/** A change is seen within this time, and by the loops a message later. */
const POLL_INTERVAL_MS = 100;

/** Changes that are read at one look, so that a command that makes thousands of keys does not hold up the main thread. */
const MAX_ROWS = 1000;
/** SQLite's word for no limit. A file that was just opened is read whole: half of its keys would refuse the other half. */
const ALL_ROWS = -1;

interface KeyWatcherOptions {
  /** `store.path`, absolute. Nothing is made there: the first command that makes a key does. */
  readonly directory: string;
  /** Called for each change after the constructor has returned. */
  readonly onChange: (changes: KeyChanges) => void;
  /** The store can't be read; keys stay as they were known. Called when the reason changes, not each time. */
  readonly onFault: (message: string) => void;
}

/** An open file, and how far it has been read. */
interface Following {
  readonly identity: string;
  readonly database: DatabaseSync;
  readonly dataVersion: StatementSync;
  readonly changedSince: StatementSync;
  readVersion: unknown;
  lastChange: number;
}

/** See the file's comment. */
export class KeyWatcher {
  readonly #options: KeyWatcherOptions;
  readonly #file: string;
  readonly #records = new Map<string, KeyRecord>();
  readonly #timer: NodeJS.Timeout;
  #following: Following | null = null;
  #fault: string | null = null;

  /** Reads all keys; from then on it follows them. Does not keep the process alive. */
  constructor(options: KeyWatcherOptions) {
    this.#options = options;
    this.#file = keyDatabaseFile(options.directory);
    this.#poll(() => {});
    this.#timer = setInterval(() => this.#poll(options.onChange), POLL_INTERVAL_MS).unref();
  }

  /** The keys that may be used at `nowMs`, wall clock: what a new loop begins with. */
  records(nowMs: number): KeyRecord[] {
    for (const { digest, expiresAtMs } of this.#records.values()) {
      if (expiresAtMs !== undefined && expiresAtMs <= nowMs) this.#records.delete(digest);
    }
    return [...this.#records.values()];
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unfollow();
  }

  #unfollow(): void {
    const following = this.#following;
    this.#following = null;
    following?.database.close();
  }

  #poll(onChange: (changes: KeyChanges) => void): void {
    try {
      const changes = explained(this.#file, () => this.#look());
      this.#fault = null;
      if (changes !== null) onChange(changes);
    } catch (error) {
      // A command is making the file or closing it; it will be done at the next look.
      if (isBusy(error)) return;
      this.#unfollow();
      const { message } = error as Error;
      if (message !== this.#fault) this.#options.onFault(message);
      this.#fault = message;
    }
  }

  #look(): KeyChanges | null {
    const identity = fileIdentity(this.#file);
    if (this.#following?.identity !== identity) {
      this.#unfollow();
      this.#following = identity === null ? null : follow(this.#options.directory, identity);
    }
    // Another file has other keys; one that is gone has none, as it would after a restart; one that is being made is not there yet.
    const isOther = this.#following === null ? identity === null : this.#following.readVersion === undefined;
    const reset = isOther && this.#records.size > 0;
    const rows = this.#following === null ? [] : readChanged(this.#following);
    if (!reset && rows.length === 0) return null;
    const added = rows.filter(isUsable).map(toKeyRecord);
    const revoked = rows.filter((row) => !isUsable(row)).map((row) => toKeyRecord(row).digest);
    if (reset) this.#records.clear();
    for (const record of added) this.#records.set(record.digest, record);
    for (const digest of revoked) this.#records.delete(digest);
    return { reset, added, revoked };
  }
}

/** Tells one file from another of the same name, also where the inode's number comes again. `null`: there is none. */
function fileIdentity(file: string): string | null {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

function follow(directory: string, identity: string): Following | null {
  const database = openForReading(directory);
  if (database === null) return null;
  return {
    identity,
    database,
    dataVersion: database.prepare("PRAGMA data_version"),
    changedSince: database.prepare("SELECT * FROM keys WHERE change > ? ORDER BY change LIMIT ?"),
    readVersion: undefined,
    lastChange: 0,
  };
}

function readChanged(following: Following): Row[] {
  // Before the rows: what is written in between changes it again.
  const version = following.dataVersion.get()?.["data_version"];
  if (version === following.readVersion) return [];
  const most = following.readVersion === undefined ? ALL_ROWS : MAX_ROWS;
  const rows = following.changedSince.all(following.lastChange, most);
  following.lastChange = Number(rows.at(-1)?.["change"] ?? following.lastChange);
  if (rows.length !== most) following.readVersion = version;
  return rows;
}

function isUsable(row: Row): boolean {
  return row["revoked_at_ms"] === null;
}
