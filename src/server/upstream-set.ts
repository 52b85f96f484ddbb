/** The upstreams of one config with their endpoints; a reload takes over the endpoints that have not changed. */
import type { BoardShare } from "../board/share.ts";
import type { Columns } from "../board/columns.ts";
import { endpointCounter } from "../config/counter-names.ts";
import type { ConfigSnapshot, UpstreamConfig } from "../config/snapshot.ts";
import { serverTraits } from "../dialects/openai/servers.ts";
import { DIALECTS, Upstream } from "../relay/runtime.ts";
import { SharedEndpoint } from "../relay/shared-endpoint.ts";
import type { LoopResources } from "../upstream/address.ts";
import { createEndpoint } from "../upstream/create-endpoint.ts";
import type { Endpoint } from "../upstream/exchange.ts";

interface Reading {
  readonly upstream: string;
  readonly endpoint: string;
  readonly outstanding: number;
}

/** What the endpoints of one config are made with. */
interface UpstreamSetOptions {
  readonly transport: LoopResources;
  readonly share: BoardShare;
  /** Of this config. */
  readonly columns: Columns;
  /** Endpoints that are the same in both are taken over, connections and all. */
  readonly previous?: UpstreamSet;
}

/** See the file's comment. */
export class UpstreamSet {
  readonly byName: ReadonlyMap<string, Upstream>;
  /** What an endpoint was made from → the endpoint. */
  readonly #endpoints = new Map<string, Endpoint>();

  /** Endpoints of earlier configs that still finish their exchanges, and whose they were. */
  readonly #retiring = new Map<Endpoint, string>();

  constructor(snapshot: ConfigSnapshot, { transport, share, columns, previous }: UpstreamSetOptions) {
    const byName = new Map<string, Upstream>();
    for (const config of snapshot.upstreams.values()) {
      const endpoints = config.endpoints.map(({ url }) => {
        const key = endpointKey(config, url);
        const endpoint = previous?.endpoint(key) ?? this.endpoint(key) ?? makeEndpoint(config, url, transport);
        this.#endpoints.set(key, endpoint);
        return new SharedEndpoint(endpoint, share, columns.get(endpointCounter(config.name, url))!);
      });
      byName.set(config.name, new Upstream(config, endpoints));
    }
    this.byName = byName;
    if (previous !== undefined) this.#inherit(previous);
  }

  /** @param key from {@link endpointKey}. */
  endpoint(key: string): Endpoint | undefined {
    return this.#endpoints.get(key);
  }

  *readings(): Iterable<Reading> {
    for (const [upstream, { endpoints }] of this.byName) {
      const own = new Set(endpoints.map(({ endpoint }) => endpoint));
      for (const { name, outstanding } of own) yield { upstream, endpoint: name, outstanding };
    }
    for (const [{ name, outstanding }, upstream] of this.#retiring) {
      if (outstanding > 0) yield { upstream, endpoint: name, outstanding };
    }
  }

  /** Connections to all endpoints. */
  connections(): number {
    let count = 0;
    for (const endpoint of this.#endpoints.values()) count += endpoint.connections;
    for (const endpoint of this.#retiring.keys()) count += endpoint.connections;
    return count;
  }

  /** Lets the endpoints go that `next` has not taken over. */
  retireAllBut(next: UpstreamSet): void {
    for (const [key, endpoint] of this.#endpoints) if (!next.#endpoints.has(key)) endpoint.retire();
  }

  destroy(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.destroy();
    for (const endpoint of this.#retiring.keys()) endpoint.destroy();
  }

  #inherit(previous: UpstreamSet): void {
    const kept = new Set(this.#endpoints.values());
    const own = [...previous.byName].flatMap(([name, { endpoints }]) =>
      endpoints.map(({ endpoint }) => [endpoint, name] as const),
    );
    for (const [endpoint, name] of [...own, ...previous.#retiring]) {
      if (!kept.has(endpoint) && endpoint.connections > 0) this.#retiring.set(endpoint, name);
    }
  }
}

function makeEndpoint(config: UpstreamConfig, url: URL, loop: LoopResources): Endpoint {
  const credentials = config.apiKey === undefined ? [] : credentialsFor(config, url, config.apiKey);
  return createEndpoint({
    url,
    headers: ["user-agent", "headwaiter", ...credentials],
    http2: config.http2,
    limits: config.connections,
    connectTimeoutMs: config.timeouts.connectMs,
    loop,
  });
}

function credentialsFor({ dialect }: UpstreamConfig, url: URL, apiKey: string): readonly string[] {
  const isAzure = dialect === "openai" && serverTraits(url.hostname).keyField === "api-key";
  return isAzure ? ["api-key", apiKey] : DIALECTS[dialect].credentials(apiKey);
}

/** Everything that an endpoint depends on, its upstream's name included: two upstreams never share connections. */
function endpointKey(config: UpstreamConfig, url: URL): string {
  const { name, dialect, apiKey, http2, connections, timeouts } = config;
  return JSON.stringify([name, dialect, apiKey, url.href, http2, connections, timeouts.connectMs]);
}
