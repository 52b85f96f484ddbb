/** `GET /v1/models`: what the config offers by name. A pattern is not a model and is not listed. */
import type { ConfigSnapshot } from "../config/snapshot.ts";

interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  /** The upstream that serves it. */
  readonly owned_by: string;
}

/** The OpenAI list object. */
export function modelList(snapshot: ConfigSnapshot): { object: "list"; data: ModelObject[] } {
  const data = snapshot.models.names().flatMap((name) => modelObject(snapshot, name) ?? []);
  return { object: "list", data };
}

/** One model, by exact name or through a pattern; `undefined` when the config does not know it. */
export function modelObject(snapshot: ConfigSnapshot, id: string): ModelObject | undefined {
  const route = snapshot.models.resolve(id);
  return route === undefined ? undefined : { id, object: "model", created: 0, owned_by: route.upstream.name };
}
