/** The checks of `headwaiter doctor` that depend on how many streams the host is to hold. Pure. */
import { costliestTransport, filesNeeded, memoryNeeded, STREAMS_PER_SESSION, transportTo } from "../config/capacity.ts";
import type { Load } from "../config/capacity.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import type { HostFacts } from "../observe/host.ts";
import { portRanges } from "../observe/network.ts";
import { raiseFileLimit, showBytes, showCount, sysctl, widenPorts, WIDEST_PORTS } from "./host-advice.ts";
import type { CheckStatus, HostCheck } from "./host-checks.ts";

/** A number of streams to be held. */
export interface StreamTarget {
  readonly streams: number;
  /** Whether it is a failure, and not a warning, that the host can't. */
  readonly required: boolean;
}

/** What the checks are about. */
export interface StreamCheckOptions {
  readonly facts: HostFacts;
  /** The demo's where there is no other: HTTP/1.1 to one address. */
  readonly config: ConfigSnapshot;
  /** Event loops that would run, 1 or more. */
  readonly loops: number;
  readonly targets: readonly StreamTarget[];
}

/** What is missing for a number of streams. */
interface Shortage {
  /** They can't be held; else they may not, as things go. */
  readonly certain: boolean;
  readonly change: string;
}

/** Open files, ports, the firewall's table, memory, and the config's own bounds. */
export function streamChecks(options: StreamCheckOptions): HostCheck[] {
  return [
    checkOpenFiles(options),
    checkPorts(options),
    checkTracking(options),
    checkMemory(options),
    ...(options.config.source === "demo" ? [] : [checkConnections(options)]),
  ];
}

/** Looks for a shortage at each target; the worst gives the status. */
function judge(
  name: string,
  found: string,
  { targets }: StreamCheckOptions,
  find: (streams: number) => Shortage | null,
): HostCheck {
  let status: CheckStatus = "ok";
  const change: string[] = [];
  for (const { streams, required } of targets) {
    const shortage = find(streams);
    if (shortage === null) continue;
    if (required && shortage.certain) status = "fail";
    else if (status === "ok") status = "warn";
    change.push(`${showCount(streams)} streams: ${shortage.change}`);
  }
  return { name, status, found, change };
}

function unknown(name: string): HostCheck {
  return { name, status: "unknown", found: "unknown", change: [] };
}

function loadOf({ config, loops }: StreamCheckOptions, streams: number): Load {
  let endpoints = 0;
  for (const upstream of config.upstreams.values()) endpoints += upstream.endpoints.length;
  return { streams, loops, endpoints };
}

function checkOpenFiles(options: StreamCheckOptions): HostCheck {
  const { soft, hard, open, highest } = options.facts.openFiles;
  if (soft === undefined) return unknown("open files");
  const transport = costliestTransport(options.config);
  const found = `${showCount(soft)}${hard === soft || hard === undefined ? "" : ` (${showCount(hard)} at most)`}`;
  return judge("open files", `${found}${open === undefined ? "" : `, ${showCount(open)} open`}`, options, (streams) => {
    const load = loadOf(options, streams);
    const most = filesNeeded(load, transport === "http2" ? "http2" : "http1");
    if (most <= soft) return null;
    const certain = transport === "http1" || filesNeeded(load, "http2") > soft;
    const when = transport === "negotiated" ? " where no HTTP/2 is negotiated" : "";
    return { certain, change: `${showCount(most)} files${when}: ${raiseFileLimit(most, highest)}` };
  });
}

function checkPorts(options: StreamCheckOptions): HostCheck {
  const { config, facts, loops } = options;
  const name = "ephemeral ports";
  const ports = facts.network.ephemeralPorts;
  if (ports === undefined) return unknown(name);
  const upstreams = [...config.upstreams.values()].map((upstream) => {
    const http1 = upstream.endpoints.filter(({ url }) => transportTo(upstream, url) !== "http2");
    const negotiated = upstream.endpoints.some(({ url }) => transportTo(upstream, url) === "negotiated");
    const addresses = new Set(http1.map(({ url }) => url.origin)).size;
    // The demo's own bound says nothing about the upstreams to come.
    const most = config.source === "demo" ? Infinity : upstream.connections.max * http1.length * loops;
    return { addresses, negotiated, most };
  });
  const overHttp1 = upstreams.filter(({ addresses }) => addresses > 0);
  const allAddresses = overHttp1.reduce((sum, { addresses }) => sum + addresses, 0);
  const isSure = upstreams.every(({ addresses, negotiated }) => addresses > 0 && !negotiated);
  const found = `${ports.first}–${ports.last}: ${showCount(ports.usable)} connections to one upstream address`;
  return judge(name, found, options, (streams) => {
    const worst = Math.max(0, ...overHttp1.map(({ addresses, most }) => Math.min(streams, most) / addresses));
    if (worst <= ports.usable) return null;
    const certain = isSure && streams > allAddresses * ports.usable;
    return { certain, change: `${showCount(Math.ceil(worst))} to one address: ${morePorts(options, worst)}` };
  });
}

/** How to have `needed` connections to one address. */
function morePorts({ config, facts }: StreamCheckOptions, needed: number): string {
  const elsewhere = "more endpoint addresses, or http2: on";
  if (needed > WIDEST_PORTS.last - WIDEST_PORTS.first) return elsewhere;
  const reserved = facts.network.ephemeralPorts?.reserved ?? "";
  const isReserved = (port: number): boolean => portRanges(reserved).some(([from, to]) => port >= from && port <= to);
  const listening = [config.server.port, config.admin.port].filter(
    (port) => port >= WIDEST_PORTS.first && !isReserved(port),
  );
  const all = [...(reserved === "" ? [] : [reserved]), ...new Set(listening)].join(",");
  const keep =
    listening.length === 0 ? "" : ` and ${sysctl("net.ipv4.ip_local_reserved_ports", all)} for the listeners`;
  return `${widenPorts()}${keep}; or ${elsewhere}`;
}

/** A count of 0 says that no rule of the firewall asks for connections to be tracked. */
function checkTracking(options: StreamCheckOptions): HostCheck {
  const name = "net.netfilter.nf_conntrack_max";
  const { tracking } = options.facts.network;
  if (tracking === undefined || tracking.count === 0) {
    return { name, status: "ok", found: "the firewall tracks no connections", change: [] };
  }
  const transport = costliestTransport(options.config);
  return judge(name, `${showCount(tracking.max)}, ${showCount(tracking.count)} in use`, options, (streams) => {
    const needed = filesNeeded(loadOf(options, streams), transport === "http2" ? "http2" : "http1");
    if (needed <= tracking.max) return null;
    const limit = 2 ** Math.ceil(Math.log2(needed * 2));
    return {
      certain: false,
      change: `${showCount(needed)} connections: ${sysctl("net.netfilter.nf_conntrack_max", limit)}`,
    };
  });
}

function checkMemory(options: StreamCheckOptions): HostCheck {
  const { facts, config, loops } = options;
  const { limitBytes, limitedBy, availableBytes } = facts.memory;
  const bound = limitedBy === "machine" ? "" : ` by ${limitedBy}`;
  const found = `${showBytes(limitBytes)}${bound}, ${showBytes(availableBytes)} available`;
  return judge("memory", found, options, (streams) => {
    const needed = memoryNeeded(streams, loops);
    if (needed > limitBytes) return { certain: true, change: `about ${showBytes(needed)}: give the process more` };
    if (needed > availableBytes)
      return { certain: false, change: `about ${showBytes(needed)}: other programs have it` };
    const slowBytes = streams * config.streams.maxBufferBytes;
    if (needed + slowBytes <= limitBytes) return null;
    const keep = Math.floor((limitBytes - needed) / streams / 1024);
    const lower = keep >= 1 ? `streams.max_buffer: ${keep}KiB, or ` : "";
    return {
      certain: false,
      change: `up to ${showBytes(slowBytes)} wait if every client is slow: ${lower}give the process more`,
    };
  });
}

/** Clients are not spread evenly over the loops: each loop gets a quarter more room than its share. */
const SKEW = 1.25;

function checkConnections(options: StreamCheckOptions): HostCheck {
  const { config, loops } = options;
  let streamsAllowed = 0;
  let endpoints = 0;
  for (const upstream of config.upstreams.values()) {
    for (const { url } of upstream.endpoints) {
      const perConnection = transportTo(upstream, url) === "http1" ? 1 : STREAMS_PER_SESSION;
      streamsAllowed += upstream.connections.max * perConnection * loops;
      endpoints++;
    }
  }
  const found = `up to ${showCount(streamsAllowed)} streams, all endpoints and loops together`;
  return judge("connections.max", found, options, (streams) => {
    if (streams <= streamsAllowed) return null;
    const share = (streams / endpoints / loops) * (loops === 1 ? 1 : SKEW);
    const max = Math.ceil(share / 100) * 100;
    return { certain: false, change: `past it 503 upstream_saturated: connections: { max: ${max} }` };
  });
}
