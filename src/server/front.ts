/**
 * A loop's front: takes requests from node:http, answers what needs no upstream, and hands calls to the relay.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Priority } from "../admission/fair-queue.ts";
import type { Gate } from "../admission/gate.ts";
import { GatewayError } from "../core/errors.ts";
import { anthropic } from "../dialects/anthropic/dialect.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { gemini } from "../dialects/gemini/dialect.ts";
import { openai } from "../dialects/openai/dialect.ts";
import { Call } from "../relay/call.ts";
import type { CallKind } from "../relay/call.ts";
import { serve } from "../relay/pipeline.ts";
import { refuse } from "../relay/refuse.ts";
import { jitteredMs, retryAfterHeaders } from "../relay/retry-after.ts";
import type { Runtime } from "../relay/runtime.ts";
import { settle } from "../relay/settle.ts";
import { readCredential } from "../tenants/credential.ts";
import type { KeyDirectory } from "../tenants/directory.ts";
import type { Identity } from "../tenants/identity.ts";
import { HttpClient } from "./http-client.ts";
import type { ClientResources } from "./http-client.ts";
import { bodyFault, framingFault } from "./hygiene.ts";
import type { Expectation } from "./listener.ts";
import { modelList, modelObject } from "./models.ts";
import { findRoute } from "./router.ts";

const IDEMPOTENCY = "idempotency-key";
/** Fields of a client's that are passed on to any upstream when they are present. Nothing else is but what its dialect has. */
const FORWARDED = [IDEMPOTENCY, "traceparent", "tracestate"] as const;
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const DRAIN_RETRY_MS = 1000;
const DISPOSABLE_BODY_BYTES = 64 * 1024;

/** What the front asks of its loop. */
export interface FrontOwner {
  readonly runtime: Runtime;
  readonly resources: ClientResources;
  /** Whose keys are known. */
  readonly keys: KeyDirectory;
  /** Takes no more calls. */
  readonly draining: boolean;
  /** Connections end with the answer they are at. */
  readonly closing: boolean;
  /** Who is let in; `null` where everybody is. */
  readonly gate: Gate | null;
  callStarted(call: Call): void;
  callSettled(call: Call): void;
}

/** Handles one request that node:http has parsed and whose turn on the connection has come. */
export function handleRequest(
  owner: FrontOwner,
  request: IncomingMessage,
  response: ServerResponse,
  expectation: Expectation,
): void {
  const id = requestId(request);
  const client = new HttpClient(request, response, owner.resources, expectation !== "none");
  const { gate } = owner;
  const keepsAlive = response.shouldKeepAlive;
  let shape: Dialect = spokenDialect(request);
  if (owner.closing || gate?.closesAnswer() === true) response.shouldKeepAlive = false;
  const answerRefusal = (error: GatewayError, ...more: string[]): void => {
    owner.runtime.metrics.refused.add(1, error.code);
    const headers = ["content-type", "application/json", "x-request-id", id, "x-headwaiter-error", error.code, ...more];
    if (error.retryAfterMs !== undefined) headers.push(...retryAfterHeaders(error.retryAfterMs));
    client.answer(error.status, headers, shape.errorBody(error));
  };
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  const framing = framingFault(request);
  if (framing !== undefined) return answerRefusal(framing);
  if (expectation === "unknown") return answerRefusal(new GatewayError("expectation_failed"));
  // A small body can be read and dropped after a refusal, and the connection kept.
  const isSmall = Number(request.headers["content-length"] ?? Infinity) <= DISPOSABLE_BODY_BYTES;
  if (!hasBody || (isSmall && expectation === "none")) client.markReceived();
  const route = findRoute(request.method ?? "", request.url ?? "");
  if (route === undefined) return answerRefusal(new GatewayError("route_not_found"));
  if (isMethodList(route)) return answerRefusal(new GatewayError("method_not_allowed"), "allow", route.join(", "));
  const json = (status: number, value: unknown): void =>
    client.answer(status, ["content-type", "application/json", "x-request-id", id], JSON.stringify(value));
  switch (route.kind) {
    case "live":
      return json(200, { status: "ok" });
    case "ready":
      if (owner.closing) return answerRefusal(draining());
      return gate?.level === "hard" ? answerRefusal(overloaded(gate)) : json(200, { status: "ready" });
    case "models": {
      shape = route.named ?? shape;
      const identity = identify(owner, request);
      if (identity instanceof GatewayError) return answerRefusal(identity);
      const routes = owner.runtime.snapshot.models.exact().filter(({ name }) => identity.allows(name));
      return json(200, modelList(shape, routes));
    }
    case "model": {
      shape = route.named ?? shape;
      const identity = identify(owner, request);
      if (identity instanceof GatewayError) return answerRefusal(identity);
      const found = owner.runtime.snapshot.models.resolve(route.id);
      return found === undefined || !identity.allows(route.id)
        ? answerRefusal(new GatewayError("model_not_found", { param: "model" }))
        : json(200, modelObject(shape, route.id, found));
    }
    case "call": {
      shape = route.call.dialect;
      if (gate !== null && !owner.draining && !gate.admit()) {
        // Counted, but no call and no line of the log: whoever is refused by the thousand has to cost next to nothing.
        owner.runtime.metrics.requests.add(1, shape.name, "", "", "refused");
        // It will come back, and does so cheaper on this connection than on another.
        response.shouldKeepAlive = keepsAlive && !owner.closing && !gate.connectionsCost;
        return answerRefusal(overloaded(gate));
      }
      const identity = identify(owner, request);
      if (identity instanceof GatewayError) {
        owner.runtime.metrics.requests.add(1, shape.name, "", "", "refused");
        return answerRefusal(identity);
      }
      const call = startCall(owner, route.call, { id, identity, client, request, response });
      const fault = owner.draining ? draining() : bodyFault(request);
      return fault === undefined ? serve(call) : refuse(call, fault);
    }
  }
}

interface Arrival {
  readonly id: string;
  readonly identity: Identity;
  readonly client: HttpClient;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function startCall(owner: FrontOwner, kind: CallKind, { id, identity, client, request, response }: Arrival): Call {
  const call = new Call({
    id,
    identity,
    priority: priorityOf(request, identity),
    kind,
    client,
    runtime: () => owner.runtime,
    forwardHeaders: forwardHeaders(request, kind.dialect, identity),
    onSettled: (settled) => owner.callSettled(settled),
  });
  owner.callStarted(call);
  // Comes once for every response: after its end, or when the client has left before.
  response.once("close", () => {
    client.close();
    if (call.settled) return;
    if (call.work === null) settle(call, "client_gone");
    else call.work.abort();
  });
  return call;
}

function identify({ keys }: FrontOwner, { headers, url = "" }: IncomingMessage): Identity | GatewayError {
  return keys.identify(readCredential(headers, url), Date.now());
}

/** A client may put itself behind its tenant's others, never before. */
function priorityOf({ headers }: IncomingMessage, { tenant }: Identity): Priority {
  return headers["x-headwaiter-priority"] === "batch" ? "batch" : tenant.priority;
}

function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

function forwardHeaders(request: IncomingMessage, { forwarded }: Dialect, { tenant, keyId }: Identity): string[] {
  const headers: string[] = [];
  for (const names of [FORWARDED, forwarded]) {
    for (const name of names) {
      const value = request.headers[name];
      if (typeof value !== "string") continue;
      // All tenants have one key at the provider: the same word of two of them must not be taken for the same request.
      headers.push(name, name === IDEMPOTENCY && keyId !== undefined ? `${tenant.name}:${value}` : value);
    }
  }
  return headers;
}

/** By the fields that its SDK sends with everything: where a path does not tell, they do. */
function spokenDialect({ headers }: IncomingMessage): Dialect {
  if (headers["anthropic-version"] !== undefined) return anthropic;
  return headers["x-goog-api-key"] === undefined && headers["x-goog-api-client"] === undefined ? openai : gemini;
}

function draining(): GatewayError {
  return new GatewayError("draining", { retryAfterMs: jitteredMs(DRAIN_RETRY_MS) });
}

function overloaded(gate: Gate): GatewayError {
  return new GatewayError("overloaded", { retryAfterMs: jitteredMs(gate.waitMs) });
}

function isMethodList(route: ReturnType<typeof findRoute>): route is readonly string[] {
  return Array.isArray(route);
}
