import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";

import { keyDatabaseFile, KeyStoreError } from "../../../src/tenants/key-database.ts";
import { KeyStore, MAX_KEYS } from "../../../src/tenants/key-store.ts";
import type { KeyRequest } from "../../../src/tenants/key-store.ts";
import { temporaryDirectory } from "../config/temporary-directory.ts";

const DAY_MS = 86_400_000;
const FOR_A: KeyRequest = { tenant: "a", models: undefined, expiresAtMs: undefined };

function storeIn(context: TestContext, directory: string): KeyStore {
  const store = new KeyStore(directory);
  context.after(() => store.close());
  return store;
}

test("a key is listed as it was made, also after the store was closed", (context) => {
  const directory = join(temporaryDirectory(context), "below", "here");
  const first = new KeyStore(directory);
  const { stored } = first.create({ tenant: "a", models: ["m", "x-*"], expiresAtMs: 9 }, 5);
  first.close();
  const store = storeIn(context, directory);
  assert.deepEqual(store.list(), [stored]);
  assert.deepEqual(stored, {
    id: stored.id,
    tenant: "a",
    models: ["m", "x-*"],
    createdAtMs: 5,
    expiresAtMs: 9,
    revokedAtMs: undefined,
  });
});

test("no file of the store holds a key, and only its owner reads them", (context) => {
  const directory = join(temporaryDirectory(context), "data");
  const { key } = storeIn(context, directory).create(FOR_A, 1);
  const secret = key.slice("hw_12345678_".length);
  const files = readdirSync(directory);
  assert.ok(files.includes("headwaiter.db"));
  for (const file of files) {
    assert.ok(!readFileSync(join(directory, file)).includes(secret), file);
    assert.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
  }
  assert.equal(statSync(directory).mode & 0o077, 0);
});

test("a key is revoked once; the second time says when the first was", (context) => {
  const store = storeIn(context, temporaryDirectory(context));
  const { id } = store.create(FOR_A, 1).stored;
  assert.deepEqual([store.revoke(id, 7)?.isNew, store.revoke(id, 8)?.isNew], [true, false]);
  assert.equal(store.list()[0]?.revokedAtMs, 7);
  assert.equal(store.revoke("nobody", 9), undefined);
});

test("text that would be SQL is text", (context) => {
  const store = storeIn(context, temporaryDirectory(context));
  const evil = `'); DROP TABLE keys; --"`;
  store.create({ tenant: evil, models: [evil], expiresAtMs: undefined }, 1);
  assert.equal(store.revoke(evil, 2), undefined);
  assert.deepEqual([store.list()[0]?.tenant, store.list()[0]?.models], [evil, [evil]]);
});

test(`there are ${MAX_KEYS} usable keys at most; expired and revoked ones leave room`, (context) => {
  const directory = temporaryDirectory(context);
  const store = storeIn(context, directory);
  const database = new DatabaseSync(keyDatabaseFile(directory));
  context.after(() => database.close());
  database.exec(`
    INSERT INTO keys (id, digest, tenant, created_at_ms, expires_at_ms, change)
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MAX_KEYS})
    SELECT i, i, 'a', 0, CASE i WHEN 1 THEN 100 END, i FROM n`);
  assert.throws(() => store.create(FOR_A, 99), KeyStoreError);
  const { stored } = store.create(FOR_A, 100);
  assert.throws(() => store.create(FOR_A, 101), KeyStoreError);
  store.revoke(stored.id, 102);
  store.create(FOR_A, 103);
});

test("keys that were revoked or have expired are dropped after 90 days, and no change's number comes again", (context) => {
  const directory = temporaryDirectory(context);
  const store = storeIn(context, directory);
  const changes = (): unknown[] => {
    const database = new DatabaseSync(keyDatabaseFile(directory), { readOnly: true });
    const rows = database.prepare("SELECT change FROM keys ORDER BY change").all();
    database.close();
    return rows.map(({ change }) => change);
  };
  const lasting = store.create(FOR_A, 0).stored.id;
  store.create({ ...FOR_A, expiresAtMs: 1 }, 0);
  store.revoke(store.create(FOR_A, 0).stored.id, 1);
  assert.deepEqual(changes(), [1, 2, 4]);
  store.create(FOR_A, 90 * DAY_MS);
  assert.equal(store.list().length, 4);
  const last = store.create(FOR_A, 91 * DAY_MS).stored.id;
  assert.deepEqual(changes(), [1, 5, 6]);
  assert.deepEqual([store.list()[0]?.id, store.list()[2]?.id], [lasting, last]);
});

test("what is no store, or one of a later version, is refused with its name, and left as it is", (context) => {
  const directory = temporaryDirectory(context);
  const file = keyDatabaseFile(directory);
  writeFileSync(file, "this is not a database, and longer than nothing");
  assert.throws(
    () => new KeyStore(directory),
    (error) => error instanceof KeyStoreError && error.message.startsWith(file),
  );
  assert.equal(readFileSync(file, "utf8").slice(0, 7), "this is");
  const later = join(directory, "later");
  new KeyStore(later).close();
  const database = new DatabaseSync(keyDatabaseFile(later));
  database.exec("PRAGMA user_version = 2");
  database.close();
  assert.throws(() => new KeyStore(later), /later version/);
  assert.throws(() => new KeyStore(join(file, "below")), KeyStoreError);
});

const MAKER = `
  const { workerData } = require("node:worker_threads");
  import(workerData.module).then(({ KeyStore }) => {
    const store = new KeyStore(workerData.directory);
    for (let i = 0; i < 10; i++) store.create({ tenant: "a" }, i);
    store.close();
  });`;

test("commands that make the store and keys in it at the same time wait for each other", async (context) => {
  const directory = join(temporaryDirectory(context), "data");
  const module = new URL("../../../src/tenants/key-store.ts", import.meta.url).href;
  const workers = Array.from({ length: 6 }, () => new Worker(MAKER, { eval: true, workerData: { module, directory } }));
  const codes = await Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.once("error", reject);
          worker.once("exit", resolve);
        }),
    ),
  );
  assert.deepEqual(codes, [0, 0, 0, 0, 0, 0]);
  assert.equal(storeIn(context, directory).list().length, 60);
});
