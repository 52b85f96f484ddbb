/** Method and path → what to do. Exact paths only: nothing a client writes ends up in an upstream's path. */
import { openai } from "../dialects/openai/dialect.ts";
import type { CallKind } from "../relay/call.ts";

/** What a path stands for. */
export type Route =
  | { readonly kind: "call"; readonly call: CallKind }
  | { readonly kind: "models" }
  | { readonly kind: "model"; readonly id: string }
  | { readonly kind: "live" }
  | { readonly kind: "ready" };

interface PathRoutes {
  readonly methods: readonly string[];
  readonly route: Route;
}

const pass = (path: string): PathRoutes => ({
  methods: ["POST"],
  route: { kind: "call", call: { kind: "pass", dialect: openai, path } },
});
const prompt = (path: string, raw: boolean): PathRoutes => ({
  methods: ["POST"],
  route: { kind: "call", call: { kind: "prompt", dialect: openai, path, raw } },
});
const read = (route: Route): PathRoutes => ({ methods: ["GET", "HEAD"], route });

const PATHS: ReadonlyMap<string, PathRoutes> = new Map([
  ["/v1/chat/completions", pass("/v1/chat/completions")],
  ["/v1/completions", pass("/v1/completions")],
  ["/v1/embeddings", pass("/v1/embeddings")],
  ["/v1/models", read({ kind: "models" })],
  ["/api/v1/generate-stream", prompt("/api/v1/generate-stream", false)],
  ["/api/v1/stream", prompt("/api/v1/stream", true)],
  ["/healthz", read({ kind: "live" })],
  ["/readyz", read({ kind: "ready" })],
]);
const MODEL_PREFIX = "/v1/models/";

/** @returns the route; the methods that the path takes instead; or `undefined` where there is nothing. */
export function findRoute(method: string, target: string): Route | readonly string[] | undefined {
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  const found = PATHS.get(path) ?? modelRoute(path);
  if (found === undefined) return undefined;
  return found.methods.includes(method) ? found.route : found.methods;
}

function modelRoute(path: string): PathRoutes | undefined {
  if (!path.startsWith(MODEL_PREFIX) || path.length === MODEL_PREFIX.length) return undefined;
  try {
    return read({ kind: "model", id: decodeURIComponent(path.slice(MODEL_PREFIX.length)) });
  } catch {
    return undefined;
  }
}
