/** Method and path → what to do. Of what a client writes only a model's name gets into an upstream's path, as one segment. */
import { anthropic } from "../dialects/anthropic/dialect.ts";
import { gemini } from "../dialects/gemini/dialect.ts";
import { openai } from "../dialects/openai/dialect.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { openaiResponses } from "../dialects/openai/responses-dialect.ts";
import type { CallKind, PassKind } from "../relay/call.ts";

/** What a path stands for. */
export type Route =
  | { readonly kind: "call"; readonly call: CallKind }
  /** `named`: the dialect that the path stands for, where its headers need not be asked. */
  | { readonly kind: "models"; readonly named: Dialect | undefined }
  | { readonly kind: "model"; readonly id: string; readonly named: Dialect | undefined }
  | { readonly kind: "live" }
  | { readonly kind: "ready" };

interface PathRoutes {
  readonly methods: readonly string[];
  readonly route: Route;
}

const pass = (dialect: Dialect, route: string, more: Pick<PassKind, "front" | "counts"> = {}): [string, PathRoutes] => [
  route,
  // The route's path is the official one; an endpoint's URL holds the version.
  {
    methods: ["POST"],
    route: { kind: "call", call: { kind: "pass", dialect, route, path: route.replace(/^\/v1/, ""), ...more } },
  },
];
const prompt = (route: string, raw: boolean): [string, PathRoutes] => [
  route,
  { methods: ["POST"], route: { kind: "call", call: { kind: "prompt", dialect: openai, route, raw } } },
];
const read = (route: Route): PathRoutes => ({ methods: ["GET", "HEAD"], route });

const PATHS: ReadonlyMap<string, PathRoutes> = new Map([
  pass(openai, "/v1/chat/completions", { front: "openai_chat" }),
  pass(openaiResponses, "/v1/responses", { front: "openai_responses" }),
  pass(openai, "/v1/completions"),
  pass(openai, "/v1/embeddings"),
  pass(anthropic, "/v1/messages", { front: "anthropic" }),
  pass(anthropic, "/v1/messages/count_tokens", { counts: true }),
  prompt("/api/v1/generate-stream", false),
  prompt("/api/v1/stream", true),
  ["/v1/models", read({ kind: "models", named: undefined })],
  ["/v1beta/models", read({ kind: "models", named: gemini })],
  ["/healthz", read({ kind: "live" })],
  ["/readyz", read({ kind: "ready" })],
]);

/** Gemini's methods on a model. */
const VERBS: ReadonlySet<string> = new Set([
  "generateContent",
  "streamGenerateContent",
  "countTokens",
  "embedContent",
  "batchEmbedContents",
]);
/** As the provider makes them; nothing that could be read as another path. */
const STORED_PATH = /^\/v1\/responses\/([A-Za-z0-9_-]{1,128})(\/cancel)?$/;
/** What a client may ask of the provider about a stored response. */
const STORED_QUERY = ["include", "include[]", "starting_after", "stream"] as const;
const MODEL_PATH = /^\/(v1|v1beta)\/models\/([^/]+)$/;

/** @returns the route; the methods that the path takes instead; or `undefined` where there is nothing. */
export function findRoute(method: string, target: string): Route | readonly string[] | undefined {
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark + 1);
  const found = PATHS.get(path) ?? modelRoute(path, query) ?? storedRoute(method, path, query);
  if (found === undefined) return undefined;
  return found.methods.includes(method) ? found.route : found.methods;
}

function modelRoute(path: string, query: string): PathRoutes | undefined {
  const [, version, segment] = MODEL_PATH.exec(path) ?? [];
  if (version === undefined || segment === undefined) return undefined;
  try {
    // A model's name may hold a colon, so what counts is the last, and what follows it.
    const colon = segment.lastIndexOf(":");
    const verb = segment.slice(colon + 1);
    if (colon > 0 && VERBS.has(verb)) return geminiRoute(decodeURIComponent(segment.slice(0, colon)), verb, query);
    return read({ kind: "model", id: decodeURIComponent(segment), named: version === "v1beta" ? gemini : undefined });
  } catch {
    return undefined;
  }
}

function storedRoute(method: string, path: string, query: string): PathRoutes | undefined {
  const [, id, cancel] = STORED_PATH.exec(path) ?? [];
  if (id === undefined) return undefined;
  const asked = new URLSearchParams(query);
  const passed = new URLSearchParams();
  for (const name of STORED_QUERY) for (const value of asked.getAll(name)) passed.append(name, value);
  const rest = passed.size === 0 ? "" : `?${passed.toString()}`;
  const call: CallKind = {
    kind: "stored",
    dialect: openaiResponses,
    route: `/v1/responses/{id}${cancel ?? ""}`,
    method: cancel !== undefined ? "POST" : method === "DELETE" ? "DELETE" : "GET",
    path: `/responses/${id}${cancel ?? ""}${rest}`,
    model: asked.get("model") ?? undefined,
    stream: asked.get("stream") === "true",
  };
  return { methods: cancel === undefined ? ["GET", "DELETE"] : ["POST"], route: { kind: "call", call } };
}

function geminiRoute(model: string, verb: string, query: string): PathRoutes {
  const stream = verb === "streamGenerateContent";
  const sse = new URLSearchParams(query).get("alt") === "sse";
  const call: CallKind = {
    kind: "pass",
    dialect: gemini,
    route: `/v1beta/models/{model}:${verb}`,
    path: (name) => `/models/${encodeURIComponent(name)}:${verb}${stream && sse ? "?alt=sse" : ""}`,
    named: { model, stream },
    framing: stream && !sse ? "json_array" : "sse",
    ...(verb === "generateContent" || stream ? { front: "gemini" } : {}),
    ...(verb === "countTokens" ? { counts: true } : {}),
  };
  return { methods: ["POST"], route: { kind: "call", call } };
}
