/**
 * The simulated provider: an LLM API in three dialects whose answers say when each token was sent.
 *
 * It shares a small machine with the gateway that is measured and the client that measures, so a token event costs it a
 * string concatenation and a write.
 */

import { createServer } from "node:http";
import type { Server as HttpServer, IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createSecureServer, createServer as createHttp2Server } from "node:http2";
import type { Http2SecureServer, Http2Server, SecureServerOptions } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Http1Asked, Http1Outlet } from "./http1.ts";
import { Http2Asked, Http2Outlet } from "./http2.ts";
import type { SimStats } from "./ledger.ts";
import { Service } from "./service.ts";

export interface SimOptions {
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** HTTP/2 instead of HTTP/1.1: with prior knowledge, or, with {@link tls}, by ALPN. @default false */
  readonly http2?: boolean;
  /** Time to the first token, milliseconds. @default 200 */
  readonly ttftMs?: number;
  /** From one token to the next, milliseconds. @default 20 */
  readonly gapMs?: number;
  /** Tokens of an answer. @default 100 */
  readonly tokens?: number;
  /** Share of the requests that get a 500, 0–1. @default 0 */
  readonly errorRate?: number;
  /** HTTP/2: how many streams one connection may have, as advertised. @default 128 */
  readonly maxConcurrentStreams?: number;
  /** PEM. Serves `https:`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface Sim {
  /** Where it listens, without a path: append `/v1` or `/v1beta` for an API's base. */
  readonly url: URL;
  readonly port: number;
  stats(): SimStats;
  /** Cuts everything and stops listening. */
  close(): Promise<void>;
}

/** Ten thousand clients may come in the same moment. */
const BACKLOG = 16_384;

/** Longer than any client keeps an idle connection, so that the client is the one who closes it. */
const KEEP_ALIVE_MS = 120_000;

/** What a client that does not read can make the sim keep, per stream, besides one token event. */
const MAX_WAITING_BYTES = 65_536;

/** Starts the simulated provider. @throws The system's error where it can't listen. */
export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const service = new Service({
    ttftMs: options.ttftMs ?? 200,
    gapMs: options.gapMs ?? 20,
    tokens: options.tokens ?? 100,
    errorRate: options.errorRate ?? 0,
  });
  const server = options.http2 === true ? http2Server(options, service) : http1Server(options, service);
  const sockets = new Set<Socket>();
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    service.ledger.openSockets++;
    socket.once("close", () => {
      sockets.delete(socket);
      service.ledger.openSockets--;
    });
  });

  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: options.port ?? 0, backlog: BACKLOG }, resolve);
  });
  // From here on an error is one connection that could not be accepted, for want of files; its client sees it closed.
  server.on("error", () => {});
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === undefined ? "http" : "https";
  return {
    url: new URL(`${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`),
    port,
    stats: () => service.ledger.stats(),
    close: () =>
      new Promise((resolve) => {
        service.stop();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function http1Server(options: SimOptions, service: Service): HttpServer {
  const settings = { keepAliveTimeout: KEEP_ALIVE_MS, highWaterMark: MAX_WAITING_BYTES };
  const onRequest: RequestListener = (request, response) => {
    // A pipelined request waits for its turn: its answer is written to the socket itself.
    if (response.socket === null) response.once("socket", () => serve(service, request, response));
    else serve(service, request, response);
  };
  if (options.tls === undefined) return createServer(settings, onRequest);
  return createHttpsServer({ ...settings, ...options.tls }, onRequest);
}

function serve(service: Service, request: IncomingMessage, response: ServerResponse): void {
  service.serve(new Http1Asked(request), new Http1Outlet(response));
}

function http2Server(options: SimOptions, service: Service): Http2Server | Http2SecureServer {
  const settings: SecureServerOptions = {
    settings: { maxConcurrentStreams: options.maxConcurrentStreams ?? 128, initialWindowSize: 1_048_576 },
    // MB. The default of 10 refuses streams when some hundred of a session wait for their client.
    maxSessionMemory: 256,
    // Clients that hang up by the thousand and come again at once are what is simulated, not an attack. node refuses a
    // stream that follows a reset too closely when the session is full; it need not end the session for it.
    maxSessionRejectedStreams: 1_000_000,
    streamResetBurst: 1_000_000,
    streamResetRate: 1_000_000,
  };
  const server =
    options.tls === undefined ? createHttp2Server(settings) : createSecureServer({ ...settings, ...options.tls });
  server.on("stream", (stream, headers) => service.serve(new Http2Asked(stream, headers), new Http2Outlet(stream)));
  return server;
}
