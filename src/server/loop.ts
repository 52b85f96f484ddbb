/** One event loop of the gateway: its listener, its calls, its upstream connections, and how all of it ends. */
import type http from "node:http";
import type { Socket } from "node:net";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import { LinkedList, ListMember } from "../core/linked-list.ts";
import { TimerWheel } from "../core/timer-wheel.ts";
import type { Log } from "../observe/log.ts";
import { Metrics } from "../observe/metrics.ts";
import type { LoopReadings } from "../observe/metrics.ts";
import type { Call } from "../relay/call.ts";
import { refuse } from "../relay/refuse.ts";
import type { Runtime } from "../relay/runtime.ts";
import type { LoopResources } from "../upstream/address.ts";
import { FramePool } from "./frame-pool.ts";
import { handleRequest } from "./front.ts";
import type { FrontOwner } from "./front.ts";
import type { ClientResources } from "./http-client.ts";
import { createListener, listen, renewCertificate } from "./listener.ts";
import type { ListenerEvents, ListenerTimeouts } from "./listener.ts";
import type { StreamWriter } from "./stream-writer.ts";
import { UpstreamSet } from "./upstream-set.ts";

/** Fine enough for every timeout of the config, coarse enough to cost nothing. */
const TICK_MS = 50;
const WHEEL_SLOTS = 512;
/** One read of an upstream socket; libuv's own size. */
const READ_BUFFER_BYTES = 64 * 1024;
/** After the drain's time is up: for the last error events to leave. */
const FINAL_FLUSH_MS = 500;

/** A client's socket in a list of them. */
class Connected extends ListMember {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
  }
}

/** See the file's comment. */
export class Loop implements FrontOwner, LoopReadings {
  readonly metrics: Metrics;
  readonly #log: Log;
  readonly #wheel = new TimerWheel({ tickMs: TICK_MS, slots: WHEEL_SLOTS });
  readonly #transport: LoopResources = { wheel: this.#wheel, readBuffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES) };
  readonly #frames = new FramePool();
  readonly #streams = new WeakMap<Socket, StreamWriter>();
  readonly #calls = new LinkedList<Call>();
  /** TCP connections. */
  readonly #clients = new LinkedList<Connected>();
  /** What answers are written to: the same, or what speaks TLS over them. */
  readonly #answering = new LinkedList<Connected>();
  readonly #server: http.Server;
  readonly #receiving = { bytes: 0 };
  #upstreams: UpstreamSet;
  #runtime: Runtime;
  #resources: ClientResources;
  #draining = false;
  /** Called when the last call has been settled. */
  #onIdle: (() => void) | null = null;

  /** @param timeouts of the listener, where they differ from its own. */
  constructor(snapshot: ConfigSnapshot, log: Log, timeouts?: Partial<ListenerTimeouts>) {
    this.#log = log;
    this.metrics = new Metrics(this);
    this.#upstreams = new UpstreamSet(snapshot, this.#transport);
    this.#runtime = this.#makeRuntime(snapshot);
    this.#resources = this.#makeResources(snapshot);
    const events: ListenerEvents = {
      onRequest: (request, response, expectation) => handleRequest(this, request, response, expectation),
      onUnreadable: (code) => this.metrics.refused.add(1, code),
      onSocketTimeout: (socket) => {
        const stream = this.#streams.get(socket);
        stream?.stalled();
        return stream !== undefined && !stream.closed;
      },
    };
    this.#server = createListener(snapshot.server, events, timeouts);
    const keep = (list: LinkedList<Connected>) => (socket: Socket) => {
      const connected = new Connected(socket);
      list.add(connected);
      socket.once("close", () => list.delete(connected));
    };
    this.#server.on("connection", keep(this.#clients));
    this.#server.on(snapshot.server.tls === undefined ? "connection" : "secureConnection", keep(this.#answering));
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get resources(): ClientResources {
    return this.#resources;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Deadlines that wait. */
  get timers(): number {
    return this.#wheel.size;
  }

  /** @returns the port. */
  listen(): Promise<number> {
    const { host, port } = this.#runtime.snapshot.server;
    return listen(this.#server, { host, port, setting: "--port or server.port" });
  }

  callStarted(call: Call): void {
    this.#calls.add(call);
  }

  callSettled(call: Call): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#onIdle?.();
  }

  endpoints(): ReturnType<LoopReadings["endpoints"]> {
    return this.#upstreams.readings();
  }

  openSockets(): number {
    return this.#clients.size + this.#upstreams.connections();
  }

  /** New calls use `snapshot`; those under way keep theirs. The listener's own settings need a restart. */
  reload(snapshot: ConfigSnapshot): void {
    const previous = this.#upstreams;
    this.#upstreams = new UpstreamSet(snapshot, this.#transport, previous);
    this.#runtime = this.#makeRuntime(snapshot);
    this.#resources = this.#makeResources(snapshot);
    previous.retireAllBut(this.#upstreams);
    renewCertificate(this.#server, snapshot.server);
  }

  /**
   * Takes no new work and waits for the calls under way, `timeoutMs` at most; those left get an error. The listener stays
   * open meanwhile, so that a client is told to go elsewhere instead of finding the door shut.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#server.closeIdleConnections();
    await this.#idle(timeoutMs);
    for (const call of this.#calls) {
      const error = new GatewayError("draining", { retryAfterMs: 1000 });
      if (call.work === null) refuse(call, error, "drained");
      else call.work.fail(error, "drained");
    }
    await this.#idle(FINAL_FLUSH_MS);
    // They had their error and do not take it.
    for (const call of this.#calls) call.work?.fail(new GatewayError("draining"), "drained");
    await this.#clientsFlushed();
    await this.close();
  }

  /** Ends everything now. */
  async close(): Promise<void> {
    this.#upstreams.destroy();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const { socket } of this.#clients) socket.destroy();
    await closed;
    this.#wheel.stop();
    this.metrics.close();
  }

  /** Closes our side of every client's connection, and waits a moment until all has left and they have closed theirs. */
  #clientsFlushed(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, FINAL_FLUSH_MS);
      const onClose = (): void => {
        if (this.#answering.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      for (const { socket } of this.#answering) socket.once("close", onClose).end();
      onClose();
    });
  }

  #idle(timeoutMs: number): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onIdle = null;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#onIdle = done;
    });
  }

  #makeRuntime(snapshot: ConfigSnapshot): Runtime {
    return {
      snapshot,
      upstreams: this.#upstreams.byName,
      wheel: this.#wheel,
      metrics: this.metrics,
      log: this.#log,
    };
  }

  #makeResources(snapshot: ConfigSnapshot): ClientResources {
    return {
      frames: this.#frames,
      limits: {
        maxBufferBytes: snapshot.streams.maxBufferBytes,
        stallTimeoutMs: snapshot.streams.stallTimeoutMs,
      },
      maxBodyBytes: snapshot.server.maxBodySizeBytes,
      streams: this.#streams,
      receiving: this.#receiving,
    };
  }
}
