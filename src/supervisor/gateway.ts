/** The gateway as a whole, as its command and its admin plane see it: the loops, what watches over them, what they report. */
import { availableParallelism } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { withListenersOf } from "../config/build-snapshot.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import type { Log } from "../observe/log.ts";
import { LoopMetrics } from "../observe/loop-metrics.ts";
import { memoryLimitBytes } from "../observe/memory.ts";
import { openFileLimit } from "../observe/open-files.ts";
import { Supervisor } from "./supervisor.ts";
import type { Death, LoopHandle } from "./loop-handle.ts";
import { KeyWatcher } from "../tenants/key-watcher.ts";
import { Watchdog } from "./watchdog.ts";
import type { BlockReport, WatchedLoop } from "./watchdog.ts";

/** What reading the config again gives. */
type ConfigReading = { readonly config: ConfigSnapshot } | { readonly faults: readonly string[] };

interface GatewayOptions {
  readonly config: ConfigSnapshot;
  readonly log: Log;
  readonly logIntervalMs: number;
  readonly onLogPort: (port: MessagePort) => void;
  readonly canSharePort: boolean;
  /** For a reload. */
  readonly readConfig: () => Promise<ConfigReading>;
  /** Largest heap of a loop, MiB. @default by the memory that the process may have */
  readonly maxHeapMiB?: number;
  /** What runs in a loop's thread. @default the loop of this package */
  readonly entry?: URL;
}

/** Of the memory that this process may have, the heaps of all loops together; the rest is for buffers and the kernel's share. */
const HEAP_SHARE = 0.75;
const MIN_HEAP_MIB = 256;
const MAX_HEAP_MIB = 4096;
const MIB = 1024 * 1024;
/** A loop's pressure on the board. */
const HARD = 2;
/** How often what the board says of the process is written. */
const PROCESS_READING_MS = 100;

/** See the file's comment. */
export class Gateway {
  readonly #log: Log;
  readonly #readConfig: () => Promise<ConfigReading>;
  readonly #supervisor: Supervisor;
  readonly #metrics = new LoopMetrics({
    queues: () => this.#supervisor.broker.readings(),
    redisState: () => this.#supervisor.limits.redisState,
  });
  readonly #keys: KeyWatcher;
  readonly #watchdog: Watchdog;
  readonly #watched = new Map<LoopHandle, WatchedLoop>();
  readonly #startedMs = Date.now();
  readonly #processTimer: NodeJS.Timeout;
  #reloading: Promise<readonly string[]> = Promise.resolve([]);
  #waitingReload: Promise<readonly string[]> | null = null;

  constructor(options: GatewayOptions) {
    const { config, log, logIntervalMs, canSharePort, entry } = options;
    this.#log = log;
    this.#readConfig = options.readConfig;
    this.#watchdog = new Watchdog({ onBlocked: (report) => this.#onBlocked(report) });
    this.#keys = new KeyWatcher({
      directory: config.store.path,
      onChange: (changes) => this.#supervisor.tellKeys(changes),
      onFault: (message) =>
        log.error({ fault: message }, "the keys of the store can't be read; those that are known stay"),
    });
    this.#supervisor = new Supervisor({
      config,
      log,
      logIntervalMs,
      canSharePort,
      keys: () => this.#keys.records(Date.now()),
      maxHeapMiB: options.maxHeapMiB ?? maxHeapMiB(config),
      host: { memoryLimitBytes: memoryLimitBytes(), openFileLimit: openFileLimit() },
      onLogPort: options.onLogPort,
      onLoopStarted: (handle) => this.#onLoopStarted(handle),
      onLoopEnded: (handle, death) => this.#onLoopEnded(handle, death),
      ...(entry === undefined ? {} : { entry }),
    });
    this.#processTimer = setInterval(() => this.#readProcess(), PROCESS_READING_MS).unref();
  }

  get config(): ConfigSnapshot {
    return this.#supervisor.config;
  }

  get draining(): boolean {
    return this.#supervisor.draining;
  }

  /** Loops that run. */
  get loops(): number {
    return this.#supervisor.handles.length;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#supervisor.board.total("streams");
  }

  /** Why no new work should come; `null` when it may. */
  get notReady(): "draining" | "overloaded" | null {
    if (this.draining) return "draining";
    const rows = this.#supervisor.handles.map(({ row }) => row);
    // While one loop takes new work the process does; the kernel shares clients out, and they come again.
    return rows.every((row) => row.get("pressure") === HARD) ? "overloaded" : null;
  }

  /** @returns the port. @throws {Error} that says why it can't listen. */
  start(): Promise<number> {
    return this.#supervisor.start();
  }

  /** See {@link Supervisor.drain}. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#supervisor.drain(timeoutMs);
    this.#close();
  }

  /** Ends everything now. */
  async stop(): Promise<void> {
    await this.#supervisor.stop();
    this.#close();
  }

  /**
   * Reads the config again and hands it to every loop; one that is at fault changes nothing. One after the other: of two that
   * come at once the later file wins.
   * @returns the faults, each with its place; empty when it was taken over.
   */
  reload(): Promise<readonly string[]> {
    // Whoever comes while one waits is served by that one: it has not read the file yet.
    this.#waitingReload ??= this.#reloading.then(() => {
      this.#waitingReload = null;
      return this.#reload();
    });
    this.#reloading = this.#waitingReload.catch(() => []);
    return this.#waitingReload;
  }

  /** Every metric, in Prometheus' text format. A loop that does not answer in time shows what it said last. */
  async metrics(): Promise<string> {
    await Promise.all(
      this.#supervisor.handles.map(async (handle) => {
        const metrics = await handle.readMetrics();
        if (metrics !== null && !handle.hasEnded) this.#metrics.take(handle, metrics);
      }),
    );
    return this.#metrics.page();
  }

  /** The present state; no secrets. */
  status(): object {
    const { board, handles } = this.#supervisor;
    return {
      configVersion: this.config.version,
      uptimeSeconds: Math.round((Date.now() - this.#startedMs) / 1000),
      draining: this.draining,
      calls: this.calls,
      openSockets: board.total("openSockets"),
      bufferedBytes: board.total("bufferedBytes"),
      rssBytes: process.memoryUsage.rss(),
      loops: handles.map(({ loop, row }) => ({
        loop,
        calls: row.get("streams"),
        openSockets: row.get("openSockets"),
        bufferedBytes: row.get("bufferedBytes"),
        heapBytes: row.get("heapBytes"),
        utilisation: row.get("utilisation"),
        delayMs: {
          p50: row.get("delayP50Us") / 1000,
          p99: row.get("delayP99Us") / 1000,
          max: row.get("delayMaxUs") / 1000,
        },
      })),
    };
  }

  async #reload(): Promise<readonly string[]> {
    const next = await this.#readConfig();
    if ("faults" in next) {
      this.#log.error({ faults: next.faults }, "the new config is at fault; the old one stays");
      return next.faults;
    }
    if (this.config.store.path !== next.config.store.path) this.#log.warn("the store keeps its place until a restart");
    if (listeners(this.config) !== listeners(next.config)) {
      this.#log.warn("listeners keep their host and port, and whether they speak TLS, until a restart");
    }
    try {
      await this.#supervisor.reload(withListenersOf(this.config, next.config));
    } catch (error) {
      this.#log.error({ err: error }, "the new config can't be taken over; the old one stays");
      return [(error as Error).message];
    }
    this.#log.info({ configVersion: this.config.version }, "config reloaded");
    return [];
  }

  #onLoopStarted(handle: LoopHandle): void {
    const { loop, row } = handle;
    const watched: WatchedLoop = {
      name: String(loop),
      lastBeatMs: () => row.lastBeatMs,
      heldMs: () => row.get("heldMs"),
      doing: () => row.doing,
      startCpuProfile: () => handle.startCpuProfile(),
    };
    this.#watched.set(handle, watched);
    void this.#watchdog.watch(watched);
  }

  #onLoopEnded(handle: LoopHandle, { cause }: Death): void {
    const watched = this.#watched.get(handle);
    if (watched !== undefined) this.#watchdog.unwatch(watched);
    this.#watched.delete(handle);
    if (handle.lastMetrics !== null) this.#metrics.take(handle, handle.lastMetrics);
    this.#metrics.forget(handle);
    if (cause !== "stopped") this.#metrics.process.restarts.add(1, cause);
  }

  #onBlocked(report: BlockReport): void {
    this.#metrics.process.blocked.add(1, report.loop);
    this.#log.warn({ ...report }, "an event loop was blocked, and all of its streams with it");
  }

  #readProcess(): void {
    this.#supervisor.board.set("rssBytes", process.memoryUsage.rss());
  }

  #close(): void {
    clearInterval(this.#processTimer);
    this.#watchdog.close();
    this.#keys.close();
  }
}

/** What a reload can't change. */
function listeners({ server: { host, port, tls }, admin }: ConfigSnapshot): string {
  return JSON.stringify([host, port, tls !== undefined, admin.host, admin.port]);
}

function maxHeapMiB({ server }: ConfigSnapshot): number {
  const loops = server.workers === "auto" ? availableParallelism() : server.workers;
  const limitBytes = server.memoryLimitBytes === "auto" ? memoryLimitBytes() : server.memoryLimitBytes;
  const shareMiB = (limitBytes * HEAP_SHARE) / loops / MIB;
  return Math.round(Math.min(MAX_HEAP_MIB, Math.max(MIN_HEAP_MIB, shareMiB)));
}
