/**
 * The HTTP/2 sessions of one endpoint.
 *
 * - **Few sessions.** A request goes to the most loaded session that has room. Streams that share a connection share its
 *   reads and writes, which is what makes HTTP/2 cheap here; and under falling load the surplus empties and is closed.
 * - **Limits.** A session never carries more than the peer's SETTINGS_MAX_CONCURRENT_STREAMS, or ours if that is lower, and
 *   nothing before the peer has sent SETTINGS. A limit that is lowered later holds for new streams. A stream that we reset counts until the peer
 *   has answered a PING sent after it.
 * - **Waiting.** Requests that find no room wait, in order, for no longer than a connection may take. No more may wait than
 *   the sessions being opened will take; past that, at `limits.max` connections, the answer is `saturated` at once.
 * - **Rotation.** A session that is old or has served many streams takes no more and closes after its last, as does one that
 *   said GOAWAY. At `limits.max` connections a worn session is kept in use, since it can't be replaced.
 * - **Retries.** `safeToRetry` is true where the peer refused the stream (REFUSED_STREAM, beyond GOAWAY's last stream), and
 *   for a session that had lain idle and ended before it said anything. `fresh` avoids idle sessions that were used
 *   before; a new connection for each retry would let one GOAWAY open a hundred.
 * - **Flow control.** Each stream has a window of 128 KiB and the connection one for all streams together, so a stream that
 *   is paused holds up no other. After `pause()` up to one window is still delivered, not stored.
 */
import type { TLSSocket } from "node:tls";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import type { ConnectionLimits, EndpointAddress } from "../address.ts";
import type { Endpoint, Exchange, ExchangeSink, TransportFailure, UpstreamRequest } from "../exchange.ts";
import { Http2Exchange } from "./exchange.ts";
import { FlushTurn } from "./flush-turn.ts";
import { Session } from "./session.ts";
import type { SessionOwner } from "./session.ts";
import { DEFAULT_HTTP2_TUNING } from "./settings.ts";
import type { Http2Tuning } from "./settings.ts";
import { WaitingLine } from "./waiting-line.ts";

interface Http2EndpointOptions {
  readonly address: EndpointAddress;
  /** `max` counts every session, also those that only finish their streams. */
  readonly limits: Pick<ConnectionLimits, "max" | "keepAliveMs">;
  /** For the socket, TLS and the peer's SETTINGS together, and for waiting; milliseconds. */
  readonly connectTimeoutMs: number;
  readonly wheel: TimerWheel;
  /** @default DEFAULT_HTTP2_TUNING */
  readonly tuning?: Partial<Http2Tuning>;
}

const CLOSED: TransportFailure = { kind: "closed", detail: "the endpoint was closed", safeToRetry: false };

/** See the file's comment. */
export class Http2Endpoint implements Endpoint, SessionOwner {
  readonly address: EndpointAddress;
  readonly wheel: TimerWheel;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly tuning: Http2Tuning;
  readonly #maxSessions: number;
  readonly #sessions: Session[] = [];
  readonly #line: WaitingLine;
  readonly #turn = new FlushTurn();
  /** Streams that a session being opened can be expected to take: what the last one took. */
  #expectedLimit: number;
  #retired = false;

  constructor(options: Http2EndpointOptions) {
    this.address = options.address;
    this.wheel = options.wheel;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.keepAliveMs = options.limits.keepAliveMs;
    this.tuning = { ...DEFAULT_HTTP2_TUNING, ...options.tuning };
    this.#maxSessions = options.limits.max;
    this.#expectedLimit = this.tuning.maxStreamsPerSession;
    this.#line = new WaitingLine(this.wheel, this.connectTimeoutMs, (exchange) => {
      const detail = `no room on a session in ${this.connectTimeoutMs} ms`;
      exchange.fail({ kind: this.#openingRoom > 0 ? "connect_timeout" : "saturated", detail, safeToRetry: false });
    });
  }

  get name(): string {
    return this.address.name;
  }

  get outstanding(): number {
    let outstanding = this.#line.size;
    for (const session of this.#sessions) outstanding += session.streams;
    return outstanding;
  }

  get connections(): number {
    return this.#sessions.length;
  }

  open(
    request: UpstreamRequest,
    sink: ExchangeSink,
    options?: { readonly fresh?: boolean },
  ): Exchange | TransportFailure {
    if (this.#retired) return CLOSED;
    const exchange = new Http2Exchange(request, sink, this.#line, this.#turn);
    exchange.fresh = options?.fresh === true;
    let session = this.#line.size === 0 ? this.#pick(exchange.fresh) : undefined;
    if (session === undefined && this.#line.size >= this.#openingRoom && !this.#openSession()) {
      // A session that may be stale is better than none.
      if (this.#line.size === 0) session = this.#pick(false);
      if (session === undefined) {
        return { kind: "saturated", detail: `all ${this.#maxSessions} connections are full`, safeToRetry: false };
      }
    }
    if (session !== undefined) return session.start(exchange) ?? exchange;
    this.#line.push(exchange);
    return exchange;
  }

  /** Takes over a socket on which ALPN has chosen `h2`, and on which nothing has been read or written. */
  adopt(socket: TLSSocket): void {
    if (this.#retired || socket.destroyed) socket.destroy();
    else this.#sessions.push(new Session(this, socket));
  }

  retire(): void {
    this.#retired = true;
    if (this.#line.size > 0) return;
    for (const session of this.#sessions.slice()) session.retire();
  }

  destroy(): void {
    this.#retired = true;
    for (let waiting = this.#line.shift(); waiting !== undefined; waiting = this.#line.shift()) waiting.fail(CLOSED);
    for (const session of this.#sessions.slice()) session.destroy(CLOSED);
  }

  sessionHasRoom(session: Session): void {
    this.#expectedLimit = session.limit;
    this.#serve();
  }

  sessionDraining(): void {
    this.#openForWaiting();
  }

  sessionGone(session: Session, failure: TransportFailure | null): void {
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    if (failure !== null) {
      // Those whom it would have taken; the rest wait for the other sessions that are being opened.
      for (let n = this.#expectedLimit; n > 0; n--) this.#line.shift()?.fail(failure);
    }
    this.#serve();
  }

  /** Streams that the sessions being opened will take. */
  get #openingRoom(): number {
    let room = 0;
    for (const session of this.#sessions) if (session.isOpening) room += this.#expectedLimit;
    return room;
  }

  #pick(fresh: boolean): Session | undefined {
    for (;;) {
      let best: Session | undefined;
      for (const session of this.#sessions) {
        if (!session.hasRoom || (fresh && session.mayBeStale)) continue;
        if (best === undefined || session.streams > best.streams) best = session;
      }
      if (best === undefined) return undefined;
      const isReplaceable = this.#sessions.length < this.#maxSessions && best.isWorn(this.wheel.nowMs());
      if (!isReplaceable && !best.isBroken) return best;
      best.retire();
    }
  }

  #openSession(): boolean {
    if (this.#sessions.length >= this.#maxSessions) return false;
    this.#sessions.push(new Session(this));
    return true;
  }

  #serve(): void {
    for (let head = this.#line.head; head !== undefined; head = this.#line.head) {
      const session = this.#pick(head.fresh);
      if (session === undefined) break;
      const exchange = this.#line.shift()!;
      const failure = session.start(exchange);
      if (failure !== null) exchange.fail(failure);
    }
    if (this.#line.size > 0) this.#openForWaiting();
    else if (this.#retired) this.retire();
  }

  #openForWaiting(): void {
    while (this.#line.size > this.#openingRoom && this.#openSession());
  }
}
