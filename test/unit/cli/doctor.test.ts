import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { doctor } from "../../../src/cli/doctor.ts";
import { hostChecks, LISTEN_BACKLOG } from "../../../src/cli/host-checks.ts";
import type { CheckStatus, HostCheck } from "../../../src/cli/host-checks.ts";
import { readHostFacts } from "../../../src/observe/host.ts";
import { temporaryDirectory } from "../config/temporary-directory.ts";
import { hostRoot, VERSION_2 } from "../observe/host-root.ts";

const SERVICE = "sys/fs/cgroup/system.slice/headwaiter.service";
const limits = (files: number): string =>
  `Max open files            ${files}                ${files}                files     \n`;

/** A host that holds 50,000 streams over HTTP/1.1. */
const SOUND: Readonly<Record<string, string>> = {
  ...VERSION_2,
  "proc/meminfo": "MemTotal:       33554432 kB\nMemAvailable:   31457280 kB\n",
  "proc/self/limits": limits(131_072),
  "proc/self/fd/0": "",
  "proc/sys/fs/nr_open": "1048576\n",
  "proc/sys/net/core/somaxconn": "4096\n",
  "proc/sys/net/ipv4/ip_local_port_range": "1024\t65535\n",
  "proc/sys/net/ipv4/ip_local_reserved_ports": "8080,9090\n",
  "proc/sys/net/ipv4/tcp_max_syn_backlog": "4096\n",
  "proc/sys/net/ipv4/tcp_syncookies": "1\n",
  "proc/sys/net/ipv4/tcp_migrate_req": "1\n",
};

interface Report {
  readonly ok: boolean;
  readonly config: string;
  readonly transport: string;
  readonly loops: number;
  readonly checks: readonly HostCheck[];
}

interface RunOptions {
  /** What differs from the sound host. */
  readonly host?: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly streams?: number;
}

async function run(context: TestContext, options: RunOptions): Promise<Report> {
  const cwd = temporaryDirectory(context);
  if (options.config !== undefined) writeFileSync(join(cwd, "headwaiter.yaml"), options.config);
  const root = hostRoot(context, { ...SOUND, ...options.host });
  let text = "";
  const stdout = { write: (piece: string) => (text += piece) };
  const args = { json: true, ...(options.streams === undefined ? {} : { streams: options.streams }) };
  const code = await doctor(args, { stdout, env: {}, cwd, root });
  const report = JSON.parse(text) as Report;
  assert.equal(code, report.ok ? 0 : 1);
  return report;
}

function checkOf({ checks }: Report, name: string): HostCheck {
  const found = checks.find((check) => check.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

async function oneCheck(context: TestContext, name: string, options: RunOptions): Promise<[CheckStatus, string]> {
  const { status, change } = checkOf(await run(context, options), name);
  return [status, change.join("\n")];
}

const upstream = (options: string, url = "http://127.0.0.1:1/v1"): string =>
  `server: { workers: 1 }\nupstreams: { u: { endpoints: [ { url: ${url} } ], ${options} } }\nmodels: { m: { upstream: u } }\n`;

test("a host that holds 50,000 streams passes every check", async (context) => {
  const { ok, checks, config } = await run(context, {});
  assert.deepEqual([ok, config], [true, "demo"]);
  const others = checks.filter(({ status }) => status !== "ok").map(({ name }) => name);
  // Whether it has a slow client's worth of memory for all of them is the machine's to say; so are its loops.
  assert.deepEqual(
    others.filter((name) => name !== "reusePort"),
    [],
  );
});

test("what 10,000 streams lack is a failure, what only 50,000 lack a warning", async (context) => {
  const short = await oneCheck(context, "open files", { host: { "proc/self/limits": limits(20_000) } });
  assert.equal(short[0], "fail");
  assert.match(
    short[1],
    /^10,000 streams: 20,\d+ files: LimitNOFILE=65536 .*\n50,000 streams: 100,\d+ files: LimitNOFILE=131072 /,
  );
  const [status, change] = await oneCheck(context, "open files", { host: { "proc/self/limits": limits(65_536) } });
  assert.equal(status, "warn");
  assert.match(change, /^50,000 streams: [^\n]*$/);
});

test("--streams asks for that number alone, and what it lacks is a failure", async (context) => {
  const host = { "proc/self/limits": limits(4096) };
  assert.deepEqual(await oneCheck(context, "open files", { host, streams: 1000 }), ["ok", ""]);
  const [status, change] = await oneCheck(context, "open files", { host, streams: 3000 });
  assert.equal(status, "fail");
  assert.match(change, /^3,000 streams: 6,\d+ files/);
});

test("a limit past the kernel's own bound takes its setting, too", async (context) => {
  const [, change] = await oneCheck(context, "open files", { streams: 900_000 });
  assert.match(change, /: sysctl -w fs\.nr_open=2097152, then LimitNOFILE=2097152 /);
});

test("HTTP/2 upstreams halve the files; where TLS decides, more than that is a warning", async (context) => {
  const host = { "proc/self/limits": limits(12_000) };
  const statuses: CheckStatus[] = [];
  for (const config of [
    upstream("http2: on"),
    upstream("http2: auto", "https://models.test/v1"),
    upstream("http2: off"),
  ]) {
    statuses.push((await oneCheck(context, "open files", { host, config, streams: 10_000 }))[0]);
  }
  assert.deepEqual(statuses, ["ok", "warn", "fail"]);
});

test("ports: a warning where upstreams are not known, a failure where the config names too few addresses", async (context) => {
  const host = {
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "proc/sys/net/ipv4/ip_local_reserved_ports": "7000-7001\n",
  };
  const [unknown, advice] = await oneCheck(context, "ephemeral ports", { host, streams: 50_000 });
  assert.equal(unknown, "warn");
  assert.match(advice, /50,000 to one address: sysctl -w net\.ipv4\.ip_local_port_range="1024 65535" and /);
  assert.match(advice, /sysctl -w net\.ipv4\.ip_local_reserved_ports=7000-7001,8080,9090 for the listeners/);
  const connections = "connections: { max: 60000 }";
  const known = upstream(connections);
  assert.equal((await oneCheck(context, "ephemeral ports", { host, streams: 50_000, config: known }))[0], "fail");
  const beside = known.replace(
    "upstreams: {",
    "upstreams: { h: { http2: on, endpoints: [ { url: http://10.0.0.1/v1 } ] },",
  );
  assert.equal((await oneCheck(context, "ephemeral ports", { host, streams: 50_000, config: beside }))[0], "warn");
  const two = upstream(connections, "http://10.0.0.1:8000/v1 }, { url: http://10.0.0.2:8000/v1");
  assert.equal((await oneCheck(context, "ephemeral ports", { host, streams: 50_000, config: two }))[0], "ok");
  const [, tooMany] = await oneCheck(context, "ephemeral ports", { streams: 200_000 });
  assert.match(tooMany, /: more endpoint addresses, or http2: on$/);
});

test("memory: a failure where the streams don't fit, a warning where slow clients' buffers wouldn't", async (context) => {
  const host = (bytes: number): Record<string, string> => ({ [`${SERVICE}/memory.max`]: `${bytes}\n` });
  const config = upstream("http2: off");
  const [fits] = await oneCheck(context, "memory", { host: host(4 * 1024 ** 3), streams: 10_000, config });
  assert.equal(fits, "ok");
  const [slow, advice] = await oneCheck(context, "memory", { host: host(1024 ** 3), streams: 10_000, config });
  assert.equal(slow, "warn");
  const keepKib = Number(/streams\.max_buffer: (\d+)KiB/.exec(advice)?.[1]);
  assert.ok(keepKib > 10 && keepKib < 105, advice);
  const [tight] = await oneCheck(context, "memory", { host: host(256 * 1024 ** 2), streams: 10_000, config });
  assert.equal(tight, "fail");
});

test("memory that other programs have is a warning", async (context) => {
  const host = { "proc/meminfo": "MemTotal:       33554432 kB\nMemAvailable:     102400 kB\n" };
  const [status, change] = await oneCheck(context, "memory", { host, streams: 1000 });
  assert.equal(status, "warn");
  assert.match(change, /other programs have it/);
});

test("the listener's queues: short ones are a warning with the setting, a SYN queue only without cookies", async (context) => {
  const cookies = { "proc/sys/net/ipv4/tcp_max_syn_backlog": "512\n" };
  const none = { ...cookies, "proc/sys/net/ipv4/tcp_syncookies": "0\n" };
  assert.deepEqual(await oneCheck(context, "net.ipv4.tcp_max_syn_backlog", { host: cookies }), ["ok", ""]);
  assert.match(
    (await oneCheck(context, "net.ipv4.tcp_max_syn_backlog", { host: none })).join(),
    /^warn.*tcp_syncookies=1/,
  );
  const short = await oneCheck(context, "net.core.somaxconn", { host: { "proc/sys/net/core/somaxconn": "128\n" } });
  assert.match(short.join(), /^warn.*sysctl -w net\.core\.somaxconn=4096$/);
});

test("the backlog that is checked is the one that the listener asks for", () => {
  const source = readFileSync(new URL("../../../src/server/listener.ts", import.meta.url), "utf8");
  assert.equal(Number(/\bBACKLOG = (\d+);/.exec(source)?.[1]), LISTEN_BACKLOG);
});

test("clients that a closing listener would lose are a warning where several share the port", (context) => {
  const facts = readHostFacts(hostRoot(context, { ...SOUND, "proc/sys/net/ipv4/tcp_migrate_req": "0\n" }));
  const migration = (canSharePort: boolean): HostCheck =>
    hostChecks({ facts, canSharePort, requiredNode: ">=24.12" }).find(({ name }) => name.endsWith("migrate_req"))!;
  assert.equal(migration(true).status, "warn");
  assert.match(migration(true).change[0]!, /sysctl -w net\.ipv4\.tcp_migrate_req=1$/);
  assert.equal(migration(false).status, "ok");
});

test("an older Node fails, a newer passes; without a shared port that is said", (context) => {
  const facts = readHostFacts(hostRoot(context, SOUND));
  const statuses = (nodeVersion: string): CheckStatus[] =>
    hostChecks({ facts: { ...facts, nodeVersion }, canSharePort: false, requiredNode: ">=24.12" })
      .slice(0, 2)
      .map(({ status }) => status);
  assert.deepEqual(["24.11.9", "22.99.0", "24.12.0", "26.0.0"].map(statuses), [
    ["fail", "warn"],
    ["fail", "warn"],
    ["ok", "warn"],
    ["ok", "warn"],
  ]);
});

test("a firewall's table that is too small is a warning, one that is not in use none", async (context) => {
  const table = (count: number): Record<string, string> => ({
    "proc/sys/net/netfilter/nf_conntrack_max": "65536\n",
    "proc/sys/net/netfilter/nf_conntrack_count": `${count}\n`,
  });
  const name = "net.netfilter.nf_conntrack_max";
  const [status, change] = await oneCheck(context, name, { host: table(300) });
  assert.equal(status, "warn");
  assert.match(change, /^50,000 streams: 100,\d+ connections: sysctl -w net\.netfilter\.nf_conntrack_max=262144$/);
  assert.deepEqual(await oneCheck(context, name, { host: table(0) }), ["ok", ""]);
});

test("a config that lets fewer streams through is a warning with what to write", async (context) => {
  const [status, change] = await oneCheck(context, "connections.max", { config: upstream("http2: off") });
  assert.equal(status, "warn");
  assert.match(change, /^10,000 streams: .*connections: \{ max: 10000 \}\n50,000 streams: .*\{ max: 50000 \}$/);
  assert.deepEqual(await oneCheck(context, "connections.max", { config: upstream("http2: on") }), ["ok", ""]);
});

test("a config at fault fails with its faults, and the host is checked without it", async (context) => {
  const { ok, checks } = await run(context, { config: "upstreams: {}\nsever: {}\n" });
  assert.equal(ok, false);
  assert.deepEqual([checks[0]!.name, checks[0]!.status], ["config", "fail"]);
  assert.ok(checks[0]!.change.some((line) => line.startsWith("headwaiter.yaml:2:1: unknown key")));
  assert.ok(checks.length > 8);
});

test("where the platform says nothing, nothing has failed", async (context) => {
  let text = "";
  const stdout = { write: (piece: string) => (text += piece) };
  const root = hostRoot(context, {
    "proc/meminfo": SOUND["proc/meminfo"]!,
    "proc/self/limits": SOUND["proc/self/limits"]!,
  });
  assert.equal(await doctor({}, { stdout, env: {}, cwd: temporaryDirectory(context), root }), 0);
  assert.match(text, /^unknown {2}net\.core\.somaxconn {2,}unknown$/m);
  assert.match(text, /^unknown {2}ephemeral ports/m);
  assert.match(text, /^0 failed, /m);
});
