/** A gateway loop inside the test's process, over real sockets. */
import { MessageChannel } from "node:worker_threads";
import type { ProcessReadings } from "../../src/admission/process-readings.ts";
import { Board } from "../../src/board/board.ts";
import { ColumnDirectory } from "../../src/board/columns.ts";
import { counterNames } from "../../src/config/counter-names.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { ConfigSnapshot } from "../../src/config/snapshot.ts";
import type { Accounts } from "../../src/limits/accounts.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import { LedgerKeeper } from "../../src/limits/ledger-keeper.ts";
import { accountDefinitions } from "../../src/limits/owners.ts";
import { configKeyId } from "../../src/tenants/directory.ts";
import { createLog } from "../../src/observe/log.ts";
import type { AccessRecord } from "../../src/observe/log.ts";
import type { ListenerTimeouts } from "../../src/server/listener.ts";
import { Loop } from "../../src/server/loop.ts";
import { Broker } from "../../src/supervisor/broker.ts";

/** A running gateway and what it has logged. */
export interface TestGateway extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly loop: Loop;
  /** Where the loop counts. */
  readonly board: Board;
  /** Calls that wait for a slot of their upstream, as the broker knows. */
  readonly queued: number;
  /** Hands the loop a new config. */
  reload(yaml: string): void;
  /** The access lines so far. */
  readonly accessLines: readonly AccessRecord[];
  /** Every log line so far, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  /** The next access line that matches, or one that is there already. Rejects after twenty seconds. */
  access(matches?: (line: AccessRecord) => boolean): Promise<AccessRecord>;
}

/** @returns the snapshot of a config given as YAML. @throws with its faults. */
export function snapshotOf(yaml: string, env: Record<string, string> = {}): ConfigSnapshot {
  const loaded = loadConfig(yaml, { file: "test.yaml", env });
  if ("faults" in loaded) throw new Error(loaded.faults.map((f) => `${f.line}:${f.column}: ${f.message}`).join("\n"));
  return loaded.config;
}

/** A config with one upstream `up` at `upstreamUrl` (an origin) that serves every model. */
export function configFor(upstreamUrl: string, more: { upstream?: string; rest?: string } = {}): string {
  return `server: { host: 127.0.0.1, port: 0, drain_timeout: 1s }
admin: { host: 127.0.0.1, port: 0 }
upstreams:
  up:
    dialect: openai
    api_key: sk-test-upstream-key
    endpoints: [ { url: ${upstreamUrl}/v1 } ]
${(more.upstream ?? "").replaceAll(/^(?=.)/gm, "    ")}
models:
  "*": { upstream: up }
default_model: test-model
${more.rest ?? ""}`;
}

/** Starts a gateway from YAML on a free port; dispose it at the end of the test. */
export async function startGateway(
  yaml: string,
  env: Record<string, string> = {},
  timeouts?: Partial<ListenerTimeouts>,
  readings?: () => ProcessReadings,
): Promise<TestGateway> {
  const logLines: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  const log = createLog({
    write(line) {
      logLines.push(JSON.parse(line) as Record<string, unknown>);
      for (const wake of waiting) wake();
    },
  });
  const snapshot = snapshotOf(yaml, env);
  const directory = new ColumnDirectory(1024);
  const board = Board.create({ rows: 2, columns: directory.capacity });
  const share = { board, row: board.claimRow(1), columns: directory.extend(counterNames(snapshot)) };
  const broker = new Broker({ board, config: snapshot, columns: share.columns });
  const admission = new MessageChannel();
  broker.connect(admission.port1);
  const ledger = new LedgerKeeper({ rows: 1, accounts: 1000 });
  const define = (config: ConfigSnapshot): Accounts => ledger.define(accountDefinitions(config, keysOf(config)));
  const limits = {
    accounts: define(snapshot),
    limiter: Ledger.attach(ledger.buffer, ledger.claimRow()),
    ask: () => {},
  };
  const loop = new Loop(snapshot, log, {
    share,
    limits,
    admissionPort: admission.port2,
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(readings === undefined ? {} : { readings }),
  });
  const port = await loop.listen();
  const accessLines = (): AccessRecord[] =>
    logLines.filter((line) => line["msg"] === "request") as unknown as AccessRecord[];
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    loop,
    board,
    reload(next) {
      const config = snapshotOf(next, env);
      const columns = directory.extend(counterNames(config));
      broker.reload(config, columns);
      loop.reload(config, columns, define(config));
    },
    get queued() {
      return broker.readings().reduce((sum, { waiting: count }) => sum + count, 0);
    },
    logLines,
    get accessLines() {
      return accessLines();
    },
    access(matches = () => true) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`no such access line; there are: ${JSON.stringify(accessLines())}`));
        }, 20_000);
        const look = (): void => {
          const found = accessLines().find(matches);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    async [Symbol.asyncDispose]() {
      await loop.close();
      broker.close();
    },
  };
}

function keysOf({ tenants }: ConfigSnapshot): { tenant: string; keyId: string }[] {
  return [...tenants.values()].flatMap(({ name: tenant, keyHashes }) =>
    keyHashes.map((digest) => ({ tenant, keyId: configKeyId(digest) })),
  );
}

/** A chat request's body. */
export function chat(more: Record<string, unknown> = {}): string {
  return JSON.stringify({ model: "test-model", messages: [{ role: "user", content: "hi" }], ...more });
}

/** POSTs JSON. */
export function post(url: string, body: string | Uint8Array, init: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/json", ...(init.headers as Record<string, string> | undefined) };
  return fetch(url, { method: "POST", body: body as string, ...init, headers });
}
