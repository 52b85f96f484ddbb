/**
 * The main thread's part: starts the loops, replaces one that dies, hands on a new config, and drains them all. It serves no
 * client itself.
 */
import { availableParallelism } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { Board } from "../board/board.ts";
import type { BoardRow } from "../board/row.ts";
import { ColumnDirectory, columnCapacity } from "../board/columns.ts";
import type { Columns } from "../board/columns.ts";
import { counterNames } from "../config/counter-names.ts";
import { toPortable } from "../config/portable.ts";
import { MAX_WORKERS } from "../config/schema.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import type { Accounts } from "../limits/accounts.ts";
import type { Log } from "../observe/log.ts";
import { Broker } from "./broker.ts";
import type { BrokerLink } from "./broker.ts";
import { ProcessLimits } from "./process-limits.ts";
import { LoopHandle } from "./loop-handle.ts";
import type { Death } from "./loop-handle.ts";
import type { KeyChanges, KeyRecord } from "../tenants/key-record.ts";
import type { LoopThreadData } from "./messages.ts";
import { RespawnDelay } from "./respawn.ts";

/** A thread that does not end by itself so long after it should have is ended. */
const GRACE_MS = 3000;

/**
 * A row for the broker of slots, for each loop that runs, and for those that end meanwhile. Pages of it that nobody writes to
 * cost nothing.
 */
const BOARD_ROWS = 1 + 3 * MAX_WORKERS;

/** What tells others of the loops' comings and goings. */
interface SupervisorEvents {
  onLogPort(port: MessagePort): void;
  /** It listens. */
  onLoopStarted(handle: LoopHandle): void;
  /** It is gone, wanted or not; nothing of it runs any more. */
  onLoopEnded(handle: LoopHandle, death: Death): void;
}

interface SupervisorOptions extends SupervisorEvents {
  readonly config: ConfigSnapshot;
  readonly log: Log;
  readonly logIntervalMs: number;
  readonly maxHeapMiB: number;
  /** What the process may have of the host. */
  readonly host: LoopThreadData["host"];
  /** Keys of the store that may be used now. */
  readonly keys: () => readonly KeyRecord[];
  /** Whether several listeners can have one port here; where not, there is one loop. */
  readonly canSharePort: boolean;
  /** @default the loop of this package */
  readonly entry?: URL;
}

interface Place {
  readonly loop: number;
  readonly delay: RespawnDelay;
  handle: LoopHandle | null;
  /** Waits to start it again. */
  timer: NodeJS.Timeout | null;
  /** Not to be started again. */
  retired: boolean;
}

/** See the file's comment. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places = new Map<number, Place>();
  /** All that run, also those that are not wanted any more and finish their streams. */
  readonly #handles = new Set<LoopHandle>();
  readonly #directory: ColumnDirectory;
  readonly board: Board;
  readonly broker: Broker;
  readonly limits: ProcessLimits;
  #columns: Columns;
  #config: ConfigSnapshot;
  #port = 0;
  /** When the last call can have ended that began under a config before the present one. */
  #earlierCallsEndMs = 0;
  #draining = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.config;
    const names = counterNames(options.config);
    this.#directory = new ColumnDirectory(columnCapacity(names.length));
    this.#columns = this.#directory.extend(names);
    this.board = Board.create({ rows: BOARD_ROWS, columns: this.#directory.capacity });
    this.broker = new Broker({ board: this.board, config: options.config, columns: this.#columns });
    const { config, keys, log } = options;
    this.limits = new ProcessLimits({ config, keys, log, rows: BOARD_ROWS, broker: this.broker });
  }

  get config(): ConfigSnapshot {
    return this.#config;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Loops that run now. */
  get handles(): readonly LoopHandle[] {
    return [...this.#handles];
  }

  /** Starts every loop. @returns the port. @throws {Error} that says why they can't listen. */
  async start(): Promise<number> {
    this.#port = this.#config.server.port;
    await this.limits.ready();
    try {
      // The first finds out which port it is.
      this.#port = await this.#startLoop(this.#place(1)).listening;
      const rest = Array.from({ length: this.#wanted() - 1 }, (_, i) => this.#startLoop(this.#place(i + 2)).listening);
      await Promise.all(rest);
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this.#port;
  }

  /**
   * New calls use `config`, on every loop; resolves when all that can answer have taken it over.
   * @throws {RangeError} when it names more than there is room for, on the board or in the ledger; the old one stays.
   */
  async reload(config: ConfigSnapshot): Promise<void> {
    // Calls of the configs before the present one are over, so what they counted has been given back.
    if (performance.now() > this.#earlierCallsEndMs) {
      this.broker.forget(this.#directory.retire());
      this.limits.retire();
    }
    const columns = this.#directory.extend(counterNames(config));
    let accounts: Accounts;
    try {
      accounts = this.limits.reload(config);
    } catch (error) {
      // The present config stays, so its columns are the ones in use.
      this.#directory.extend(counterNames(this.#config));
      throw error;
    }
    this.#columns = columns;
    this.broker.reload(config, columns);
    this.#earlierCallsEndMs = Math.max(this.#earlierCallsEndMs, performance.now() + longestCallMs(this.#config));
    this.#config = config;
    const next = { config: toPortable(config), columns: this.#columns, accounts };
    await Promise.all(this.handles.map((handle) => handle.reload(next)));
    if (this.#draining) return;
    const wanted = this.#wanted();
    for (const place of this.#places.values()) if (place.loop > wanted) void this.#retire(place);
    for (let loop = 1; loop <= wanted; loop++) if (!this.#places.has(loop)) this.#startAgain(this.#place(loop), 0);
  }

  /** Keys of the store have changed. */
  tellKeys(changes: KeyChanges): void {
    const accounts = this.limits.addKeys(changes.added);
    // Calls of keys that have gone still count in their accounts.
    this.#earlierCallsEndMs = Math.max(this.#earlierCallsEndMs, performance.now() + longestCallMs(this.#config));
    for (const handle of this.#handles) handle.send({ kind: "keys", changes, accounts });
  }

  /** Takes no new work and resolves when every loop has finished what was under way, or `timeoutMs` has passed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#forgetDead();
    await Promise.all(this.handles.map((handle) => handle.drain(timeoutMs, GRACE_MS)));
    this.broker.close();
    await this.limits.close();
  }

  /** Ends everything now. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#forgetDead();
    await Promise.all(this.handles.map((handle) => handle.stop(GRACE_MS)));
    this.broker.close();
    await this.limits.close();
  }

  #wanted(): number {
    if (!this.#options.canSharePort) return 1;
    const { workers } = this.#config.server;
    return workers === "auto" ? availableParallelism() : workers;
  }

  #place(loop: number): Place {
    const known = this.#places.get(loop);
    if (known !== undefined) return known;
    const place: Place = { loop, delay: new RespawnDelay(), handle: null, timer: null, retired: false };
    this.#places.set(loop, place);
    return place;
  }

  /** @throws {Error} when there is no thread left to be had. */
  #startLoop(place: Place): LoopHandle {
    const { loop } = place;
    const { entry, logIntervalMs, maxHeapMiB, canSharePort, host } = this.#options;
    const ledgerRow = this.limits.claimRow();
    let row: BoardRow;
    try {
      row = this.board.claimRow(loop);
    } catch (error) {
      this.limits.recover(ledgerRow);
      throw error;
    }
    let handle: LoopHandle;
    let link: BrokerLink | undefined;
    try {
      handle = new LoopHandle({
        data: {
          loop,
          config: toPortable(this.#config),
          board: this.board.buffer,
          columns: this.#columns,
          keys: this.#options.keys(),
          ledger: this.limits.buffer,
          ledgerRow,
          accounts: this.limits.accounts,
          port: this.#port,
          sharesPort: canSharePort,
          host,
          logIntervalMs,
        },
        row,
        maxHeapMiB,
        onLogPort: (port) => this.#options.onLogPort(port),
        onLease: async (needs) => await this.limits.lease(needs),
        onLateReturn: (late) => this.limits.giveBack(late),
        onAdmissionPort: (port) => void (link = this.broker.connect(port)),
        ...(entry === undefined ? {} : { entry }),
      });
    } catch (error) {
      this.board.clearRow(row.index);
      this.limits.recover(ledgerRow);
      if (link !== undefined) this.broker.disconnect(link);
      throw error;
    }
    place.handle = handle;
    this.#handles.add(handle);
    handle.listening.then(
      () => this.#options.onLoopStarted(handle),
      () => {},
    );
    void handle.ended.then((death) => {
      this.limits.recover(ledgerRow);
      this.#onEnded(place, handle, death, link!);
    });
    return handle;
  }

  /** Starts the loop of `place` after `delayMs`, and tries again for as long as it can't be. */
  #startAgain(place: Place, delayMs: number): void {
    place.timer = setTimeout(() => {
      place.timer = null;
      try {
        // One that can't listen ends, and comes here again.
        this.#startLoop(place);
      } catch (error) {
        const nextMs = place.delay.afterDeath(0);
        this.#options.log.error({ loop: place.loop, err: error, delayMs: nextMs }, "a loop can't be started");
        this.#startAgain(place, nextMs);
      }
    }, delayMs);
  }

  #onEnded(place: Place, handle: LoopHandle, death: Death, link: BrokerLink): void {
    place.handle = null;
    this.#handles.delete(handle);
    this.board.clearRow(handle.row.index);
    this.broker.disconnect(link);
    this.#options.onLoopEnded(handle, death);
    const { cause, error, exitCode } = death;
    if (cause === "stopped") return;
    const isReplaced = !this.#draining && !place.retired;
    const delayMs = isReplaced ? place.delay.afterDeath(performance.now() - handle.startedMs) : null;
    this.#options.log.error(
      { loop: place.loop, cause, exitCode, err: error, delayMs },
      `a loop died, and its streams with it${isReplaced ? "; another is started" : ""}`,
    );
    if (delayMs !== null) this.#startAgain(place, delayMs);
  }

  /** Fewer loops are wanted: this one finishes its streams, and is not replaced. */
  async #retire(place: Place): Promise<void> {
    place.retired = true;
    this.#places.delete(place.loop);
    if (place.timer !== null) clearTimeout(place.timer);
    await place.handle?.drain(this.#config.server.drainTimeoutMs, GRACE_MS);
  }

  #forgetDead(): void {
    for (const { timer } of this.#places.values()) if (timer !== null) clearTimeout(timer);
  }
}

/** A call ends by its total timeout, or with its wait for a slot; what waits for its client then, by the stall timeout. */
function longestCallMs({ upstreams, streams }: ConfigSnapshot): number {
  const longest = [...upstreams.values()].map(({ timeouts, queue }) => timeouts.totalMs + queue.maxWaitMs);
  return Math.max(...longest) + streams.stallTimeoutMs;
}
