/** What `serve` says at start when the config asks for more than the host can hold. */
import { capacityAsked, DEFAULTS, filesNeeded, memoryNeeded, streamsHeld, transportTo } from "../config/capacity.ts";
import type { CapacityAsked } from "../config/capacity.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import type { HostLimits } from "../observe/host.ts";
import { raiseFileLimit, showBytes, showCount, widenPorts } from "./host-advice.ts";

/**
 * Warnings for the log, each with what to change; none where the host can hold what was asked for. What nobody has chosen is
 * not asked for (see {@link capacityAsked}): with the defaults it speaks up on a host that can't hold even 1,000 streams.
 *
 * @param loops event loops that run, 1 or more.
 */
export function capacityWarnings(config: ConfigSnapshot, loops: number, host: HostLimits): string[] {
  const asked = capacityAsked(config, loops);
  const { workers } = config.server;
  return [
    ...fileWarnings(config, asked, loops, host),
    ...portWarnings(asked, host),
    ...memoryWarnings(config, asked, loops, host),
    ...(workers !== "auto" && workers > host.cpus
      ? [`server.workers: ${workers} event loops share ${host.cpus} CPUs; more than one for each only adds to the cost`]
      : []),
  ];
}

function fileWarnings(config: ConfigSnapshot, asked: CapacityAsked, loops: number, host: HostLimits): string[] {
  const upstreams = [...config.upstreams.values()];
  const endpoints = upstreams.reduce((sum, upstream) => sum + upstream.endpoints.length, 0);
  const usesHttp1 = upstreams.some((upstream) =>
    upstream.endpoints.some(({ url }) => transportTo(upstream, url) === "http1"),
  );
  const files = filesNeeded({ streams: asked.streams, loops, endpoints }, usesHttp1 ? "http1" : "http2");
  if (files <= host.openFiles) return [];
  const change = raiseFileLimit(files);
  if (asked.raisedStreams === 0) {
    const held = usesHttp1
      ? `about ${showCount(streamsHeld(host.openFiles, loops))} streams`
      : "fewer streams than usual";
    return [`this process may open ${showCount(host.openFiles)} files, enough for ${held}: ${change}`];
  }
  return [
    `connections.max asks for up to ${showCount(asked.raisedStreams)} connections to endpoints, with as many clients ` +
      `${showCount(files)} open files; this process may open ${showCount(host.openFiles)}, past which no client can ` +
      `connect: lower it, or ${change}`,
  ];
}

function portWarnings({ raisedByAddress }: CapacityAsked, { portsPerAddress }: HostLimits): string[] {
  return [...raisedByAddress]
    .filter(([, connections]) => connections > portsPerAddress)
    .map(
      ([address, connections]) =>
        `connections.max asks for up to ${showCount(connections)} connections to ${address}; this host has ` +
        `${showCount(portsPerAddress)} ports for one address: ${widenPorts()}, more addresses, or http2: on`,
    );
}

function memoryWarnings(config: ConfigSnapshot, asked: CapacityAsked, loops: number, host: HostLimits): string[] {
  const { maxBufferBytes } = config.streams;
  const bytes = memoryNeeded(asked.streams, loops);
  const limit = showBytes(host.memoryBytes);
  if (bytes > host.memoryBytes) {
    return [
      `${showCount(asked.streams)} streams take about ${showBytes(bytes)} of memory; this process may use ${limit}`,
    ];
  }
  const isChosen = asked.raisedStreams > 0 || maxBufferBytes > DEFAULTS.maxBufferBytes;
  const slowBytes = asked.streams * maxBufferBytes;
  if (!isChosen || bytes + slowBytes <= host.memoryBytes) return [];
  return [
    `streams.max_buffer lets ${showCount(asked.streams)} slow clients hold ${showBytes(slowBytes)}; this process may use ` +
      `${limit}: lower it, or connections.max`,
  ];
}
