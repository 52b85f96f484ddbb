/** One event loop of the gateway: its listener, its calls, its upstream connections, and how all of it ends. */
import type http from "node:http";
import { extname } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { Socket } from "node:net";
import type { Gate } from "../admission/gate.ts";
import type { ProcessReadings } from "../admission/process-readings.ts";
import type { Columns } from "../board/columns.ts";
import type { BoardShare } from "../board/share.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { LinkedList } from "../core/linked-list.ts";
import { TimerWheel } from "../core/timer-wheel.ts";
import type { Accounts } from "../limits/accounts.ts";
import type { Log } from "../observe/log.ts";
import { LoopPulse } from "../observe/loop-pulse.ts";
import { Metrics } from "../observe/metrics.ts";
import type { LoopReadings } from "../observe/metrics.ts";
import { Offload } from "../offload/offload.ts";
import { OffloadPool } from "../offload/pool.ts";
import type { Call } from "../relay/call.ts";
import { AdmissionDesk } from "../relay/admission-desk.ts";
import { LimitsDesk } from "../relay/limits-desk.ts";
import type { LimitsDeskOptions } from "../relay/limits-desk.ts";
import type { Runtime } from "../relay/runtime.ts";
import { KeyDirectory } from "../tenants/directory.ts";
import type { KeyRecord } from "../tenants/key-record.ts";
import type { LoopResources } from "../upstream/address.ts";
import { Clients } from "./clients.ts";
import { Doors } from "./doors.ts";
import { Drain } from "./drain.ts";
import { FramePool } from "./frame-pool.ts";
import { handleRequest } from "./front.ts";
import type { FrontOwner } from "./front.ts";
import type { ClientResources } from "./http-client.ts";
import { createListener, renewCertificate } from "./listener.ts";
import type { ListenerEvents, ListenerTimeouts } from "./listener.ts";
import { Relief } from "./relief.ts";
import type { StreamWriter } from "./stream-writer.ts";
import { UpstreamSet } from "./upstream-set.ts";
import { Vitals } from "./vitals.ts";

/** Fine enough for every timeout of the config, coarse enough to cost nothing. */
const TICK_MS = 50;
const WHEEL_SLOTS = 512;
/** One read of an upstream socket; libuv's own size. */
const READ_BUFFER_BYTES = 64 * 1024;
interface LoopOptions {
  readonly share: BoardShare;
  /** Of the listener, where they differ from its own. */
  readonly timeouts?: Partial<ListenerTimeouts>;
  /** The broker of slots is at the other end. */
  readonly admissionPort: MessagePort;
  /** What requests are limited by, and how more is asked for. */
  readonly limits: Pick<LimitsDeskOptions, "limiter" | "accounts" | "ask">;
  /** Keys of the store. @default none */
  readonly keys?: readonly KeyRecord[];
  /** What the loop has to know of its process to refuse in time. @default nobody is refused for overload */
  readonly readings?: () => ProcessReadings;
}

/** See the file's comment. */
export class Loop implements FrontOwner, LoopReadings {
  readonly metrics: Metrics;
  readonly keys: KeyDirectory;
  readonly limits: LimitsDesk;
  readonly #log: Log;
  readonly #share: BoardShare;
  readonly #wheel = new TimerWheel({ tickMs: TICK_MS, slots: WHEEL_SLOTS });
  readonly #transport: LoopResources = { wheel: this.#wheel, readBuffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES) };
  readonly #frames = new FramePool();
  readonly #desk: AdmissionDesk;
  readonly #offload: Offload;
  readonly #translations: Runtime["translations"];
  readonly #streams = new WeakMap<Socket, StreamWriter>();
  readonly #calls = new LinkedList<Call>();
  readonly #clients: Clients;
  readonly #server: http.Server;
  readonly #doors: Doors;
  readonly #receiving = { bytes: 0 };
  readonly #relief: Relief;
  readonly #pulse: LoopPulse;
  #upstreams: UpstreamSet;
  #runtime: Runtime;
  #resources: ClientResources;
  readonly #drain: Drain;
  #sharesPort = false;

  constructor(
    snapshot: ConfigSnapshot,
    log: Log,
    { share, admissionPort, limits, keys, timeouts = {}, readings }: LoopOptions,
  ) {
    this.#log = log;
    this.keys = new KeyDirectory(snapshot, keys);
    this.limits = new LimitsDesk({ ...limits, config: snapshot });
    this.#share = share;
    const vitals = new Vitals(share.row, this);
    this.metrics = new Metrics(this, vitals);
    this.#offload = new Offload({ wheel: this.#wheel, meter: this.metrics.offload });
    this.#translations = new OffloadPool({
      wheel: this.#wheel,
      meter: this.metrics.offload,
      entry: new URL(`../relay/translation-thread${extname(import.meta.url)}`, import.meta.url),
    });
    this.#desk = new AdmissionDesk({ share, config: snapshot, port: admissionPort, wheel: this.#wheel });
    this.#upstreams = this.#makeUpstreams(snapshot, this.#share.columns);
    this.#runtime = this.#makeRuntime(snapshot);
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
    this.#doors = new Doors(this.#server);
    this.#clients = new Clients(this.#server, snapshot.server.tls !== undefined);
    this.#drain = new Drain({ server: this.#server, doors: this.#doors, clients: this.#clients, calls: this.#calls });
    this.#relief = new Relief({ loop: this, server: this.#server, log, metrics: this.metrics, readings });
    this.#resources = this.#makeResources(snapshot);
    this.#pulse = new LoopPulse(vitals);
  }

  get runtime(): Runtime {
    return this.#runtime;
  }

  get resources(): ClientResources {
    return this.#resources;
  }

  get draining(): boolean {
    return this.#drain.draining;
  }

  get closing(): boolean {
    return this.#drain.closing;
  }

  get gate(): Gate | null {
    return this.#relief.gate;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Bytes that wait for clients, and of bodies that are not whole yet. */
  get bufferedBytes(): number {
    return this.#receiving.bytes + this.#relief.waiting.bytes;
  }

  /** Connections of clients. */
  get clientSockets(): number {
    return this.#clients.size;
  }

  /** Deadlines that wait. */
  get timers(): number {
    return this.#wheel.size;
  }

  /**
   * @param place the port, where it is not the config's, and whether other loops and processes listen on it, too.
   * @returns the port.
   */
  listen(place: { readonly port?: number; readonly shared?: boolean } = {}): Promise<number> {
    const { host, port } = this.#runtime.snapshot.server;
    this.#sharesPort = place.shared ?? false;
    const setting = "--port or server.port";
    return this.#doors.open({ host, port: place.port ?? port, setting, shared: this.#sharesPort });
  }

  callStarted(call: Call): void {
    this.#calls.add(call);
  }

  callSettled(call: Call): void {
    this.#calls.delete(call);
    this.#relief.callSettled(call);
    this.#drain.callSettled();
  }

  endpoints(): ReturnType<LoopReadings["endpoints"]> {
    return this.#upstreams.readings();
  }

  openSockets(): number {
    return this.#clients.size + this.#upstreams.connections();
  }

  /**
   * New calls use `snapshot`; those under way keep theirs. The listener's own settings need a restart.
   * @param columns of this config.
   * @param accounts of this config and of the keys that are known.
   */
  reload(snapshot: ConfigSnapshot, columns: Columns, accounts: Accounts): void {
    const previous = this.#upstreams;
    this.#desk.reload(snapshot, columns);
    this.limits.reload(snapshot, accounts);
    this.#upstreams = this.#makeUpstreams(snapshot, columns, previous);
    this.#runtime = this.#makeRuntime(snapshot);
    this.#resources = this.#makeResources(snapshot);
    this.keys.reload(snapshot);
    previous.retireAllBut(this.#upstreams);
    renewCertificate(this.#server, snapshot.server);
  }

  /** Takes no new work, waits for the calls under way, `timeoutMs` at most, and closes: see drain.ts. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#drain.run(timeoutMs, this.#sharesPort);
    await this.close();
  }

  /** Ends everything now. */
  async close(): Promise<void> {
    this.#upstreams.destroy();
    const closed = this.#doors.close();
    this.#server.closeAllConnections();
    this.#clients.destroy();
    await Promise.all([closed, this.#offload.close(), this.#translations.close()]);
    this.#desk.close();
    this.#wheel.stop();
    this.#relief.close();
    this.#pulse.close();
  }

  #makeUpstreams(snapshot: ConfigSnapshot, columns: Columns, previous?: UpstreamSet): UpstreamSet {
    const options = { transport: this.#transport, share: this.#share, columns };
    return new UpstreamSet(snapshot, previous === undefined ? options : { ...options, previous });
  }

  #makeRuntime(snapshot: ConfigSnapshot): Runtime {
    return {
      row: this.#share.row,
      snapshot,
      upstreams: this.#upstreams.byName,
      wheel: this.#wheel,
      metrics: this.metrics,
      log: this.#log,
      offload: this.#offload,
      translations: this.#translations,
      desk: this.#desk,
      limits: this.limits,
    };
  }

  #makeResources(snapshot: ConfigSnapshot): ClientResources {
    const { coalescer, waiting } = this.#relief;
    this.#relief.coalesceMs = snapshot.streams.coalesceMs;
    return {
      frames: this.#frames,
      coalescer,
      waiting,
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
