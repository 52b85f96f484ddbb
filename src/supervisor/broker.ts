/**
 * Hands out the slots for which there is a queue: one for the process, on the main thread, so that order and fairness hold over
 * all loops.
 *
 * A loop takes a free slot by itself as long as nobody waits (`src/relay/admission-desk.ts`). Else it asks here, by message. What is granted
 * is counted in the broker's own row of the board until the loop says that it is free again, or has ended: a slot
 * that moved from one row to another could be missed by a loop that adds up the rows meanwhile. So the cap stays exact.
 */
import type { MessagePort } from "node:worker_threads";
import type { AdmissionRefusal, FromBroker, ToBroker } from "../admission/broker-messages.ts";
import type { Board } from "../board/board.ts";
import type { Columns } from "../board/columns.ts";
import type { BoardRow } from "../board/row.ts";
import { slotCounter } from "../config/counter-names.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { TimerWheel } from "../core/timer-wheel.ts";
import { BrokerLine } from "./broker-line.ts";
import type { LendSlots } from "./slot-borrowing.ts";
import type { SlotHolder } from "./slot-keeper.ts";
import { Waiter } from "./waiter.ts";

/** The broker's number on the board, where loops have theirs. */
const OWNER = 2 ** 31 - 1;
const TICK_MS = 10;
const WHEEL_SLOTS = 1024;

interface BrokerOptions {
  readonly board: Board;
  readonly config: ConfigSnapshot;
  /** Of the config. */
  readonly columns: Columns;
}

/** How an upstream's queue stands. */
interface QueueReading {
  readonly upstream: string;
  readonly waiting: number;
  /** Slots that are out. */
  readonly taken: number;
  /** `Infinity` where there is none. */
  readonly cap: number;
}

/** See the file's comment. */
export class Broker implements SlotHolder {
  readonly #board: Board;
  readonly #row: BoardRow;
  readonly #wheel = new TimerWheel({ tickMs: TICK_MS, slots: WHEEL_SLOTS });
  readonly #lines = new Map<string, BrokerLine>();
  readonly #links = new Set<BrokerLink>();
  /** `null` where all caps are this process's alone. */
  #lend: LendSlots | null = null;

  /** Claims a row. @throws Error where none is free. */
  constructor({ board, config, columns }: BrokerOptions) {
    this.#board = board;
    this.#row = board.claimRow(OWNER);
    this.reload(config, columns);
  }

  /** A loop is about to start: what comes through `port` is its desk's. */
  connect(port: MessagePort): BrokerLink {
    const link = new BrokerLink(port, this.#lines);
    this.#links.add(link);
    return link;
  }

  /** The loop has ended and its row is cleared: nobody of it waits any more, and what it held is for others. */
  disconnect(link: BrokerLink): void {
    if (!this.#links.delete(link)) return;
    link.close();
    for (const line of this.#lines.values()) line.dispatch();
  }

  /** New caps and bounds; upstreams that are gone keep theirs for those who wait, until {@link forget}. Before loops hear of it. */
  reload(config: ConfigSnapshot, columns: Columns): void {
    for (const upstream of config.upstreams.values()) {
      const known = this.#lines.get(upstream.name);
      if (known !== undefined) {
        known.configure(upstream);
        continue;
      }
      const column = columns.get(slotCounter(upstream.name))!;
      const line = new BrokerLine(upstream, { board: this.#board, row: this.#row, column, wheel: this.#wheel });
      if (this.#lend !== null) line.borrowFrom(this.#lend);
      this.#lines.set(upstream.name, line);
    }
  }

  /** Columns are given to other names. @param counters those that are gone. */
  forget(counters: readonly string[]): void {
    const gone = new Set(counters);
    for (const [upstream, line] of this.#lines) {
      if (!gone.has(slotCounter(upstream))) continue;
      line.close();
      this.#lines.delete(upstream);
    }
  }

  /** All caps hold over several processes from now on: what this one may have of them is to be lent, by {@link setShare}. */
  borrowFrom(lend: LendSlots): void {
    this.#lend = lend;
    for (const line of this.#lines.values()) line.borrowFrom(lend);
  }

  setShare(upstream: string, slots: number): number {
    return this.#lines.get(upstream)?.setShare(slots) ?? slots;
  }

  slotsTaken(upstream: string): number {
    return this.#lines.get(upstream)?.takenOfShare ?? 0;
  }

  /** How the queues stand. */
  readings(): QueueReading[] {
    return [...this.#lines].map(([upstream, { waiting, taken, cap }]) => ({ upstream, waiting, taken, cap }));
  }

  /** Ends everything. */
  close(): void {
    for (const link of this.#links) link.close();
    this.#links.clear();
    for (const line of this.#lines.values()) line.close();
    this.#wheel.stop();
    this.#board.clearRow(this.#row.index);
  }
}

/** The broker's end of what connects it with one loop. */
export class BrokerLink {
  readonly #port: MessagePort;
  readonly #lines: ReadonlyMap<string, BrokerLine>;
  readonly #waiters = new Map<number, Waiter>();
  /** Slots that the loop has been granted. */
  readonly #held = new Map<BrokerLine, number>();
  #closed = false;

  constructor(port: MessagePort, lines: ReadonlyMap<string, BrokerLine>) {
    this.#port = port;
    this.#lines = lines;
    port.on("message", (message: ToBroker) => this.#onMessage(message));
    port.unref();
  }

  onGranted(waiter: Waiter): void {
    this.#waiters.delete(waiter.ticket);
    this.#held.set(waiter.line, this.#heldOf(waiter.line) + 1);
    this.#say({ kind: "granted", ticket: waiter.ticket, upstream: waiter.request.upstream });
  }

  onRefused(waiter: Waiter, code: AdmissionRefusal, retryAfterMs: number): void {
    this.#waiters.delete(waiter.ticket);
    this.#say({ kind: "refused", ticket: waiter.ticket, code, retryAfterMs });
  }

  /** Drops who waits and takes back what is held. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    for (const waiter of this.#waiters.values()) waiter.line.leave(waiter);
    this.#waiters.clear();
    for (const [line, slots] of this.#held) line.takeBack(slots);
    this.#held.clear();
  }

  #onMessage(message: ToBroker): void {
    // What was under way when the loop was taken to be gone.
    if (this.#closed) return;
    switch (message.kind) {
      case "wait": {
        const { ticket, request } = message;
        const line = this.#lines.get(request.upstream);
        if (line === undefined) return this.#say({ kind: "refused", ticket, code: "queue_full", retryAfterMs: 1000 });
        const waiter = new Waiter(ticket, request, this, line);
        this.#waiters.set(ticket, waiter);
        return line.wait(waiter);
      }
      case "leave": {
        const waiter = this.#waiters.get(message.ticket);
        this.#waiters.delete(message.ticket);
        return waiter?.line.leave(waiter);
      }
      case "returned": {
        const line = this.#lines.get(message.upstream);
        const held = line === undefined ? 0 : this.#heldOf(line);
        if (line === undefined || held === 0) return;
        if (held > 1) this.#held.set(line, held - 1);
        else this.#held.delete(line);
        line.takeBack(1);
        return line.dispatch();
      }
      case "freed":
        return this.#lines.get(message.upstream)?.dispatch();
      case "observed":
        return this.#lines.get(message.upstream)?.observe(message.seen);
    }
  }

  #heldOf(line: BrokerLine): number {
    return this.#held.get(line) ?? 0;
  }

  #say(message: FromBroker): void {
    this.#port.postMessage(message);
  }
}
