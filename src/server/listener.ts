/** node:http with the limits of a server that faces strangers. */
import { randomUUID } from "node:crypto";
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
import { lingering, lingerThenDestroy } from "./lingering.ts";

const MAX_HEADER_BYTES = 32 * 1024;
/** Connections that the kernel holds for us while the loop is busy; cut to `net.core.somaxconn`. */
export const BACKLOG = 4096;
/** Requests that a client may send ahead on one connection while an answer is under way. */
const MAX_PIPELINED = 16;

/** How long a client may take to send; milliseconds. */
export interface ListenerTimeouts {
  /** Slowloris: the whole head must be there by then. */
  readonly headersMs: number;
  /** And head and body together by then. */
  readonly requestMs: number;
  /** How often these two are looked at: they strike at most so much late. */
  readonly checkIntervalMs: number;
  /** An idle connection is kept so long. */
  readonly keepAliveMs: number;
}

/** Idle for longer than the 60 s after which common load balancers drop a connection, so that they close it and not we. */
const TIMEOUTS: ListenerTimeouts = {
  headersMs: 15_000,
  requestMs: 120_000,
  checkIntervalMs: 2000,
  keepAliveMs: 65_000,
};

/** What a request's `Expect` field asks for. */
export type Expectation = "none" | "continue" | "unknown";

/** What to do with each request whose turn has come. */
type RequestHandler = (request: IncomingMessage, response: ServerResponse, expectation: Expectation) => void;

/** What a listener tells its loop. */
export interface ListenerEvents {
  readonly onRequest: RequestHandler;
  /** A request was refused that could not be read. */
  onUnreadable(code: ErrorCode): void;
  /** A socket's own timer has run out (slow clients have one). @returns whether it was taken care of. */
  onSocketTimeout(socket: Socket): boolean;
}

/** Makes the server; it does not listen yet. @throws when a TLS file can't be read. */
export function createListener(
  config: ServerConfig,
  events: ListenerEvents,
  timeouts: Partial<ListenerTimeouts> = {},
): http.Server {
  const { headersMs, requestMs, checkIntervalMs, keepAliveMs } = { ...TIMEOUTS, ...timeouts };
  const options: http.ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkIntervalMs,
    keepAliveTimeout: keepAliveMs,
    // Looked at by us, so that the refusal has our shape.
    requireHostHeader: false,
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
          // Node's own is two minutes.
          handshakeTimeout: headersMs,
        });
  // Fields past node's limit of 2,000 would not be refused but dropped, and with them a second Host. Their size is limited.
  server.maxHeadersCount = 0;
  const inTurn = turnKeeper(events.onRequest);
  server.on("request", (request, response) => inTurn(request, response, "none"));
  server.on("checkContinue", (request, response) => inTurn(request, response, "continue"));
  server.on("checkExpectation", (request, response) => inTurn(request, response, "unknown"));
  server.on("clientError", (cause: NodeJS.ErrnoException, socket) => {
    const code = answerClientError(cause, socket);
    if (code !== undefined) events.onUnreadable(code);
  });
  server.on("timeout", (socket: Socket) => {
    if (!events.onSocketTimeout(socket)) socket.destroy();
  });
  return server;
}

/** New connections get what the TLS files hold now: certificates are renewed under the same name. @throws when unreadable. */
export function renewCertificate(server: http.Server, { tls }: ServerConfig): void {
  if (tls === undefined || !(server instanceof https.Server)) return;
  server.setSecureContext({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) });
}

/** Hands requests on one at a time per connection, in the order in which they came. */
function turnKeeper(onRequest: RequestHandler): RequestHandler {
  const waitingOn = new WeakMap<Socket, number>();
  return (request, response, expectation) => {
    if (response.socket !== null) return onRequest(request, response, expectation);
    // Sent ahead of an answer that is under way: node gives the response its socket when its turn comes.
    const waiting = (waitingOn.get(request.socket) ?? 0) + 1;
    if (waiting > MAX_PIPELINED) return void request.socket.destroy();
    waitingOn.set(request.socket, waiting);
    response.once("socket", () => {
      waitingOn.set(request.socket, (waitingOn.get(request.socket) ?? 1) - 1);
      onRequest(request, response, expectation);
    });
  };
}

/** Where to listen. */
export interface ListenPlace {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** What to change when the port can't be had, for the error's message. */
  readonly setting: string;
  /** Others may listen on the same port (`SO_REUSEPORT`), and the kernel shares the clients out. @default false */
  readonly shared?: boolean;
}

/** Listens. @returns the port; rejects with an error that says what to do. */
export function listen(server: http.Server, { host, port, setting, shared = false }: ListenPlace): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      // It may be tried again with the same server.
      server.off("listening", onListening);
      const hint =
        error.code === "EADDRINUSE"
          ? `${host}:${port} is in use; choose another with ${setting}`
          : error.code === "EACCES"
            ? `no permission to listen on ${host}:${port}; choose one above 1023 with ${setting}`
            : `can't listen on ${host}:${port}: ${error.message}`;
      reject(new Error(hint));
    };
    const onListening = (): void => {
      // From here on it is one connection that could not be accepted, for want of files; its client sees it closed.
      server.off("error", onError).on("error", () => {});
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    };
    server.once("error", onError).once("listening", onListening);
    server.listen({ host, port, backlog: BACKLOG, reusePort: shared });
  });
}

/** llhttp could not read the request, or it came too slowly. What follows on the connection can't be trusted. */
function answerClientError(cause: NodeJS.ErrnoException, socket: Duplex): ErrorCode | undefined {
  // Refused before, and still sending: that is dropped until the client has closed its side.
  if (lingering.has(socket)) return undefined;
  if (cause.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  // An answer that has begun can't be taken back, and a second one must not be put behind it.
  const message = (socket as Socket & { _httpMessage?: ServerResponse })._httpMessage;
  if (message?.writableEnded === true) {
    lingerThenDestroy(socket);
    return undefined;
  }
  // The fault lies behind a request that is whole and sound: that is answered, and then the connection ends.
  if (message?.req.complete === true && !message.headersSent) {
    message.shouldKeepAlive = false;
    lingering.add(socket);
    return undefined;
  }
  if (message?.headersSent === true) return void socket.destroy();
  const error = new GatewayError(clientErrorCode(cause.code));
  const body = openai.errorBody(error);
  const fields = [
    `HTTP/1.1 ${error.status} ${http.STATUS_CODES[error.status]}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${randomUUID()}`,
    `x-headwaiter-error: ${error.code}`,
    "connection: close",
  ];
  socket.end(`${fields.join("\r\n")}\r\n\r\n${body}`);
  lingerThenDestroy(socket);
  return error.code;
}

function clientErrorCode(code: string | undefined): ErrorCode {
  if (code === "HPE_HEADER_OVERFLOW") return "headers_too_large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "request_timeout";
  return "bad_request";
}
