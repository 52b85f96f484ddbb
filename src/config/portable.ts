/**
 * A snapshot as plain data, to be sent to another thread: a structured clone knows neither `URL` nor our classes, and would
 * copy an upstream once for each model that refers to it.
 */
import { ModelTable } from "./model-table.ts";
import type { ConfigSnapshot, ModelRoute, Price, UpstreamConfig } from "./snapshot.ts";

/** See the file's comment. Holds the providers' keys: never to be logged. */
export interface PortableConfig {
  readonly rest: Omit<ConfigSnapshot, "upstreams" | "models">;
  readonly upstreams: readonly (Omit<UpstreamConfig, "endpoints"> & { readonly urls: readonly string[] })[];
  readonly routes: readonly {
    readonly name: string;
    readonly upstream: string;
    readonly model: string | undefined;
    readonly price: Price | undefined;
  }[];
}

/** @returns what {@link fromPortable} makes an equal snapshot of. */
export function toPortable(snapshot: ConfigSnapshot): PortableConfig {
  const { upstreams, models, ...rest } = snapshot;
  return {
    rest,
    upstreams: Array.from(upstreams.values(), ({ endpoints, ...upstream }) => ({
      ...upstream,
      urls: endpoints.map(({ url }) => url.href),
    })),
    routes: models
      .routes()
      .map(({ name, upstream, model, price }) => ({ name, upstream: upstream.name, model, price })),
  };
}

/** @returns the snapshot, version and all. */
export function fromPortable({ rest, upstreams: portable, routes }: PortableConfig): ConfigSnapshot {
  const upstreams = new Map<string, UpstreamConfig>();
  for (const { urls, ...upstream } of portable) {
    upstreams.set(upstream.name, { ...upstream, endpoints: urls.map((url) => ({ url: new URL(url) })) });
  }
  const models = routes.map(({ name, upstream, model, price }): ModelRoute => ({
    name,
    upstream: upstreams.get(upstream)!,
    model,
    price,
  }));
  return { ...rest, upstreams, models: new ModelTable(models) };
}
