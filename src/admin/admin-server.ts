/**
 * The admin plane: a listener of its own, so that metrics and readiness still answer when the data plane is full.
 */
import { timingSafeEqual, createHash } from "node:crypto";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../core/errors.ts";
import { exposition } from "../observe/metric.ts";
import type { Metrics } from "../observe/metrics.ts";

/** A client that neither asks nor reads for so long is cut. */
const SOCKET_TIMEOUT_MS = 30_000;

/** What the admin plane shows. */
export interface AdminSubject {
  readonly metrics: Metrics;
  readonly draining: boolean;
  /** The present state, as JSON; secrets excluded. */
  status(): object;
}

/** Makes the server; it does not listen yet. @param token bearer token for `/admin/v1`; without one that part is closed. */
export function createAdminServer(subject: AdminSubject, token: () => string | undefined): http.Server {
  const server = http.createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return refuse(response, new GatewayError("method_not_allowed"));
    }
    switch (path) {
      case "/metrics":
        return send(response, 200, "text/plain; version=0.0.4; charset=utf-8", exposition(subject.metrics.all()));
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz":
        if (subject.draining) return refuse(response, new GatewayError("draining", { retryAfterMs: 1000 }));
        return sendJson(response, 200, { status: "ready" });
      case "/admin/v1/status":
        if (!isAuthorized(request, token())) return refuse(response, new GatewayError("unauthorized"));
        return sendJson(response, 200, subject.status());
      default:
        return refuse(response, new GatewayError("route_not_found"));
    }
  });
  server.setTimeout(SOCKET_TIMEOUT_MS);
  return server;
}

function isAuthorized(request: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return false;
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  // Hashed first, so that neither content nor length shows in the time it takes.
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function refuse(response: ServerResponse, error: GatewayError): void {
  response.setHeader("x-headwaiter-error", error.code);
  if (error.code === "unauthorized") response.setHeader("www-authenticate", "Bearer");
  if (error.retryAfterMs !== undefined) response.setHeader("retry-after", Math.ceil(error.retryAfterMs / 1000));
  sendJson(response, error.status, { error: { code: error.code, message: error.message } });
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, "application/json", JSON.stringify(value));
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
