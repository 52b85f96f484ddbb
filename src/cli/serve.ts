/** `headwaiter serve`: the gateway, from its config to its last stream. */
import type { Server } from "node:http";
import { createAdminServer } from "../admin/admin-server.ts";
import { withOverrides } from "../config/build-snapshot.ts";
import { demoConfig } from "../config/demo.ts";
import { findConfig, loadConfigFile } from "../config/find.ts";
import type { FoundConfig } from "../config/find.ts";
import type { Fault } from "../config/load.ts";
import type { ConfigSnapshot, UpstreamConfig } from "../config/snapshot.ts";
import { GatheredOutput } from "../observe/gathered-output.ts";
import { createLog } from "../observe/log.ts";
import type { Log } from "../observe/log.ts";
import { listen } from "../server/listener.ts";
import { Loop } from "../server/loop.ts";
import { startSimInThread } from "../sim/in-thread.ts";
import type { SimThread } from "../sim/in-thread.ts";

/** The command's flags. */
export interface ServeArguments {
  readonly config?: string;
  readonly host?: string;
  /** 0–65535; 0 takes any free port. */
  readonly port?: number;
}

/** A person who watches sees a line as good as at once. */
const WATCHED_FLUSH_MS = 20;

/** Exit codes: the drain was cut short by a second signal. */
const INTERRUPTED = 130;

/** Runs the gateway until it is told to stop. @returns the exit code. */
export async function serve(args: ServeArguments): Promise<number> {
  const cwd = process.cwd();
  const found = await findConfig({ flag: args.config, cwd });
  const sim = found.kind === "demo" ? await startSimInThread({ port: 0 }) : null;
  const first = await readConfig(found, sim, args);
  if ("faults" in first) {
    reportFaults(first.faults);
    return 1;
  }
  const config = first.config;
  const isWatched = process.stdout.isTTY;
  const output = new GatheredOutput(1, isWatched ? WATCHED_FLUSH_MS : undefined);
  // A terminal that is gone is no reason to end streams, nor a fault to log on it.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  const log = createLog(output);
  const loop = new Loop(config, log);
  const started = Date.now();
  const admin = createAdminServer(
    {
      metrics: loop.metrics,
      get draining() {
        return loop.draining;
      },
      status: () => ({
        configVersion: loop.runtime.snapshot.version,
        uptimeSeconds: Math.round((Date.now() - started) / 1000),
        draining: loop.draining,
        calls: loop.calls,
        openSockets: loop.openSockets(),
        rssBytes: process.memoryUsage.rss(),
      }),
    },
    () => loop.runtime.snapshot.admin.token,
  );
  try {
    const port = await loop.listen();
    const adminPort = await listenAdmin(admin, config, found.kind === "demo");
    greet(config, port, adminPort);
  } catch (error) {
    process.stderr.write(`headwaiter: ${(error as Error).message}\n`);
    await loop.close();
    admin.close();
    await sim?.close();
    return 1;
  }
  // From here on streams of many clients hang on this process: a fault nobody caught is said, and ends none of them.
  process.on("uncaughtException", (error) => log.error({ err: error }, "a fault outside any request; going on"));
  process.on("unhandledRejection", (reason) => log.error({ err: reason }, "a promise nobody waited for; going on"));
  warn(config, log);
  log.info({ configVersion: config.version, source: config.source }, "serving");
  const onReload = (): void => void reload(loop, () => readConfig(found, sim, args), log);
  // The demo has no config to read again; there SIGHUP is the terminal, which is gone.
  const isDemo = found.kind === "demo" && isWatched;
  if (!isDemo) process.on("SIGHUP", onReload);
  const code = await drainOnSignal(loop, log, isDemo ? ["SIGTERM", "SIGINT", "SIGHUP"] : ["SIGTERM", "SIGINT"]);
  process.off("SIGHUP", onReload);
  admin.close();
  admin.closeAllConnections();
  // A drain has closed it already; after a second signal its streams end here, as cut by us and not by the sim.
  await loop.close();
  await sim?.close();
  log.info({ exitCode: code }, "stopped");
  await output.flush();
  return code;
}

/** The demo takes any port for its metrics when its own is in use: whoever tries it out has not chosen one. */
async function listenAdmin(admin: Server, config: ConfigSnapshot, isDemo: boolean): Promise<number> {
  try {
    return await listen(admin, { host: config.admin.host, port: config.admin.port, setting: "admin.port" });
  } catch (error) {
    if (!isDemo) throw error;
    return await listen(admin, { host: config.admin.host, port: 0, setting: "admin.port" });
  }
}

type ReadConfig = { readonly config: ConfigSnapshot } | { readonly faults: readonly Fault[] };

async function readConfig(found: FoundConfig, sim: SimThread | null, args: ServeArguments): Promise<ReadConfig> {
  const read: ReadConfig =
    found.kind === "demo"
      ? { config: demoConfig(process.env, new URL("/v1", sim!.url)) }
      : await loadConfigFile({ file: found.file, cwd: process.cwd(), env: process.env });
  if ("faults" in read) return read;
  const { host, port } = args;
  return {
    config: withOverrides(read.config, {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
    }),
  };
}

/** A config that is at fault changes nothing. */
async function reload(loop: Loop, read: () => Promise<ReadConfig>, log: Log): Promise<void> {
  const next = await read();
  if ("faults" in next) {
    const faults = next.faults.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
    return log.error({ faults }, "the new config is at fault; the old one stays");
  }
  const listeners = ({ server: { host, port, tls }, admin }: ConfigSnapshot): string =>
    JSON.stringify([host, port, tls !== undefined, admin.host, admin.port]);
  if (listeners(loop.runtime.snapshot) !== listeners(next.config)) {
    log.warn("listeners keep their host and port, and whether they speak TLS, until a restart");
  }
  loop.reload(next.config);
  log.info({ configVersion: next.config.version }, "config reloaded");
}

function drainOnSignal(loop: Loop, log: Log, signals: readonly NodeJS.Signals[]): Promise<number> {
  return new Promise((resolve) => {
    let draining = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (draining) return resolve(INTERRUPTED);
      draining = true;
      const timeoutMs = loop.runtime.snapshot.server.drainTimeoutMs;
      log.info({ signal, calls: loop.calls, drainTimeoutMs: timeoutMs }, "draining; a second signal stops at once");
      void loop.drain(timeoutMs).then(() => resolve(0));
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}

function reportFaults(faults: readonly Fault[]): void {
  for (const { file, line, column, message } of faults) process.stderr.write(`${file}:${line}:${column}: ${message}\n`);
}

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(?:127\.|::1$|localhost$)/;

function warn(config: ConfigSnapshot, log: Log): void {
  if (!LOOPBACK.test(config.server.host)) {
    log.warn(
      { host: config.server.host },
      "reachable from other machines, and nobody is asked for a key: put it behind something that does",
    );
  }
  if (!LOOPBACK.test(config.admin.host))
    log.warn({ host: config.admin.host }, "metrics are reachable from other machines");
}

function greet(config: ConfigSnapshot, port: number, adminPort: number): void {
  const host = (name: string): string => (name.includes(":") ? `[${name}]` : name === "0.0.0.0" ? "127.0.0.1" : name);
  const scheme = config.server.tls === undefined ? "http" : "https";
  const url = `${scheme}://${host(config.server.host)}:${port}`;
  process.stdout.write(
    `Headwaiter at ${url} (${config.source === "demo" ? "demo: the simulated model `sim`" : config.source})\n` +
      `Metrics at http://${host(config.admin.host)}:${adminPort}/metrics\n` +
      `${[...config.upstreams.values()].map(describeUpstream).join("")}\n${exampleRequest(config, url)}`,
  );
}

function describeUpstream({ name, dialect, missingKeyVariable }: UpstreamConfig): string {
  return `  ${name}: ${dialect}${missingKeyVariable === undefined ? "" : `, without a key: set ${missingKeyVariable}`}\n`;
}

/** A curl line that streams; none where no model has a name of its own. */
function exampleRequest(config: ConfigSnapshot, url: string): string {
  const model = config.defaultModel ?? config.models.names()[0];
  if (model === undefined) return "";
  const isOpenai = config.models.resolve(model)?.upstream.dialect === "openai";
  if (!isOpenai && config.defaultModel === undefined) return "";
  const path = isOpenai ? "/v1/chat/completions" : "/api/v1/generate-stream";
  const messages = [{ role: "user", content: "Say hello" }];
  const body = JSON.stringify(isOpenai ? { model, stream: true, messages } : { prompt: "Say hello" });
  const quoted = body.replaceAll("'", "'\\''");
  return `  curl -N ${url}${path} -H 'content-type: application/json' -d '${quoted}'\n\n`;
}
