/**
 * One HTTP/1.1 connection to an endpoint: opened, used for one exchange at a time, given back or closed.
 *
 * Over TCP every connection of a loop reads into one shared buffer (`onread`): a read allocates nothing. Over TLS Node
 * hands out a buffer of its own for each record.
 */
import net from "node:net";
import type { TLSSocket } from "node:tls";
import type { Exchange, ExchangeSink, HeaderList, TransportFailure, UpstreamRequest } from "../exchange.ts";
import type { EndpointAddress } from "../address.ts";
import { connectTls } from "../address.ts";
import { TimerEntry } from "../../core/timer-wheel.ts";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import { ResponseParser } from "./response-parser.ts";
import { writeRequest } from "./request-writer.ts";

/** What a connection tells its pool. */
export interface ConnectionOwner {
  readonly address: EndpointAddress;
  readonly wheel: TimerWheel;
  readonly connectTimeoutMs: number;
  /** Read buffer shared by all connections of the loop. */
  readonly readBuffer: Buffer;
  /** The exchange has ended and the connection may carry another. */
  connectionFree(connection: Connection): void;
  /** The connection is gone; called once. */
  connectionClosed(connection: Connection): void;
}

/** One request on its way, and the caller's handle on it. Detached (`connection` null) as soon as it has ended. */
export class Http1Exchange implements Exchange {
  readonly sink: ExchangeSink;
  connection: Connection | null = null;

  constructor(sink: ExchangeSink) {
    this.sink = sink;
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  abort(): void {
    const connection = this.connection;
    this.connection = null;
    connection?.abandon();
  }
}

/** See the file's comment. */
export class Connection extends TimerEntry {
  /** When it last became idle, on the wheel's clock, milliseconds. */
  idleSinceMs = 0;
  /** How long the peer says it keeps an idle connection, milliseconds; `Infinity` when it does not say. */
  peerKeepAliveMs = Infinity;
  readonly #owner: ConnectionOwner;
  readonly #socket: net.Socket;
  #exchange: Http1Exchange | null = null;
  /** Waits for the connection to open; let go as soon as it is written, since a stream outlives its prompt by minutes. */
  #request: UpstreamRequest | null = null;
  #parser: ResponseParser | null = null;
  #connected: boolean;
  #exchanges = 0;
  /** Whether any byte of the present exchange's answer has come. */
  #answered = false;
  /** Whether this read has brought any body. */
  #gathered = false;
  /** The exchange wants no more for now. */
  #paused = false;
  /** It has had its share of this turn. */
  #yielding = false;
  /** Why it ended, once it has. */
  #cause: string | null = null;
  #closed = false;

  /** @param adopted a socket that is connected already (after ALPN chose HTTP/1.1); otherwise one is opened. */
  constructor(owner: ConnectionOwner, adopted?: TLSSocket) {
    super();
    this.#owner = owner;
    this.#connected = adopted !== undefined;
    this.#socket = adopted ?? this.#connect();
    this.#socket.setNoDelay(true);
    this.#socket.on("error", (error: NodeJS.ErrnoException) => (this.#cause ??= error.code ?? error.message));
    this.#socket.on("end", () => this.#onPeerEnd());
    this.#socket.on("close", () => this.#onClose());
    if (owner.address.tls) this.#socket.on("data", (bytes: Buffer) => this.#onRead(bytes, bytes.length));
  }

  /** Sends a request; the connection must be free. */
  start(request: UpstreamRequest, exchange: Http1Exchange): void {
    this.#request = request;
    this.#exchange = exchange;
    exchange.connection = this;
    this.#exchanges++;
    this.#answered = false;
    this.#parser = new ResponseParser(this);
    if (this.#connected) this.#send();
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#yielding) this.#socket.resume();
  }

  /** The exchange was given up. What is still to come on this connection belongs to nobody, so it ends. */
  abandon(): void {
    this.#exchange = null;
    this.#parser?.stop();
    this.close("abandoned");
  }

  /** Closes at once. An exchange under way fails. */
  close(cause: string): void {
    this.#cause ??= cause;
    this.#socket.destroy();
    this.#onClose();
  }

  /** Closes at once because its endpoint does. */
  shutDown(): void {
    this.#fail({ kind: "closed", detail: "the endpoint was closed", safeToRetry: false });
  }

  /** The connect timeout. */
  override onTimer(): void {
    this.#fail({
      kind: "connect_timeout",
      detail: `no connection in ${this.#owner.connectTimeoutMs} ms`,
      safeToRetry: false,
    });
  }

  // The parser's calls; an exchange that was given up has stopped the parser.
  onHead(status: number, headers: HeaderList): void {
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i] === "keep-alive") this.peerKeepAliveMs = keepAliveTimeoutMs(headers[i + 1]!);
    }
    this.#exchange?.sink.onHead(status, headers);
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#gathered = true;
    this.#exchange?.sink.onBody(bytes, start, end);
  }

  #connect(): net.Socket {
    const { address, wheel, connectTimeoutMs, readBuffer } = this.#owner;
    wheel.arm(this, wheel.nowMs() + connectTimeoutMs);
    if (address.tls) return connectTls(address, ["http/1.1"], () => this.#onConnect());
    return net.connect(
      {
        host: address.host,
        port: address.port,
        onread: {
          buffer: readBuffer,
          callback: (length, bytes) => {
            this.#onRead(bytes as Buffer, length);
            if (length === bytes.length) this.#yieldTurn();
            return true;
          },
        },
      },
      () => this.#onConnect(),
    );
  }

  #onConnect(): void {
    this.#owner.wheel.disarm(this);
    this.#connected = true;
    if (this.#request !== null) this.#send();
  }

  #send(): void {
    const request = this.#request!;
    this.#request = null;
    writeRequest(this.#socket, this.#owner.address, request);
    this.#exchange?.sink.onSent();
  }

  #onRead(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    const parser = this.#parser;
    // Nothing was asked, so nothing may come: a surplus byte would be taken for the next answer.
    if (exchange === null || parser === null) return this.close("data without a request");
    this.#answered = true;
    this.#gathered = false;
    const read = parser.read(bytes, 0, length);
    // The sink may have given the exchange up in any of its calls.
    if (this.#exchange !== exchange) return;
    // Also before a failure: what came whole before the fault is the caller's.
    if (this.#gathered) {
      exchange.sink.onFlush();
      if (this.#exchange !== exchange) return;
    }
    if (parser.fault !== null) return this.#fail({ kind: "protocol", detail: parser.fault, safeToRetry: false });
    if (parser.done) this.#finish(exchange, parser.keepAlive && read === length);
  }

  /**
   * A read that fills the buffer has more behind it, and libuv would go on reading up to 32 buffers from this one socket
   * before any other gets its turn: 2 MiB, or with a hundred such sockets a fifth of a second. So one buffer a turn.
   */
  #yieldTurn(): void {
    if (this.#closed || this.#yielding) return;
    this.#yielding = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#yielding = false;
      if (!this.#paused && !this.#closed) this.#socket.resume();
    });
  }

  #finish(exchange: Http1Exchange, reusable: boolean): void {
    this.#exchange = null;
    this.#parser = null;
    exchange.connection = null;
    // A request that is still being written (the upstream answered early) would run into the next one, and so would a
    // surplus that TLS holds back because the sink has paused.
    if (reusable && this.#socket.writableLength === 0 && this.#socket.readableLength === 0) {
      if (this.#paused) this.resume();
      this.#owner.connectionFree(this);
    } else this.close("not reusable");
    exchange.sink.onEnd();
  }

  #onPeerEnd(): void {
    const exchange = this.#exchange;
    this.#cause ??= "closed by the upstream";
    if (exchange === null) return this.close("closed by the upstream");
    this.#parser!.finish();
    if (this.#parser!.done) return this.#finish(exchange, false);
    // Not left to the socket: it stays open while a request that nobody reads is still being written.
    this.close("closed by the upstream");
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.wheel.disarm(this);
    this.#owner.connectionClosed(this);
    const cause = this.#cause ?? "closed";
    if (!this.#connected) return this.#fail({ kind: "unreachable", detail: cause, safeToRetry: false });
    // A reused connection that dies before it says anything was most likely closed before the request reached it.
    const safeToRetry = this.#exchanges > 1 && !this.#answered;
    this.#fail({ kind: "disconnected", detail: cause, safeToRetry });
  }

  #fail(failure: TransportFailure): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#parser?.stop();
    this.#cause ??= failure.detail;
    if (exchange !== null) exchange.connection = null;
    this.close(failure.detail);
    exchange?.sink.onFail(failure);
  }
}

/** `timeout=5` in a Keep-Alive field, less a second for the way; `Infinity` when there is none. */
function keepAliveTimeoutMs(value: string): number {
  const match = /(?:^|[\s,;])timeout=([0-9]{1,6})/i.exec(value);
  return match === null ? Infinity : Math.max(0, Number(match[1]) - 1) * 1000;
}
