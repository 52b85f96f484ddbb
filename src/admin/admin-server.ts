/**
 * The admin plane: a listener of its own, so that metrics and readiness still answer when the data plane is full.
 */
import { timingSafeEqual, createHash } from "node:crypto";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";

/** The `server` field of every answer here. */
export const ADMIN_SERVER_NAME = "headwaiter";
const API = "/admin/v1/";
const READ = ["GET", "HEAD"] as const;
/** A client that neither asks nor reads for so long is cut. */
const SOCKET_TIMEOUT_MS = 30_000;

/** What the admin plane shows and does. */
export interface AdminSubject {
  /** Why no new work should come; `null` when it may. */
  readonly notReady: ErrorCode | null;
  /** Every metric, in Prometheus' text format. */
  metrics(): Promise<string>;
  /** The present state, as JSON; secrets excluded. */
  status(): object;
  /** Reads the config again. @returns what is wrong with it, line by line; empty when it was taken over. */
  reload(): Promise<readonly string[]>;
}

/** Makes the server; it does not listen yet. @param token bearer token for `/admin/v1`; without one that part is closed. */
export function createAdminServer(subject: AdminSubject, token: () => string | undefined): http.Server {
  const server = http.createServer({ headersTimeout: 5000, requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    // So that a process that finds the port taken can tell who has it.
    response.setHeader("server", ADMIN_SERVER_NAME);
    answer(request, response).catch((error: Error) => {
      if (response.headersSent) response.destroy();
      else refuse(response, new GatewayError("internal", { detail: error.message }));
    });
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? "").split("?", 1)[0]!;
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) return refuse(response, new GatewayError("route_not_found"));
    if (!route.methods.includes(request.method ?? "")) {
      response.setHeader("allow", route.methods.join(", "));
      return refuse(response, new GatewayError("method_not_allowed"));
    }
    if (path.startsWith(API) && !isAuthorized(request, token())) {
      return refuse(response, new GatewayError("unauthorized"));
    }
    await route.answer(response);
  };
  const routes: Readonly<Record<string, Route>> = {
    "/metrics": {
      methods: READ,
      answer: async (response) =>
        send(response, 200, "text/plain; version=0.0.4; charset=utf-8", await subject.metrics()),
    },
    "/healthz": { methods: READ, answer: (response) => sendJson(response, 200, { status: "ok" }) },
    "/readyz": {
      methods: READ,
      answer(response) {
        if (subject.notReady === null) return sendJson(response, 200, { status: "ready" });
        refuse(response, new GatewayError(subject.notReady, { retryAfterMs: 1000 }));
      },
    },
    [`${API}status`]: { methods: READ, answer: (response) => sendJson(response, 200, subject.status()) },
    [`${API}reload`]: {
      methods: ["POST"],
      async answer(response) {
        const faults = await subject.reload();
        if (faults.length === 0) return sendJson(response, 200, subject.status());
        refuse(response, new GatewayError("config_invalid", { message: faults.join("\n") }));
      },
    },
  };
  server.setTimeout(SOCKET_TIMEOUT_MS);
  return server;
}

interface Route {
  readonly methods: readonly string[];
  answer(response: ServerResponse): void | Promise<void>;
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
