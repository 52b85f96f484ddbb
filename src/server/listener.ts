/** node:http with the limits of a server that faces strangers. */
import { readFileSync } from "node:fs";
import http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ServerConfig } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import type { ErrorCode } from "../core/errors.ts";
import { openai } from "../dialects/openai/dialect.ts";

const MAX_HEADER_BYTES = 32 * 1024;
/** Slowloris: the whole head must be there by then, and head and body together by {@link REQUEST_TIMEOUT_MS}. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 120_000;
const CHECK_INTERVAL_MS = 2000;
/** Longer than the 60 s after which common load balancers drop an idle connection, so that they close it and not we. */
const KEEP_ALIVE_MS = 65_000;
/** Connections that the kernel holds for us while the loop is busy; cut to `net.core.somaxconn`. */
const BACKLOG = 4096;
/** Requests that a client may send ahead on one connection while an answer is under way. */
const MAX_PIPELINED = 16;

/** What to do with each request whose turn has come. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => void;

/** What a listener tells its loop. */
export interface ListenerEvents {
  readonly onRequest: RequestHandler;
  /** A socket's own timer has run out (only streams to slow clients set one). @returns whether it was taken care of. */
  onSocketTimeout(socket: Socket): boolean;
}

/** Makes the server; it does not listen yet. @throws when a TLS file can't be read. */
export function createListener(config: ServerConfig, events: ListenerEvents): http.Server {
  const options: http.ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  };
  const server =
    config.tls === undefined
      ? http.createServer(options)
      : https.createServer({
          ...options,
          cert: readFileSync(config.tls.certFile),
          key: readFileSync(config.tls.keyFile),
        });
  const pipelined = new WeakMap<Socket, number>();
  const inTurn = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    if (response.socket !== null) return events.onRequest(request, response, expectsContinue);
    // Sent ahead of an answer that is under way: node gives the response its socket when its turn comes.
    const waiting = (pipelined.get(request.socket) ?? 0) + 1;
    if (waiting > MAX_PIPELINED) return void request.socket.destroy();
    pipelined.set(request.socket, waiting);
    response.once("socket", () => {
      pipelined.set(request.socket, (pipelined.get(request.socket) ?? 1) - 1);
      events.onRequest(request, response, expectsContinue);
    });
  };
  server.on("request", (request, response) => inTurn(request, response, false));
  server.on("checkContinue", (request, response) => inTurn(request, response, true));
  server.on("checkExpectation", (_request, response: ServerResponse) => {
    const error = new GatewayError("expectation_failed");
    response.writeHead(error.status, { ...plainHeaders(error), connection: "close" });
    response.end(openai.errorBody(error));
  });
  server.on("clientError", answerClientError);
  server.on("timeout", (socket: Socket) => {
    if (!events.onSocketTimeout(socket)) socket.destroy();
  });
  return server;
}

/** Listens. @returns the port; rejects with an error that says what to do. */
export function listen(server: http.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const hint =
        error.code === "EADDRINUSE"
          ? `${host}:${port} is in use; choose another with --port or server.port`
          : error.code === "EACCES"
            ? `no permission to listen on ${host}:${port}; use a port above 1023`
            : `can't listen on ${host}:${port}: ${error.message}`;
      reject(new Error(hint));
    });
    server.listen({ host, port, backlog: BACKLOG }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** llhttp could not read the request, or it came too slowly. What follows on the connection can't be trusted. */
function answerClientError(cause: NodeJS.ErrnoException, socket: Duplex): void {
  if (cause.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  // An answer that has begun can't be taken back, and a second one must not be put behind it.
  if ((socket as Socket & { _httpMessage?: ServerResponse })._httpMessage?.headersSent === true) {
    return void socket.destroy();
  }
  const error = new GatewayError(clientErrorCode(cause.code));
  const body = openai.errorBody(error);
  const fields = { ...plainHeaders(error), connection: "close", "content-length": String(Buffer.byteLength(body)) };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${error.status} ${http.STATUS_CODES[error.status]}\r\n${head.join("")}\r\n${body}`);
}

function clientErrorCode(code: string | undefined): ErrorCode {
  if (code === "HPE_HEADER_OVERFLOW") return "headers_too_large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "request_timeout";
  return "bad_request";
}

function plainHeaders(error: GatewayError): Record<string, string> {
  return { "content-type": "application/json", "x-headwaiter-error": error.code };
}
