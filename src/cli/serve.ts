/** `headwaiter serve`: the gateway, from its config to its last stream. */
import type { Server } from "node:http";
import { createAdminServer } from "../admin/admin-server.ts";
import { withOverrides } from "../config/build-snapshot.ts";
import { demoConfig } from "../config/demo.ts";
import { findConfig, loadConfigFile } from "../config/find.ts";
import type { FoundConfig } from "../config/find.ts";
import type { Fault } from "../config/load.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { GatheredOutput } from "../observe/gathered-output.ts";
import { hostLimits, readHostFacts } from "../observe/host.ts";
import { createLog } from "../observe/log.ts";
import type { Log } from "../observe/log.ts";
import { canSharePort } from "../observe/reuse-port.ts";
import { startSimInThread } from "../sim/in-thread.ts";
import type { SimThread } from "../sim/in-thread.ts";
import { Gateway } from "../supervisor/gateway.ts";
import { capacityWarnings } from "./capacity-warnings.ts";
import { greeting } from "./greeting.ts";
import { claimAdminPort, isTaken } from "./ports.ts";

/** The command's flags. */
export interface ServeArguments {
  readonly config?: string;
  readonly host?: string;
  /** 0–65535; 0 takes any free port. */
  readonly port?: number;
  /** Event loops. */
  readonly workers?: "auto" | number;
}

/** How long a log line may wait for others, and where a person watches, who sees such a line as good as at once. */
const LOG_INTERVAL_MS = 200;
const WATCHED_LOG_INTERVAL_MS = 20;

/** Exit codes: it did not start; the drain was cut short by a second signal. */
const FAILED = 1;
const INTERRUPTED = 130;

/** Runs the gateway until it is told to stop. @returns the exit code. */
export async function serve(args: ServeArguments): Promise<number> {
  const found = await findConfig({ flag: args.config, cwd: process.cwd() });
  const sim = found.kind === "demo" ? await startSimInThread({ port: 0 }) : null;
  const first = await readConfig(found, sim, args);
  if ("faults" in first) {
    process.stderr.write(first.faults.map((fault) => `${faultLine(fault)}\n`).join(""));
    return 1;
  }
  const { config } = first;
  const isDemo = found.kind === "demo";
  const isWatched = process.stdout.isTTY;
  const logIntervalMs = isWatched ? WATCHED_LOG_INTERVAL_MS : LOG_INTERVAL_MS;
  const output = new GatheredOutput(1, logIntervalMs);
  const log = createLog(output);
  const gateway = new Gateway({
    config,
    log,
    logIntervalMs,
    onLogPort: (port) => output.receive(port),
    canSharePort: await canSharePort(),
    readConfig: async () => {
      const read = await readConfig(found, sim, args);
      return "faults" in read ? { faults: read.faults.map(faultLine) } : read;
    },
  });
  outliveFaults(log);
  // The demo has no config to read again; there SIGHUP is the terminal, which is gone.
  const endsOnHangUp = isDemo && isWatched;
  const started = Promise.withResolvers<void>();
  const onReload = (): void => void started.promise.then(() => gateway.reload());
  if (!endsOnHangUp) process.on("SIGHUP", onReload);
  const exitCode = drainOnSignal(gateway, log, {
    signals: endsOnHangUp ? ["SIGTERM", "SIGINT", "SIGHUP"] : ["SIGTERM", "SIGINT"],
    started: started.promise,
  });
  const admin = createAdminServer(gateway, () => gateway.config.admin.token);
  const ended = new AbortController();
  const end = async (code: number): Promise<number> => {
    process.off("SIGHUP", onReload);
    ended.abort();
    admin.close();
    admin.closeAllConnections();
    // A drain has ended them already; after a second signal their streams end here, as cut by us and not by the sim.
    await gateway.stop();
    await sim?.close();
    if (code !== FAILED) log.info({ exitCode: code }, "stopped");
    await output.flush();
    return code;
  };
  try {
    await openDoors(gateway, admin, { isDemo, log, signal: ended.signal });
  } catch (error) {
    process.stderr.write(`headwaiter: ${(error as Error).message}\n`);
    return await end(FAILED);
  }
  warn(config, log);
  for (const warning of capacityWarnings(config, gateway.loops, hostLimits(readHostFacts()))) log.warn(warning);
  log.info({ configVersion: config.version, source: config.source, loops: gateway.loops }, "serving");
  started.resolve();
  return await end(await exitCode);
}

interface DoorOptions {
  readonly isDemo: boolean;
  readonly log: Log;
  /** Ends the wait for the admin port. */
  readonly signal: AbortSignal;
}

/** Starts the loops and the admin plane, and says where they are. @throws {Error} that says which port it can't have. */
async function openDoors(gateway: Gateway, admin: Server, { isDemo, log, signal }: DoorOptions): Promise<void> {
  const { config } = gateway;
  // Whoever tries the gateway out does not restart it while it runs: a port that is in use is a mistake.
  const shares = await isTaken(config.server.host, config.server.port);
  if (shares && isDemo)
    throw new Error(`${config.server.host}:${config.server.port} is in use; choose another with --port`);
  const port = await gateway.start();
  // The demo takes any port for its metrics when its own is in use: whoever tries it out has not chosen one.
  const place = {
    ...config.admin,
    port: isDemo && (await isTaken(config.admin.host, config.admin.port)) ? 0 : config.admin.port,
  };
  const onClaimed = (): void => log.info({ port: place.port }, "the admin port is ours now");
  const adminPort = await claimAdminPort(admin, place, { onClaimed, signal });
  process.stdout.write(greeting(config, port, adminPort));
  if (shares)
    log.warn({ port }, "another process listens on this port, too, and gets its share of the clients until it ends");
  if (adminPort === null)
    log.warn({ port: place.port }, "another gateway has the admin port; it is ours when that one ends");
}

/** From here on streams of many clients hang on this process: a fault nobody caught is said, and ends none of them. */
function outliveFaults(log: Log): void {
  // A terminal that is gone is no reason to end streams, nor a fault to log on it.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  process.on("uncaughtException", (error) => log.error({ err: error }, "a fault outside any request; going on"));
  process.on("unhandledRejection", (reason) => log.error({ err: reason }, "a promise nobody waited for; going on"));
}

type ReadConfig = { readonly config: ConfigSnapshot } | { readonly faults: readonly Fault[] };

async function readConfig(found: FoundConfig, sim: SimThread | null, args: ServeArguments): Promise<ReadConfig> {
  const read: ReadConfig =
    found.kind === "demo"
      ? { config: demoConfig(process.env, new URL("/v1", sim!.url)) }
      : await loadConfigFile({ file: found.file, cwd: process.cwd(), env: process.env });
  if ("faults" in read) return read;
  const { host, port, workers } = args;
  return {
    config: withOverrides(read.config, {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(workers === undefined ? {} : { workers }),
    }),
  };
}

interface DrainOptions {
  readonly signals: readonly NodeJS.Signals[];
  /** A signal that comes before waits for it. */
  readonly started: Promise<void>;
}

/** Resolves with the exit code, once all has been drained or a second signal has cut that short. */
function drainOnSignal(gateway: Gateway, log: Log, { signals, started }: DrainOptions): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const drain = async (signal: NodeJS.Signals): Promise<void> => {
      await started;
      const { drainTimeoutMs } = gateway.config.server;
      log.info({ signal, calls: gateway.calls, drainTimeoutMs }, "draining; a second signal stops at once");
      await gateway.drain(drainTimeoutMs);
      resolve(0);
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) return resolve(INTERRUPTED);
      asked = true;
      void drain(signal);
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}

function faultLine({ file, line, column, message }: Fault): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

function warn(config: ConfigSnapshot, log: Log): void {
  if (!LOOPBACK.test(config.server.host) && !config.auth.required) {
    log.warn(
      { host: config.server.host },
      "reachable from other machines, and nobody is asked for a key: put it behind something that does",
    );
  }
  if (!LOOPBACK.test(config.admin.host))
    log.warn({ host: config.admin.host }, "metrics are reachable from other machines");
}
