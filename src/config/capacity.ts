/** What streams cost, and how many of them a config asks for. */
import { CONFIG } from "./schema.ts";
import type { ConfigSnapshot, UpstreamConfig } from "./snapshot.ts";

/** How a stream reaches its upstream. `negotiated`: over TLS, the peer chooses. */
export type Transport = "http1" | "http2" | "negotiated";

/** Streams that share one HTTP/2 connection, unless the peer allows fewer. */
export const STREAMS_PER_SESSION = 100;

/** The target of docs/performance.md, twice what was measured: the kernel's own part of a socket is not in RSS. */
const STREAM_BYTES = 40 * 1024;
/** A process that has answered its first requests, without its loops. */
const PROCESS_BYTES = 100 * 1024 * 1024;
/** A loop's heap, code and buffers before its first stream. */
const LOOP_BYTES = 50 * 1024 * 1024;
/** Files of the process's own: modules, log, listeners, SQLite, name lookups; about 40 seen. */
const PROCESS_FILES = 100;
/** A thread's own: seven for its event loop, and its listener. */
const LOOP_FILES = 10;

/** Streams, and what carries them. */
export interface Load {
  readonly streams: number;
  readonly loops: number;
  /** Addresses of all upstreams: each loop has a connection of its own to each. */
  readonly endpoints: number;
}

/** @returns files that must be open at a time: a socket to each client, those to upstreams, and the process's own. */
export function filesNeeded({ streams, loops, endpoints }: Load, transport: "http1" | "http2"): number {
  const sessions = Math.min(streams, Math.ceil(streams / STREAMS_PER_SESSION) + loops * endpoints);
  const upstream = transport === "http1" ? streams : sessions;
  return streams + upstream + ownFiles(loops);
}

/** @returns how many streams a process with that limit can hold over HTTP/1.1, two sockets each. */
export function streamsHeld(openFiles: number, loops: number): number {
  return Math.max(0, Math.floor((openFiles - ownFiles(loops)) / 2));
}

/** @returns resident bytes with clients that keep up: what waits for slow ones comes on top. */
export function memoryNeeded(streams: number, loops: number): number {
  return PROCESS_BYTES + loops * LOOP_BYTES + streams * STREAM_BYTES;
}

function ownFiles(loops: number): number {
  return PROCESS_FILES + loops * LOOP_FILES;
}

/** @returns how streams reach an endpoint of the upstream. */
export function transportTo({ http2 }: Pick<UpstreamConfig, "http2">, url: URL): Transport {
  if (http2 === "on") return "http2";
  return http2 === "auto" && url.protocol === "https:" ? "negotiated" : "http1";
}

/** @returns the costliest transport among all endpoints: HTTP/1.1, then what is negotiated. */
export function costliestTransport(config: ConfigSnapshot): Transport {
  const found = new Set<Transport>();
  for (const upstream of config.upstreams.values())
    for (const { url } of upstream.endpoints) found.add(transportTo(upstream, url));
  return found.has("http1") ? "http1" : found.has("negotiated") ? "negotiated" : "http2";
}

const unset = CONFIG.schema.parse({
  upstreams: { any: { endpoints: [{ url: "http://127.0.0.1/" }] } },
  models: { any: { upstream: "any" } },
});

/** What holds where nobody has chosen. */
export const DEFAULTS = {
  connectionsMax: unset.upstreams.get("any")!.connections.max,
  maxBufferBytes: unset.streams.maxBufferBytes,
} as const;

/** What somebody has asked for, as far as the config shows it. */
export interface CapacityAsked {
  /** Streams over HTTP/1.1 that a raised `connections.max` is there for, all endpoints together; 0 where none is raised. */
  readonly raisedStreams: number;
  /** The same by address (`http://10.0.0.1:8000`). */
  readonly raisedByAddress: ReadonlyMap<string, number>;
  /** Streams to be ready for: those, or what one endpoint may have by default. */
  readonly streams: number;
}

/**
 * What the config asks for. A default asks for nothing: `connections.max` counts where it is above its own. It holds for each
 * loop; where `workers: auto` has chosen how many there are, nobody has asked for a multiple of it. Over HTTP/2 it bounds
 * connections and says nothing about streams; what is negotiated may be HTTP/2.
 */
export function capacityAsked(config: ConfigSnapshot, loops: number): CapacityAsked {
  const chosenLoops = config.server.workers === "auto" ? 1 : loops;
  const raisedByAddress = new Map<string, number>();
  let raisedStreams = 0;
  let atLeast = 0;
  for (const upstream of config.upstreams.values()) {
    const { max } = upstream.connections;
    atLeast = Math.max(atLeast, Math.min(max, DEFAULTS.connectionsMax));
    // The demo's own bound for its simulated model is as high as any host goes.
    if (max <= DEFAULTS.connectionsMax || config.source === "demo") continue;
    for (const { url } of upstream.endpoints) {
      if (transportTo(upstream, url) !== "http1") continue;
      raisedStreams += max * chosenLoops;
      raisedByAddress.set(url.origin, (raisedByAddress.get(url.origin) ?? 0) + max * chosenLoops);
    }
  }
  return { raisedStreams, raisedByAddress, streams: Math.max(raisedStreams, atLeast) };
}
