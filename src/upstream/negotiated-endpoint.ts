/**
 * An endpoint over TLS whose HTTP version the peer chooses. The first connection asks (ALPN); requests that come meanwhile
 * wait for it, and then everything goes through the transport that was chosen, until no connection is left: the peer may have
 * been replaced by one that chooses otherwise, so the next connection asks again.
 */
import type { TLSSocket } from "node:tls";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { connectTls } from "./address.ts";
import type { EndpointAddress } from "./address.ts";
import { isFailure } from "./exchange.ts";
import type { Endpoint, Exchange, ExchangeSink, TransportFailure, UpstreamRequest } from "./exchange.ts";
import type { Http1Endpoint } from "./http1/endpoint.ts";
import type { Http2Endpoint } from "./http2/endpoint.ts";

/** Requests that may wait for the first connection. */
const MAX_WAITING = 1000;
const CLOSED: TransportFailure = { kind: "closed", detail: "the endpoint was closed", safeToRetry: false };

interface NegotiatedEndpointOptions {
  readonly address: EndpointAddress;
  readonly connectTimeoutMs: number;
  readonly wheel: TimerWheel;
  readonly http1: () => Http1Endpoint;
  readonly http2: () => Http2Endpoint;
}

/** A request that waits for the choice, and afterwards the caller's handle on the exchange that came of it. */
class WaitingExchange implements Exchange {
  /** Let go as soon as it is handed on, since a stream outlives its prompt by minutes. */
  #request: UpstreamRequest | null;
  readonly #sink: ExchangeSink;
  readonly #waiting: Set<WaitingExchange>;
  #exchange: Exchange | null = null;
  #paused = false;
  #aborted = false;

  constructor(request: UpstreamRequest, sink: ExchangeSink, waiting: Set<WaitingExchange>) {
    this.#request = request;
    this.#sink = sink;
    this.#waiting = waiting;
    waiting.add(this);
  }

  pause(): void {
    this.#paused = true;
    this.#exchange?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#exchange?.resume();
  }

  abort(): void {
    this.#aborted = true;
    this.#request = null;
    this.#waiting.delete(this);
    this.#exchange?.abort();
  }

  /** Hands the request to the transport that was chosen. */
  begin(chosen: Endpoint): void {
    // Another's sink may have given this one up a moment ago.
    if (this.#aborted) return;
    const request = this.#request!;
    this.#request = null;
    const opened = chosen.open(request, this.#sink);
    if (isFailure(opened)) {
      if (!this.#aborted) this.#sink.onFail(opened);
      return;
    }
    this.#exchange = opened;
    // The sink hears `onSent` before the exchange is known here.
    if (this.#aborted) opened.abort();
    else if (this.#paused) opened.pause();
  }

  fail(failure: TransportFailure): void {
    this.#request = null;
    if (!this.#aborted) this.#sink.onFail(failure);
  }
}

/** See the file's comment. */
export class NegotiatedEndpoint extends TimerEntry implements Endpoint {
  readonly #options: NegotiatedEndpointOptions;
  readonly #waiting = new Set<WaitingExchange>();
  #probe: TLSSocket | null = null;
  #http1: Http1Endpoint | null = null;
  #http2: Http2Endpoint | null = null;
  #chosen: Endpoint | null = null;
  #retired = false;

  constructor(options: NegotiatedEndpointOptions) {
    super();
    this.#options = options;
  }

  get name(): string {
    return this.#options.address.name;
  }

  get outstanding(): number {
    return this.#waiting.size + (this.#http1?.outstanding ?? 0) + (this.#http2?.outstanding ?? 0);
  }

  get connections(): number {
    return (this.#probe === null ? 0 : 1) + (this.#http1?.connections ?? 0) + (this.#http2?.connections ?? 0);
  }

  open(
    request: UpstreamRequest,
    sink: ExchangeSink,
    options?: { readonly fresh?: boolean },
  ): Exchange | TransportFailure {
    if (this.#retired) return CLOSED;
    if (this.#chosen !== null && this.#chosen.connections > 0) return this.#chosen.open(request, sink, options);
    if (this.#waiting.size >= MAX_WAITING) {
      return { kind: "saturated", detail: `${MAX_WAITING} requests wait for the first connection`, safeToRetry: false };
    }
    if (this.#probe === null) this.#ask();
    return new WaitingExchange(request, sink, this.#waiting);
  }

  retire(): void {
    this.#retired = true;
    // Those that wait were accepted; the transports are retired once they have been handed on.
    if (this.#waiting.size > 0) return;
    this.#dropProbe();
    this.#http1?.retire();
    this.#http2?.retire();
  }

  destroy(): void {
    this.#retired = true;
    this.#failWaiting(CLOSED);
    this.#http1?.destroy();
    this.#http2?.destroy();
  }

  /** The connect timeout. */
  override onTimer(): void {
    const detail = `no connection in ${this.#options.connectTimeoutMs} ms`;
    this.#failWaiting({ kind: "connect_timeout", detail, safeToRetry: false });
  }

  #ask(): void {
    const { address, wheel, connectTimeoutMs } = this.#options;
    const socket = connectTls(address, ["h2", "http/1.1"], () => this.#choose(socket));
    this.#probe = socket;
    wheel.arm(this, wheel.nowMs() + connectTimeoutMs);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (this.#probe !== socket) return;
      this.#failWaiting({ kind: "unreachable", detail: error.code ?? error.message, safeToRetry: false });
    });
    socket.on("close", () => {
      if (this.#probe !== socket) return;
      this.#failWaiting({ kind: "unreachable", detail: "closed in the handshake", safeToRetry: false });
    });
  }

  #choose(socket: TLSSocket): void {
    if (this.#probe !== socket) return;
    this.#options.wheel.disarm(this);
    this.#probe = null;
    const isHttp2 = socket.alpnProtocol === "h2";
    const chosen = isHttp2 ? (this.#http2 ??= this.#options.http2()) : (this.#http1 ??= this.#options.http1());
    this.#chosen = chosen;
    chosen.adopt(socket);
    for (const waiting of this.#takeWaiting()) waiting.begin(chosen);
    if (this.#retired) this.retire();
  }

  /** The next request asks again. */
  #failWaiting(failure: TransportFailure): void {
    this.#dropProbe();
    for (const waiting of this.#takeWaiting()) waiting.fail(failure);
    if (this.#retired) this.retire();
  }

  #dropProbe(): void {
    this.#options.wheel.disarm(this);
    const probe = this.#probe;
    this.#probe = null;
    probe?.destroy();
  }

  #takeWaiting(): WaitingExchange[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    return waiting;
  }
}
