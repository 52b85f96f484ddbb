/**
 * The HTTP/1.1 connections of one endpoint: a free list that gives back the connection used last, in O(1).
 *
 * Last in, first out, so that under falling load the surplus grows old and is closed instead of being kept warm in turn.
 */
import type { TLSSocket } from "node:tls";
import type { ConnectionLimits, EndpointAddress, LoopResources } from "../address.ts";
import type { Endpoint, Exchange, ExchangeSink, TransportFailure, UpstreamRequest } from "../exchange.ts";
import { TimerEntry } from "../../core/timer-wheel.ts";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import { Connection, Http1Exchange } from "./connection.ts";
import type { ConnectionOwner } from "./connection.ts";

const CLOSED: TransportFailure = { kind: "closed", detail: "the endpoint was closed", safeToRetry: false };

/** See the file's comment. */
export class Http1Endpoint extends TimerEntry implements Endpoint, ConnectionOwner {
  readonly address: EndpointAddress;
  readonly wheel: TimerWheel;
  readonly readBuffer: Buffer;
  readonly connectTimeoutMs: number;
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<Connection>();
  /** Oldest first. */
  readonly #idle: Connection[] = [];
  #retired = false;

  constructor(address: EndpointAddress, limits: ConnectionLimits, connectTimeoutMs: number, loop: LoopResources) {
    super();
    this.address = address;
    this.wheel = loop.wheel;
    this.readBuffer = loop.readBuffer;
    this.connectTimeoutMs = connectTimeoutMs;
    this.#limits = limits;
  }

  get name(): string {
    return this.address.name;
  }

  get outstanding(): number {
    return this.#all.size - this.#idle.length;
  }

  get connections(): number {
    return this.#all.size;
  }

  open(
    request: UpstreamRequest,
    sink: ExchangeSink,
    options?: { readonly fresh?: boolean },
  ): Exchange | TransportFailure {
    if (this.#retired) return CLOSED;
    const exchange = new Http1Exchange(sink);
    const connection = options?.fresh === true ? undefined : this.#takeIdle();
    if (connection !== undefined) {
      connection.start(request, exchange);
      return exchange;
    }
    if (this.#all.size >= this.#limits.max) {
      // A fresh one was asked for while old ones lie idle: the oldest makes room.
      const oldest = this.#idle[0];
      if (oldest === undefined) {
        return { kind: "saturated", detail: `all ${this.#limits.max} connections are in use`, safeToRetry: false };
      }
      oldest.close("made room");
    }
    this.#add().start(request, exchange);
    return exchange;
  }

  /** Takes over a connection that ALPN has opened; it waits idle until it is needed, which is usually at once. */
  adopt(socket: TLSSocket): void {
    const connection = this.#add(socket);
    if (this.#retired) connection.close("retired");
    else this.#park(connection);
  }

  connectionFree(connection: Connection): void {
    if (this.#retired || this.#idle.length >= this.#limits.keepAliveMax) return connection.close("not kept");
    this.#park(connection);
  }

  connectionClosed(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.slice()) connection.close("retired");
    this.wheel.disarm(this);
  }

  destroy(): void {
    this.retire();
    for (const connection of this.#all) connection.shutDown();
  }

  /** Closes what has been idle too long. */
  override onTimer(nowMs: number): void {
    for (const connection of this.#idle.slice())
      if (this.#isStale(connection, nowMs)) connection.close("idle too long");
    if (this.#idle.length > 0) this.#armReaper();
  }

  #add(adopted?: TLSSocket): Connection {
    const connection = new Connection(this, adopted);
    this.#all.add(connection);
    return connection;
  }

  #park(connection: Connection): void {
    connection.idleSinceMs = this.wheel.nowMs();
    this.#idle.push(connection);
    if (this.#idle.length === 1) this.#armReaper();
  }

  #takeIdle(): Connection | undefined {
    const nowMs = this.wheel.nowMs();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || !this.#isStale(connection, nowMs)) return connection;
      connection.close("idle too long");
    }
  }

  #isStale(connection: Connection, nowMs: number): boolean {
    return nowMs - connection.idleSinceMs >= Math.min(this.#limits.keepAliveMs, connection.peerKeepAliveMs);
  }

  #armReaper(): void {
    this.wheel.arm(this, this.#idle[0]!.idleSinceMs + this.#limits.keepAliveMs);
  }
}
