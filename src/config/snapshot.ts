/**
 * The config as the rest of the gateway sees it: complete, checked, references resolved. A snapshot never changes; a
 * reload makes another one, and a stream in flight keeps the one it started with.
 */
import type { LimitsSettings, PriceSettings } from "./limits-schema.ts";
import type { ModelTable } from "./model-table.ts";
import type { Settings } from "./schema.ts";

/** A wire API. */
export type Dialect = "openai" | "anthropic" | "gemini";

/**
 * Limits, each `undefined` where there is none. Per minute: in any 60 s; `usdPerHour`, `usdPerDay`, `usdPerMonth`: US dollars in
 * any 60 minutes, 24 hours, 30 days. `enforce`: whether a stream that has used up its tokens or money is ended.
 */
export type LimitsConfig = LimitsSettings;

/** What a model's tokens cost, US dollars per million. `cachedInputUsdPerMillion` `undefined`: as other input. */
export type Price = PriceSettings;

/** Who is billed and limited. */
export interface TenantConfig {
  readonly name: string;
  /** SHA-256 of keys, 64 lower-case hex digits each; those of the key store come besides. */
  readonly keyHashes: readonly string[];
  /** 1–1000. */
  readonly weight: number;
  readonly priority: "interactive" | "batch";
  /** Names, and patterns with one `*`; `undefined`: all. */
  readonly models: readonly string[] | undefined;
  readonly onDisconnect: "cancel" | "finish";
  readonly limits: LimitsConfig | undefined;
  /** For each key by itself. */
  readonly keyLimits: LimitsConfig | undefined;
  /** By a route's name, {@link ModelRoute.name}. */
  readonly modelLimits: ReadonlyMap<string, LimitsConfig>;
}

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
  /** How OpenAI's Responses API is served. */
  readonly responses: "auto" | "native" | "chat";
  /** Azure's; goes with every request. */
  readonly apiVersion: string | undefined;
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
  /** Requests under way at a time, all loops together; between `min` and `max` where it adapts; `undefined`: no cap. */
  readonly maxConcurrency: number | { readonly min: number; readonly max: number } | undefined;
  /** Where requests wait for it. `maxWaiting` 0: nobody waits. */
  readonly queue: { readonly maxWaiting: number; readonly maxWaitMs: number };
  /** What the provider grants this upstream's key. */
  readonly limits: LimitsConfig | undefined;
}

/** Where the requests for a model, or for all models that match a pattern, go. */
export interface ModelRoute {
  /** An exact name, or a pattern with one `*`. */
  readonly name: string;
  readonly upstream: UpstreamConfig;
  /** What the upstream calls it; `undefined` leaves the name that the client sent. */
  readonly model: string | undefined;
  /** As the config says; what is asked is `priceOf` of `prices.ts`. */
  readonly price: Price | undefined;
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
  /** What becomes of fields that have no place in an upstream's API. */
  readonly translate: "strict" | "lenient";
  /** `required` `false`: every client is the tenant `anonymous`, which `tenants` then holds. */
  readonly auth: { readonly required: boolean };
  /** `path` is absolute and need not exist. `redis` may hold a password: never logged. */
  readonly store: { readonly path: string; readonly redis: string | undefined };
  readonly tenants: ReadonlyMap<string, TenantConfig>;
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly models: ModelTable;
  /** Resolves in `models`. */
  readonly defaultModel: string | undefined;
}
