/** `headwaiter doctor`: can this host hold the streams, and what to change if not. */
import { readFileSync } from "node:fs";
import { costliestTransport } from "../config/capacity.ts";
import type { Transport } from "../config/capacity.ts";
import { demoConfig } from "../config/demo.ts";
import { findConfig, loadConfigFile } from "../config/find.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { readHostFacts } from "../observe/host.ts";
import { canSharePort } from "../observe/reuse-port.ts";
import { showCount } from "./host-advice.ts";
import { checkCpus, hostChecks } from "./host-checks.ts";
import type { HostCheck } from "./host-checks.ts";
import { streamChecks } from "./stream-checks.ts";
import type { StreamTarget } from "./stream-checks.ts";

/** The command's flags. */
interface DoctorArguments {
  readonly config?: string;
  /** A whole number, 1 or more. */
  readonly streams?: number;
  /** @default false */
  readonly json?: boolean;
}

interface DoctorIo {
  readonly stdout: { write(text: string): unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where `proc` and `sys` are. @default `/` */
  readonly root?: string;
}

/** The product's promise, and five times as much, which is good to know. */
const TARGETS: readonly StreamTarget[] = [
  { streams: 10_000, required: true },
  { streams: 50_000, required: false },
];

const TRANSPORTS: Readonly<Record<Transport, string>> = {
  http1: "HTTP/1.1 to upstreams, two sockets for each stream",
  http2: "HTTP/2 to upstreams, one socket for each stream and one for a hundred",
  negotiated: "HTTP/2 to upstreams where TLS negotiates it, else two sockets for each stream",
};

/**
 * Prints the checks. What can't be read or known is no fault.
 *
 * @returns the exit code: 1 when a check has failed, else 0. What 10,000 streams (or `streams`) lack is a failure, what only
 * 50,000 lack a warning.
 */
export async function doctor(args: DoctorArguments, io: DoctorIo): Promise<number> {
  const targets = args.streams === undefined ? TARGETS : [{ streams: args.streams, required: true }];
  const { config, faults } = await readConfig(args.config, io);
  const facts = readHostFacts(io.root);
  const { version, engines } = readPackage();
  const host = { facts, canSharePort: await canSharePort(), requiredNode: engines.node };
  const { workers } = config.server;
  const loops = !host.canSharePort ? 1 : workers === "auto" ? facts.cpus.parallelism : workers;
  const checks: HostCheck[] = [
    ...(faults === null ? [] : [faults]),
    ...hostChecks(host),
    checkCpus(host, config, loops),
    ...streamChecks({ facts, config, loops, targets }),
  ];
  const hasFailed = checks.some(({ status }) => status === "fail");
  const transport = costliestTransport(config);
  if (args.json === true) {
    const streams = targets.map((target) => target.streams);
    const report = { ok: !hasFailed, version, config: config.source, transport, loops, streams, checks, facts };
    io.stdout.write(
      `${JSON.stringify(report, (_, value: unknown) => (value === Infinity ? "unlimited" : value), 2)}\n`,
    );
  } else {
    const source = config.source === "demo" ? "no config" : config.source;
    const title = `Headwaiter ${version} on ${facts.system}, for ${targets.map(({ streams }) => showCount(streams)).join(" and ")} streams`;
    io.stdout.write(
      `${title}\nCounted with ${source}: ${TRANSPORTS[transport]}\n\n${table(checks)}\n${verdict(checks)}`,
    );
  }
  return hasFailed ? 1 : 0;
}

/** The config that `serve` would use; where it is at fault, or there is none, the demo's, which opens no port. */
async function readConfig(
  flag: string | undefined,
  { cwd, env }: DoctorIo,
): Promise<{ config: ConfigSnapshot; faults: HostCheck | null }> {
  const demo = (): ConfigSnapshot => demoConfig({}, new URL("http://127.0.0.1/v1"));
  const found = await findConfig({ flag, cwd });
  if (found.kind === "demo") return { config: demo(), faults: null };
  const result = await loadConfigFile({ file: found.file, cwd, env });
  if ("config" in result) return { config: result.config, faults: null };
  const change = result.faults.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  return { config: demo(), faults: { name: "config", status: "fail", found: "at fault, so left out", change } };
}

function readPackage(): { readonly version: string; readonly engines: { readonly node: string } } {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return JSON.parse(manifest) as ReturnType<typeof readPackage>;
}

function table(checks: readonly HostCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.flatMap(({ name, status, found, change }) => [
    `${status.padEnd(7)}  ${name.padEnd(width)}  ${found}`,
    ...change.map((line) => `${" ".repeat(9)}→ ${line}`),
  ]);
  return `${rows.join("\n")}\n`;
}

function verdict(checks: readonly HostCheck[]): string {
  const failed = checks.filter(({ status }) => status === "fail").length;
  const warned = checks.filter(({ status }) => status === "warn").length;
  const hasSysctl = checks.some(({ change }) => change.some((line) => line.includes("sysctl -w")));
  return (
    `${failed} failed, ${warned} to look at. Limits are those of the shell or service that this runs in.\n` +
    (hasSysctl
      ? "What sysctl -w sets lasts until the machine restarts; in /etc/sysctl.d/90-headwaiter.conf, as `name = value`, it stays.\n"
      : "")
  );
}
