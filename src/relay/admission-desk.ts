/**
 * A loop's side of admission: a slot of the upstream for each request, to the last byte of its answer.
 *
 * While nobody waits for an upstream and it may be asked, a free slot is taken here and now. Otherwise the request waits for the
 * main thread's broker, which keeps the order over all loops.
 */
import type { MessagePort } from "node:worker_threads";
import type { AdmissionRequest, FromBroker, ToBroker } from "../admission/broker-messages.ts";
import type { Board } from "../board/board.ts";
import type { Columns } from "../board/columns.ts";
import type { BoardRow } from "../board/row.ts";
import type { BoardShare } from "../board/share.ts";
import { takeSlot } from "../board/slots.ts";
import { slotCounter } from "../config/counter-names.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { AdmissionDoor } from "./admission-door.ts";
import { OwnSlot, Waiting } from "./admitted.ts";
import type { AdmissionDone, Admitted } from "./admitted.ts";

/** Beyond `queue.max_wait`: the broker's answer is overdue by then, and is not waited for any more. */
const GRACE_MS = 1000;

interface AdmissionDeskOptions {
  readonly share: BoardShare;
  /** The config that `share.columns` belongs to. */
  readonly config: ConfigSnapshot;
  /** The broker has the other end. It does not keep the thread alive. */
  readonly port: MessagePort;
  readonly wheel: TimerWheel;
}

/** See the file's comment. */
export class AdmissionDesk {
  /** The clock of those who wait. */
  readonly wheel: TimerWheel;
  readonly #board: Board;
  readonly #row: BoardRow;
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  /** Upstreams whose slots have come free in this turn while somebody waits. */
  readonly #freed = new Set<string>();
  /** Of the present config. */
  #doors: ReadonlyMap<string, AdmissionDoor>;
  /** Of the one before: a request may have been routed by it. */
  #doorsBefore: ReadonlyMap<string, AdmissionDoor> = new Map();
  #nextTicket = 0;
  /** Caps are of several processes, so the broker may be lent more of one. */
  readonly #sharesCaps: boolean;

  constructor({ share, config, port, wheel }: AdmissionDeskOptions) {
    this.#board = share.board;
    this.#row = share.row;
    this.#port = port;
    this.wheel = wheel;
    this.#sharesCaps = config.store.redis !== undefined;
    this.#doors = this.#makeDoors(config, share.columns);
    port.on("message", (message: FromBroker) => this.#onMessage(message));
    port.unref();
  }

  /** Requests of this loop that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Requests go by `config` from now on. */
  reload(config: ConfigSnapshot, columns: Columns): void {
    this.#doorsBefore = this.#doors;
    this.#doors = this.#makeDoors(config, columns);
  }

  /** For what is seen of an upstream; `undefined` where two configs have not had it. */
  door(upstream: string): AdmissionDoor | undefined {
    return this.#doors.get(upstream) ?? this.#doorsBefore.get(upstream);
  }

  /**
   * Asks for a slot.
   *
   * @param done called later, once, where a {@link Waiting} is returned that is not cancelled before; may get `queue_timeout`
   *   besides what is returned here.
   * @returns a slot; why there is none (`queue_full`, `upstream_waits`); or a place in the queue.
   */
  admit(request: AdmissionRequest, done: AdmissionDone): Admitted | GatewayError | Waiting {
    const door = this.door(request.upstream);
    if (door === undefined) return new GatewayError("internal", { detail: `no upstream ${request.upstream}` });
    const { maxWaiting, maxWaitMs } = door.config.queue;
    const closedMs = door.closedMs();
    if (closedMs > (maxWaiting === 0 ? 0 : maxWaitMs)) return door.closed(closedMs);
    if (closedMs <= 0 && door.cells.waiting === 0) {
      const { cap } = door.cells;
      const taken = takeSlot(this.#board, this.#row, door.column, cap);
      if (taken !== null) {
        const slot = new OwnSlot(taken, door);
        // A cap that has sunk meanwhile: what is above it may be another process's by now (BrokerLine.setShare).
        if (door.cells.cap >= cap) return slot;
        slot.release();
      }
    }
    // The broker says who waits and who gives way. What it has not come to yet is bounded here.
    const borrowed = this.#sharesCaps ? door.lacking : 0;
    if (door.waiting >= 2 * maxWaiting + borrowed) return door.turnAway();
    const ticket = this.#nextTicket++;
    const waiting = new Waiting({ desk: this, ticket, door, done });
    this.#waiting.set(ticket, waiting);
    door.waiting++;
    this.wheel.arm(waiting, this.wheel.nowMs() + maxWaitMs + GRACE_MS);
    this.say({ kind: "wait", ticket, request });
    return waiting;
  }

  /** Nobody waits any more, and nothing is heard of the broker. */
  close(): void {
    for (const waiting of this.#waiting.values()) waiting.cancel();
    for (const door of [...this.#doors.values(), ...this.#doorsBefore.values()]) this.wheel.disarm(door);
    this.#port.close();
  }

  /** For those who wait, doors and slots. */
  say(message: ToBroker): void {
    this.#port.postMessage(message);
  }

  /** For those who wait: `ticket` is nobody's any more. */
  forget(ticket: number, door: AdmissionDoor): void {
    if (this.#waiting.delete(ticket)) door.waiting--;
  }

  /** For doors: said once for all slots that come free in this turn. */
  freed(upstream: string): void {
    if (this.#freed.size === 0) queueMicrotask(() => this.#sayFreed());
    this.#freed.add(upstream);
  }

  #sayFreed(): void {
    for (const upstream of this.#freed) this.say({ kind: "freed", upstream });
    this.#freed.clear();
  }

  #onMessage(message: FromBroker): void {
    const waiting = this.#waiting.get(message.ticket);
    switch (message.kind) {
      case "granted":
        // It has left meanwhile.
        if (waiting === undefined) return this.say({ kind: "returned", upstream: message.upstream });
        return waiting.granted();
      case "refused":
        return waiting?.refused(message.code, message.retryAfterMs);
    }
  }

  #makeDoors(config: ConfigSnapshot, columns: Columns): ReadonlyMap<string, AdmissionDoor> {
    return new Map(
      [...config.upstreams].map(([name, upstream]) => [
        name,
        new AdmissionDoor(upstream, this, this.#board, columns.get(slotCounter(name))!),
      ]),
    );
  }
}
