/**
 * One HTTP/2 connection: opened, settled, filled with streams, probed when silent, rotated, closed.
 *
 * States: *opening* (socket, TLS, the peer's first SETTINGS) → *ready* → *draining* (no new streams: GOAWAY, worn out,
 * retired) → *gone*. One timer entry serves every wait of a session, since it waits for one thing at a time.
 *
 * A session is closed with `destroy`, not with node:http2's `close`: `close` forbids PING while streams are still open, and
 * then waits for the peer to close the socket for as long as the peer likes. After the peer's GOAWAY Node calls `close`
 * itself, so from then on a dead connection is found by TCP keep-alive and the streams' own time-outs.
 */
import http2 from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, Settings } from "node:http2";
import net from "node:net";
import type { TLSSocket } from "node:tls";
import { TimerEntry } from "../../core/timer-wheel.ts";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import { connectTls } from "../address.ts";
import type { EndpointAddress } from "../address.ts";
import type { TransportFailure } from "../exchange.ts";
import type { ExchangeCarrier, Http2Exchange } from "./exchange.ts";
import { requestFields } from "./request-fields.ts";
import { disconnected, resetFailure } from "./failures.ts";
import { SESSION_OPTIONS, STREAM_WINDOW_BYTES } from "./settings.ts";
import type { Http2Tuning } from "./settings.ts";

/** What a session needs from its endpoint, and tells it. */
export interface SessionOwner {
  readonly address: EndpointAddress;
  readonly wheel: TimerWheel;
  readonly connectTimeoutMs: number;
  /** How long a session without streams is kept, milliseconds. */
  readonly keepAliveMs: number;
  readonly tuning: Http2Tuning;
  /** The session takes streams, or more than before. */
  sessionHasRoom(session: Session): void;
  /** The session takes no more streams. */
  sessionDraining(session: Session): void;
  /** The session is gone; called once. `failure` says why it never became ready, and is `null` if it did. */
  sessionGone(session: Session, failure: TransportFailure | null): void;
}

const OPENING = 0;
const READY = 1;
const DRAINING = 2;
const GONE = 3;

/** How long a peer may take to close its half after ours, milliseconds. */
const CLOSE_GRACE_MS = 1000;

/** How often within `pingAfterMs` a session's silence is looked at. */
const SILENCE_CHECKS = 4;

/** See the file's comment. */
export class Session extends TimerEntry implements ExchangeCarrier {
  readonly #owner: SessionOwner;
  readonly #socket: net.Socket;
  readonly #exchanges = new Set<Http2Exchange>();
  readonly #openedAtMs: number;
  readonly #maxAgeMs: number;
  #http2: ClientHttp2Session | null = null;
  #state = OPENING;
  #limit = 0;
  #served = 0;
  /** Whether it has served before, was idle, and has said nothing to any stream since: its end may have been under way. */
  #unproven = false;
  /** Last stream that the peer has worked on, once it has said GOAWAY. */
  #goawayLastStream = Infinity;
  /** Why it ended, as far as is known. */
  #cause: string | null = null;
  #bytesRead = 0;
  #silentSinceMs = 0;
  #pingSentMs = 0;
  /** Streams reset by us that still count, since the peer may not have heard of it. */
  #resets = 0;
  /** Those for which a PING is under way: its answer says that the peer has. */
  #settlingResets = 0;

  /** @param adopted a socket on which ALPN has chosen `h2`; otherwise one is opened. */
  constructor(owner: SessionOwner, adopted?: TLSSocket) {
    super();
    this.#owner = owner;
    this.#openedAtMs = owner.wheel.nowMs();
    // Sessions opened in one burst must not all be replaced in one.
    this.#maxAgeMs = owner.tuning.maxSessionAgeMs * (1 - Math.random() / 10);
    this.#socket = adopted ?? this.#dial();
    this.#socket.on("error", (error: NodeJS.ErrnoException) => (this.#cause ??= error.code ?? error.message));
    this.#socket.on("close", () => this.#gone());
    owner.wheel.arm(this, this.#openedAtMs + owner.connectTimeoutMs);
    if (adopted !== undefined) this.#attach();
  }

  /** Streams on it now. */
  get streams(): number {
    return this.#exchanges.size;
  }

  /** Most streams it takes; 0 before the peer's SETTINGS. */
  get limit(): number {
    return this.#limit;
  }

  get isOpening(): boolean {
    return this.#state === OPENING;
  }

  /** Whether one more stream may be started. */
  get hasRoom(): boolean {
    return this.#state === READY && this.#exchanges.size + this.#resets + this.#settlingResets < this.#limit;
  }

  /** Whether it is idle and was used before, so that the peer may be closing it just now. */
  get mayBeStale(): boolean {
    return this.#exchanges.size === 0 && this.#served > 0;
  }

  /** Whether node:http2 has given it up already; its end will be told soon. */
  get isBroken(): boolean {
    return this.#http2 !== null && (this.#http2.destroyed || this.#http2.closed);
  }

  /** Whether it has served its time and should be replaced. */
  isWorn(nowMs: number): boolean {
    return this.#served >= this.#owner.tuning.maxSessionStreams || nowMs - this.#openedAtMs >= this.#maxAgeMs;
  }

  /** Starts `exchange` here; there must be room. @returns why it couldn't be sent; the exchange is as before then. */
  start(exchange: Http2Exchange): TransportFailure | null {
    if (this.#exchanges.size === 0) {
      this.#unproven = this.#served > 0;
      this.#watchSilence(this.#owner.wheel.nowMs());
    }
    this.#exchanges.add(exchange);
    this.#served++;
    try {
      exchange.start(this, this.#http2!, requestFields(this.#owner.address, exchange.request!));
    } catch (error) {
      this.release(exchange, false);
      return { kind: "protocol", detail: `request not sendable: ${(error as Error).message}`, safeToRetry: false };
    }
    return null;
  }

  onAnswer(): void {
    this.#unproven = false;
  }

  release(exchange: Http2Exchange, isReset: boolean): void {
    this.#exchanges.delete(exchange);
    if (this.#state === GONE) return;
    if (this.#exchanges.size === 0) this.#rest();
    if (isReset && this.#state === READY) {
      this.#resets++;
      // In a turn of its own: in the same, nghttp2 would send the PING first.
      if (this.#resets === 1 && this.#settlingResets === 0) setImmediate(this.#settleResets);
    }
    if (this.hasRoom) this.#owner.sessionHasRoom(this);
  }

  failureOf(stream: ClientHttp2Stream): TransportFailure {
    if ((stream.id ?? 0) > this.#goawayLastStream) return disconnected("beyond the last stream of GOAWAY", true);
    return resetFailure(stream, this.isBroken ? this.#cause : null);
  }

  /** Takes no more streams; closes when it has none. */
  retire(): void {
    if (this.#state === OPENING) return this.destroy({ kind: "closed", detail: "retired", safeToRetry: false });
    if (this.#state !== READY) return;
    this.#drain();
    if (this.#exchanges.size === 0) this.#close();
  }

  /** Closes now; what is under way fails with `failure`. */
  destroy(failure: TransportFailure): void {
    if (this.#state === GONE) return;
    const wasOpening = this.#state === OPENING;
    this.#state = GONE;
    this.#owner.wheel.disarm(this);
    for (const exchange of Array.from(this.#exchanges)) exchange.fail(failure);
    // Says GOAWAY where that can be sent at once. Not waited for: the peer may not be reading.
    this.#http2?.destroy();
    this.#socket.destroy();
    this.#owner.sessionGone(this, wasOpening ? failure : null);
  }

  override onTimer(nowMs: number): void {
    if (this.#state === OPENING) {
      const detail = `no HTTP/2 session in ${this.#owner.connectTimeoutMs} ms`;
      this.destroy({ kind: "connect_timeout", detail, safeToRetry: false });
    } else if (this.#exchanges.size > 0) this.#checkSilence(nowMs);
    else if (this.#state === READY) {
      this.#drain();
      this.#close();
    } else this.#socket.destroy();
  }

  /**
   * Peers count a reset stream until they have read the reset, some a little longer, and take offence at one too many. What
   * Go's client does: the place is free again when a PING sent after the reset is answered.
   */
  readonly #settleResets = (): void => {
    if (this.#state !== READY || this.isBroken) return;
    this.#settlingResets = this.#resets;
    this.#resets = 0;
    this.#http2!.ping(this.#onSettled);
  };

  readonly #onSettled = (): void => {
    this.#settlingResets = 0;
    if (this.#state !== READY) return;
    if (this.#resets > 0) setImmediate(this.#settleResets);
    if (this.hasRoom) this.#owner.sessionHasRoom(this);
  };

  #dial(): net.Socket {
    const { address } = this.#owner;
    if (address.tls) {
      const secure = connectTls(address, ["h2"], () => {
        if (secure.alpnProtocol === "h2") return this.#attach();
        this.#cause = `the peer does not speak HTTP/2 (ALPN chose ${secure.alpnProtocol || "nothing"})`;
        secure.destroy();
      });
      return secure;
    }
    return net.connect({ host: address.host, port: address.port }, () => this.#attach());
  }

  #attach(): void {
    const { address, tuning } = this.#owner;
    this.#socket.setKeepAlive(true, tuning.pingAfterMs);
    const session = http2.connect(`${address.tls ? "https" : "http"}://${address.authority}`, {
      ...SESSION_OPTIONS,
      createConnection: () => this.#socket,
    });
    this.#http2 = session;
    session.on("error", (error: Error) => (this.#cause ??= error.message));
    session.on("remoteSettings", (settings) => this.#onSettings(settings));
    session.on("goaway", (code, lastStream) => this.#onGoaway(code, lastStream));
    session.on("close", () => this.#gone());
    // Node gives the connection's window back as soon as bytes arrive, whatever the streams do; this is only large enough
    // that all streams can fill theirs at once.
    session.setLocalWindowSize(tuning.maxStreamsPerSession * STREAM_WINDOW_BYTES);
  }

  #onSettings(settings: Settings): void {
    this.#limit = Math.min(settings.maxConcurrentStreams ?? Infinity, this.#owner.tuning.maxStreamsPerSession);
    // A limit of 0 may be raised yet; until then, and for no longer than connecting may take, the session is not open.
    if (this.#state === OPENING && this.#limit > 0) {
      this.#state = READY;
      this.#rest();
    }
    if (this.hasRoom) this.#owner.sessionHasRoom(this);
  }

  /** Node lets the streams up to `lastStream` finish if `code` is NO_ERROR, and ends all of them otherwise. */
  #onGoaway(code: number, lastStream: number): void {
    this.#goawayLastStream = lastStream;
    this.#cause ??= `GOAWAY with code ${code}`;
    if (this.#state === OPENING || this.#state === GONE) return;
    this.#drain();
    if (this.#exchanges.size === 0) this.#rest();
  }

  #drain(): void {
    if (this.#state !== READY) return;
    this.#state = DRAINING;
    this.#owner.sessionDraining(this);
  }

  /** Without streams: waits to be used again, or closes. */
  #rest(): void {
    if (this.#state !== READY) return this.#close();
    const { wheel, keepAliveMs } = this.#owner;
    wheel.arm(this, Math.min(wheel.nowMs() + keepAliveMs, this.#openedAtMs + this.#maxAgeMs));
  }

  /** Closes a session without streams in good order. */
  #close(): void {
    this.#cause ??= "closed";
    this.#owner.wheel.arm(this, this.#owner.wheel.nowMs() + CLOSE_GRACE_MS);
    this.#http2!.destroy();
  }

  #watchSilence(nowMs: number): void {
    this.#bytesRead = this.#socket.bytesRead;
    this.#silentSinceMs = nowMs;
    this.#pingSentMs = 0;
    this.#owner.wheel.arm(this, nowMs + this.#owner.tuning.pingAfterMs / SILENCE_CHECKS);
  }

  #checkSilence(nowMs: number): void {
    const { pingAfterMs, pingTimeoutMs } = this.#owner.tuning;
    // Counted by the socket: looking at a clock for each frame would cost more than the check is worth.
    if (this.#socket.bytesRead !== this.#bytesRead || this.#http2!.closed) return this.#watchSilence(nowMs);
    if (this.#pingSentMs > 0 && nowMs - this.#pingSentMs >= pingTimeoutMs) {
      this.#cause = `silent for ${Math.round(nowMs - this.#silentSinceMs)} ms, and no answer to PING`;
      return this.destroy(disconnected(this.#cause, false));
    }
    if (this.#pingSentMs === 0 && nowMs - this.#silentSinceMs >= pingAfterMs) {
      this.#pingSentMs = nowMs;
      // The answer counts as bytes read; that is all that is wanted of it.
      this.#http2!.ping(ignore);
    }
    this.#owner.wheel.arm(this, nowMs + pingAfterMs / SILENCE_CHECKS);
  }

  /** The socket or the session has closed, by whomever. */
  #gone(): void {
    if (this.#state === GONE) return;
    const detail = this.#cause ?? "the connection was closed by the peer";
    if (this.#state === OPENING) return this.destroy({ kind: "unreachable", detail, safeToRetry: false });
    this.destroy(disconnected(detail, this.#unproven));
  }
}

/** For answers that don't matter. */
function ignore(): void {}
