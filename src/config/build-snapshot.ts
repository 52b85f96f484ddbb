/** Parsed settings → snapshot: references become objects, and the whole gets its version. */
import { createHash } from "node:crypto";
import { resolve } from "node:path";

import { ModelTable } from "./model-table.ts";
import type { Settings, UpstreamSettings } from "./schema.ts";
import type { ConfigSnapshot, ModelRoute, UpstreamConfig } from "./snapshot.ts";
import { buildTenants } from "./tenants.ts";

interface BuildOptions {
  /** The config file's path as given, or `demo`. */
  readonly source: string;
  /** What relative file names are relative to. */
  readonly directory: string;
  /** Upstream → the variable that would hold its key. @default none */
  readonly missingKeyVariables?: ReadonlyMap<string, string>;
}

/** Builds the snapshot. `settings` must have passed the cross checks: each model's upstream exists. */
export function buildSnapshot(settings: Settings, options: BuildOptions): ConfigSnapshot {
  const upstreams = new Map<string, UpstreamConfig>();
  for (const [name, upstream] of settings.upstreams) {
    upstreams.set(name, buildUpstream(name, upstream, options.missingKeyVariables?.get(name)));
  }
  const routes = [...settings.models].map(([name, model]): ModelRoute => ({
    name,
    upstream: upstreams.get(model.upstream)!,
    model: model.model,
    price: model.price,
  }));
  const required = settings.auth.required ?? settings.tenants !== undefined;
  const { tls } = settings.server;
  const absolute = (file: string): string => resolve(options.directory, file);
  return withVersion({
    source: options.source,
    server: {
      ...settings.server,
      tls: tls === undefined ? undefined : { certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) },
    },
    admin: settings.admin,
    streams: settings.streams,
    images: settings.images,
    usage: settings.usage,
    translate: settings.translate,
    auth: { required },
    store: { path: absolute(settings.store.path), redis: settings.store.redis?.href },
    tenants: buildTenants(settings.tenants, required),
    upstreams,
    models: new ModelTable(routes),
    defaultModel: settings.defaultModel,
  });
}

function buildUpstream(
  name: string,
  settings: UpstreamSettings,
  missingKeyVariable: string | undefined,
): UpstreamConfig {
  const { maxConcurrency: cap, ...rest } = settings;
  const maxConcurrency = typeof cap === "object" ? cap.adaptive : cap;
  return { name, missingKeyVariable, ...rest, maxConcurrency };
}

interface Overrides {
  readonly host?: string;
  /** 0–65535; 0 takes any free port. */
  readonly port?: number;
  readonly adminPort?: number;
  readonly workers?: "auto" | number;
}

/** The same config with what the command line says otherwise: `--host`, `--port`, `--workers`. Gets a version of its own. */
export function withOverrides(snapshot: ConfigSnapshot, overrides: Overrides): ConfigSnapshot {
  const { server } = snapshot;
  const {
    host = server.host,
    port = server.port,
    workers = server.workers,
    adminPort = snapshot.admin.port,
  } = overrides;
  return withVersion({
    ...snapshot,
    server: { ...server, host, port, workers },
    admin: { ...snapshot.admin, port: adminPort },
  });
}

/**
 * The same config where `current` listens and keeps its data: a reload changes neither host nor port, nor whether TLS is spoken,
 * nor the store. The files of a certificate may be others.
 */
export function withListenersOf(current: ConfigSnapshot, snapshot: ConfigSnapshot): ConfigSnapshot {
  const { host, port, tls } = current.server;
  const kept = tls === undefined ? undefined : (snapshot.server.tls ?? tls);
  return withVersion({
    ...snapshot,
    server: { ...snapshot.server, host, port, tls: kept },
    admin: { ...snapshot.admin, host: current.admin.host, port: current.admin.port },
    store: current.store,
  });
}

function withVersion(config: Omit<ConfigSnapshot, "version">): ConfigSnapshot {
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  const { server, streams, images, usage, translate, auth, defaultModel } = config;
  // Whether there is a secret counts, what it is does not: a version is logged, and a short secret could be guessed from it.
  const effective = {
    server,
    admin: { ...config.admin, token: config.admin.token !== undefined },
    streams,
    images,
    usage,
    translate,
    auth,
    store: { path: config.store.path, redis: withoutPassword(config.store.redis) },
    tenants: [...config.tenants.values()]
      .sort(byName)
      .map(({ modelLimits, ...tenant }) => [tenant, [...modelLimits].sort(([a], [b]) => (a < b ? -1 : 1))]),
    upstreams: [...config.upstreams.values()]
      .sort(byName)
      .map((upstream) => [{ ...upstream, apiKey: undefined }, upstream.apiKey !== undefined]),
    models: config.models
      .routes()
      .sort(byName)
      .map(({ name, upstream, model, price }) => ({ name, upstream: upstream.name, model, price })),
    defaultModel,
  };
  const version = createHash("sha256").update(JSON.stringify(effective)).digest("hex").slice(0, 12);
  return { ...config, version };
}

function withoutPassword(redis: string | undefined): string | undefined {
  if (redis === undefined) return undefined;
  const url = new URL(redis);
  if (url.password !== "") url.password = "set";
  return url.href;
}
