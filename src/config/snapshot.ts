/**
 * The config as the rest of the gateway sees it: complete, checked, references resolved. A snapshot never changes; a
 * reload makes another one, and a stream in flight keeps the one it started with.
 */
import type { ModelTable } from "./model-table.ts";
import type { Settings } from "./schema.ts";

/** A wire API. */
export type Dialect = "openai" | "anthropic" | "gemini";

/** One address of an upstream. */
interface EndpointConfig {
  /**
   * http: or https:, without credentials, query or fragment. The path has no slash at its end, except that a URL without
   * a path has `/` (a `URL` cannot do otherwise): what is put below it starts with a slash of its own.
   */
  readonly url: URL;
}

/** A provider, or a group of replicas. */
export interface UpstreamConfig {
  readonly name: string;
  readonly dialect: Dialect;
  /** Visible ASCII. Never logged, never sent to a client. */
  readonly apiKey: string | undefined;
  /** Demo only: the variable whose absence makes this upstream answer `upstream_key_missing`. */
  readonly missingKeyVariable: string | undefined;
  /** At least one. */
  readonly endpoints: readonly EndpointConfig[];
  /** `auto` means HTTP/1.1 over http: and ALPN over https:; `on` over http: means prior knowledge. */
  readonly http2: "auto" | "on" | "off";
  /** For each endpoint. */
  readonly connections: { readonly max: number; readonly keepAliveMax: number; readonly keepAliveMs: number };
  readonly timeouts: {
    readonly connectMs: number;
    readonly firstByteMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
}

/** Where the requests for a model, or for all models that match a pattern, go. */
export interface ModelRoute {
  /** An exact name, or a pattern with one `*`. */
  readonly name: string;
  readonly upstream: UpstreamConfig;
  /** What the upstream calls it; `undefined` leaves the name that the client sent. */
  readonly model: string | undefined;
}

/** The listener for clients. `tls` holds absolute paths. */
export type ServerConfig = Settings["server"];
/** The listener for metrics and administration. */
type AdminConfig = Settings["admin"];
/** How streams to clients behave. `heartbeatMs` 0 means none. */
type StreamsConfig = Settings["streams"];
/** What images in requests are brought to; `undefined` leaves them as they are. */
type ImagesConfig = Settings["images"];
/** What is counted here. */
type UsageConfig = Settings["usage"];

/** One whole config. */
export interface ConfigSnapshot {
  /** 12 hex digits of the SHA-256 of the effective config, secrets excluded: the same config has the same version. */
  readonly version: string;
  /** The config file's path as it was given, or `demo`. */
  readonly source: string;
  readonly server: ServerConfig;
  readonly admin: AdminConfig;
  readonly streams: StreamsConfig;
  readonly images: ImagesConfig;
  readonly usage: UsageConfig;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly models: ModelTable;
  /** Resolves in `models`. */
  readonly defaultModel: string | undefined;
}
