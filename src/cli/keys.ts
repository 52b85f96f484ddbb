/** `headwaiter keys create|list|revoke`: the virtual keys of tenants. */
import { existsSync } from "node:fs";

import { DEFAULT_CONFIG_FILE, findConfig, loadConfigFile } from "../config/find.ts";
import { didYouMean } from "../config/nearest-name.ts";
import { patternsOverlap } from "../config/name-pattern.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { parseDuration } from "../core/duration.ts";
import { configKeyId } from "../tenants/directory.ts";
import { keyIdOf } from "../tenants/key.ts";
import { keyDatabaseFile, KeyStoreError } from "../tenants/key-database.ts";
import { KeyStore } from "../tenants/key-store.ts";
import type { StoredKey } from "../tenants/key-store.ts";

/** What is to be done, and to which keys. */
type KeysAction =
  | {
      readonly action: "create";
      readonly tenant: string;
      /** As written: a duration, or days such as `30d`. */
      readonly expires?: string | undefined;
      /** As written: names and patterns with commas between. */
      readonly models?: string | undefined;
    }
  | { readonly action: "list"; readonly tenant?: string | undefined }
  | { readonly action: "revoke"; readonly id: string };

/** The command's flags. */
export type KeysArguments = KeysAction & { readonly config?: string | undefined; readonly json?: boolean };

/** Where a command's output goes. */
interface Output {
  write(text: string): unknown;
}

interface KeysIo {
  /** Takes the key alone, the list, or JSON. */
  readonly stdout: Output;
  /** Takes everything that is said to people. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Wall clock, milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** A fault of the command's: its message is said on stderr. */
class Refusal extends Error {}

const DAY_MS = 24 * 3_600_000;
const LONGEST_LIFE_MS = 100 * 365 * DAY_MS;

/** Does it. @returns the exit code: 0, or 1 after a fault that was said on stderr. */
export async function keys(args: KeysArguments, io: KeysIo): Promise<number> {
  const now = io.now ?? Date.now;
  try {
    const config = await readConfig(args.config, io);
    if (args.action === "create") create(args, config, { ...io, now });
    else if (args.action === "list") list(args, config, { ...io, now });
    else revoke(args, config, { ...io, now });
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof KeyStoreError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return 1;
  }
}

type Io = KeysIo & { readonly now: () => number };

async function readConfig(flag: string | undefined, { cwd, env }: KeysIo): Promise<ConfigSnapshot> {
  const found = await findConfig({ flag, cwd });
  if (found.kind === "demo") {
    throw new Refusal(`there is no ${DEFAULT_CONFIG_FILE} here; keys belong to the tenants of a config: --config FILE`);
  }
  const result = await loadConfigFile({ file: found.file, cwd, env });
  if ("config" in result) return result.config;
  throw new Refusal(
    result.faults.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join("\n"),
  );
}

/** @returns `undefined` where no key was ever made: looking makes no file. */
function withStoreThatIs<Result>(config: ConfigSnapshot, work: (store: KeyStore) => Result): Result | undefined {
  return existsSync(keyDatabaseFile(config.store.path)) ? withStore(config, work) : undefined;
}

function withStore<Result>(config: ConfigSnapshot, work: (store: KeyStore) => Result): Result {
  const store = new KeyStore(config.store.path);
  try {
    return work(store);
  } finally {
    store.close();
  }
}

function create(args: KeysArguments & { readonly action: "create" }, config: ConfigSnapshot, io: Io): void {
  const { tenant } = args;
  if (!config.tenants.has(tenant)) {
    throw new Refusal(
      `there is no tenant ${JSON.stringify(tenant)} in ${config.source}${didYouMean(tenant, config.tenants.keys())}`,
    );
  }
  const models = args.models === undefined ? undefined : readModels(args.models, tenant, config);
  const nowMs = io.now();
  const expiresAtMs = args.expires === undefined ? undefined : nowMs + readLifeMs(args.expires);
  const { key, stored } = withStore(config, (store) => store.create({ tenant, models, expiresAtMs }, nowMs));
  if (args.json === true) {
    io.stdout.write(`${JSON.stringify({ ...toJson(stored, nowMs), key }, null, 2)}\n`);
  } else {
    const until = expiresAtMs === undefined ? "" : `, until ${showTime(expiresAtMs)}`;
    const only = models === undefined ? "" : `, for ${models.join(", ")}`;
    io.stderr.write(`Key ${stored.id} of tenant ${tenant}${only}${until}. It is shown this once:\n`);
    io.stdout.write(`${key}\n`);
  }
  if (!config.auth.required) {
    io.stderr.write("Nobody is asked for a key as long as the config says `auth: { required: false }`.\n");
  }
}

function list(args: KeysArguments & { readonly action: "list" }, config: ConfigSnapshot, io: Io): void {
  const nowMs = io.now();
  const stored = (withStoreThatIs(config, (store) => store.list()) ?? []).map((key) => toJson(key, nowMs));
  const written = [...config.tenants.values()].flatMap(({ name, keyHashes }) =>
    keyHashes.map((digest) => ({ id: configKeyId(digest), tenant: name, state: "config" as const })),
  );
  const shown = [...stored, ...written].filter(({ tenant }) => args.tenant === undefined || tenant === args.tenant);
  if (args.json === true) return void io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  if (shown.length === 0) return void io.stderr.write("There are no keys.\n");
  io.stdout.write(table(shown));
}

function revoke(args: KeysArguments & { readonly action: "revoke" }, config: ConfigSnapshot, io: Io): void {
  const id = keyIdOf(args.id) ?? args.id;
  for (const { name, keyHashes } of config.tenants.values()) {
    if (keyHashes.some((digest) => configKeyId(digest) === id)) {
      throw new Refusal(`${id} is in ${config.source}: take it out of \`tenants.${name}.keys\` and reload`);
    }
  }
  const nowMs = io.now();
  const revoked = withStoreThatIs(config, (store) => store.revoke(id, nowMs));
  if (revoked === undefined) throw new Refusal("there is no key of this id; `headwaiter keys list` has them all");
  const { stored, isNew } = revoked;
  if (args.json === true) return void io.stdout.write(`${JSON.stringify(toJson(stored, nowMs), null, 2)}\n`);
  const when = isNew ? "is revoked" : `was revoked already, at ${showTime(stored.revokedAtMs!)}`;
  io.stderr.write(`Key ${id} of tenant ${stored.tenant} ${when}.\n`);
}

/** Hours and what is shorter as everywhere, and days: a key lives longer than anything that a config times. */
function readLifeMs(written: string): number {
  const days = /^(\d{1,6})d$/.exec(written)?.[1];
  const lifeMs = days === undefined ? parseDuration(written) : Number(days) * DAY_MS;
  if (lifeMs === undefined || lifeMs < 1 || lifeMs > LONGEST_LIFE_MS) {
    throw new Refusal("--expires takes a time from now, such as 30d, 12h or 90m");
  }
  return Math.round(lifeMs);
}

function readModels(written: string, tenant: string, config: ConfigSnapshot): readonly string[] {
  const models = written.split(",").map((model) => model.trim());
  const known = config.models.routes().map(({ name }) => name);
  const allowed = config.tenants.get(tenant)?.models;
  for (const model of models) {
    if (!known.some((name) => patternsOverlap(name, model))) {
      throw new Refusal(`--models: ${JSON.stringify(model)} is none of the config's models${didYouMean(model, known)}`);
    }
    if (allowed !== undefined && !allowed.some((name) => patternsOverlap(name, model))) {
      throw new Refusal(`--models: tenant ${tenant} may not use ${model} itself`);
    }
  }
  return models;
}

interface ListedKey {
  readonly id: string;
  readonly tenant: string;
  readonly state: "active" | "expired" | "revoked" | "config";
  readonly models?: readonly string[] | null;
  readonly created_at?: string;
  readonly expires_at?: string | null;
  readonly revoked_at?: string | null;
}

function toJson(key: StoredKey, nowMs: number): ListedKey {
  const { id, tenant, models = null, createdAtMs, expiresAtMs, revokedAtMs } = key;
  const isOver = expiresAtMs !== undefined && expiresAtMs <= nowMs;
  return {
    id,
    tenant,
    state: revokedAtMs === undefined ? (isOver ? "expired" : "active") : "revoked",
    models,
    created_at: showTime(createdAtMs),
    expires_at: expiresAtMs === undefined ? null : showTime(expiresAtMs),
    revoked_at: revokedAtMs === undefined ? null : showTime(revokedAtMs),
  };
}

function showTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function table(listed: readonly ListedKey[]): string {
  const header = ["ID", "TENANT", "STATE", "CREATED", "EXPIRES", "MODELS"];
  const rows = listed.map(({ id, tenant, state, created_at: created, expires_at: expires, models }) => [
    id,
    tenant,
    state,
    created?.slice(0, 16) ?? "",
    expires?.slice(0, 16) ?? "",
    models?.join(" ") ?? "",
  ]);
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
