/**
 * The port between the relay and the upstream transports: one request, one answer, over HTTP/1.1 or HTTP/2 alike.
 *
 * It is a callback port on purpose. A token event crosses it as two method calls on known objects; a stream or a promise
 * here costs more than the rest of the relay together (docs/decisions/0001-own-upstream-client.md).
 */

/** What goes upstream. The endpoint adds `host`, framing and the provider's credentials; a caller can't set those. */
export interface UpstreamRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the endpoint's base URL, with query, e.g. `/chat/completions`. Made by us, never by a client. */
  readonly path: string;
  /** Flat pairs, names in lower case: `[name, value, name, value, …]`. Values hold no CR, LF or NUL. */
  readonly headers: readonly string[];
  /** Slices, sent one after the other; empty for GET and DELETE. Must not be changed until the exchange has ended. */
  readonly body: readonly Uint8Array[];
}

/** Header fields as received: flat pairs, names in lower case. */
export type HeaderList = readonly string[];

/** The first value of `name` (lower case), or `undefined`. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}

/** Why an exchange could not be completed. */
type TransportFailureKind =
  /** No connection: refused, unreachable, name not found, TLS handshake failed. */
  | "unreachable"
  /** No connection within `timeouts.connect`. */
  | "connect_timeout"
  /** Every connection that `connections.max` allows is in use. */
  | "saturated"
  /** The connection (or HTTP/2 stream) ended before the answer was complete. */
  | "disconnected"
  /** The answer broke HTTP's rules or a limit of ours (head, chunk or trailer size). */
  | "protocol"
  /** The endpoint was closed under the exchange (reload, shutdown). */
  | "closed";

/** A failed exchange. A value, not an `Error`. */
export interface TransportFailure {
  readonly kind: TransportFailureKind;
  /** For the log. May hold the endpoint's address; never sent to a client. */
  readonly detail: string;
  /**
   * True when the upstream has not begun to work on the request: a reused idle connection that ended before any response
   * byte, an HTTP/2 stream refused or beyond GOAWAY's last stream. Such a request may be sent once more.
   */
  readonly safeToRetry: boolean;
}

/**
 * Takes one answer. Calls come in this order; only `onSent` may come from within {@link Endpoint.open}:
 *
 *     onSent? → onHead → (onBody* onFlush)* → onEnd
 *
 * `onFail` may come at any point and is then the last. After `Exchange.abort()` nothing comes any more.
 * 1xx answers never arrive here.
 */
export interface ExchangeSink {
  /** The request has been handed to an open connection: time to first byte runs from here. */
  onSent(): void;
  /** @param status 200–599. */
  onHead(status: number, headers: HeaderList): void;
  /** `bytes[start, end)` is body. Valid only during the call: copy what is kept. Never empty. */
  onBody(bytes: Uint8Array, start: number, end: number): void;
  /** No more body from this read; time to write what was gathered. */
  onFlush(): void;
  /** The body is complete, exactly as framed. */
  onEnd(): void;
  onFail(failure: TransportFailure): void;
}

/** A request under way. */
export interface Exchange {
  /** Asks the upstream to stop sending. At most one read (HTTP/1.1) or one flow-control window (HTTP/2) still arrives. */
  pause(): void;
  resume(): void;
  /** Gives the exchange up and closes (HTTP/1.1) or resets (HTTP/2) it at once. Safe at any time, any number of times. */
  abort(): void;
}

interface OpenOptions {
  /** Use a connection that carried nothing before; set for the one retry after a reused connection died. */
  readonly fresh?: boolean;
}

/** One address of an upstream, with its pool. */
export interface Endpoint {
  /** For logs and metrics: scheme, host and port. */
  readonly name: string;
  /** Exchanges under way. */
  readonly outstanding: number;
  /** Connections open or being opened. */
  readonly connections: number;
  /** Begins an exchange, or says at once why it can't. */
  open(request: UpstreamRequest, sink: ExchangeSink, options?: OpenOptions): Exchange | TransportFailure;
  /** No new exchanges; idle connections close now, the others when their exchange ends. For reload and drain. */
  retire(): void;
  /** Closes everything now; exchanges under way fail with `closed`. */
  destroy(): void;
}

/** Tells {@link Endpoint.open}'s two answers apart. */
export function isFailure(opened: Exchange | TransportFailure): opened is TransportFailure {
  return "kind" in opened;
}
