/** The queue of one upstream, over all loops: who waits, who is turned away, and who gets the next slot. */
import { AdaptiveLimit } from "../admission/adaptive-limit.ts";
import type { UpstreamObservations } from "../admission/adaptive-limit.ts";
import type { AdmissionRefusal } from "../admission/broker-messages.ts";
import { DrainRate } from "../admission/drain-rate.ts";
import { FairQueue } from "../admission/fair-queue.ts";
import { AdmissionCells } from "../board/admission-cells.ts";
import type { Board } from "../board/board.ts";
import { countOf, HEADER, TRYING_BIT } from "../board/layout.ts";
import type { BoardRow } from "../board/row.ts";
import { takeSlot } from "../board/slots.ts";
import type { UpstreamConfig } from "../config/snapshot.ts";
import type { Lease } from "../core/lease.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { SlotBorrowing } from "./slot-borrowing.ts";
import type { LendSlots } from "./slot-borrowing.ts";
import { Alarm } from "./waiter.ts";
import type { Waiter } from "./waiter.ts";

/** A slot that others are in the way of is tried for so often; they say so when they have not taken it either. */
const MAX_TRIES = 4;

interface BrokerLineOptions {
  readonly board: Board;
  /** The broker's own: slots that it has granted are counted here until they come back. */
  readonly row: BoardRow;
  /** Counts the upstream's slots. */
  readonly column: number;
  readonly wheel: TimerWheel;
}

/** See the file's comment. */
export class BrokerLine {
  readonly column: number;
  readonly #board: Board;
  readonly #row: BoardRow;
  readonly #wheel: TimerWheel;
  readonly #cells: AdmissionCells;
  readonly #queue = new FairQueue<Waiter>();
  readonly #drain = new DrainRate();
  /** The upstream may be asked again. */
  readonly #reopening = new Alarm(() => this.dispatch());
  /** Slots that are granted. One is as good as another. */
  readonly #granted: Lease[] = [];
  #config: UpstreamConfig;
  #adaptive: AdaptiveLimit | null = null;
  /** By the config, or adapted: what there may be over all processes. */
  #wholeCap = Infinity;
  /** What this process may have of it. */
  #share = Infinity;
  /** `null`: the cap is this process's alone. */
  #borrowing: SlotBorrowing | null = null;
  /** Those beyond `maxWaiting` who wait to hear whether slots can be borrowed. */
  readonly #beyond = new Set<Waiter>();

  constructor(config: UpstreamConfig, { board, row, column, wheel }: BrokerLineOptions) {
    this.#config = config;
    this.#board = board;
    this.#row = row;
    this.#wheel = wheel;
    this.column = column;
    this.#cells = new AdmissionCells(board.memory, column);
    this.configure(config);
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Slots that there may be now. */
  get cap(): number {
    return this.#cells.cap;
  }

  /** Slots that are taken, over all loops; each row read in order with what this thread has written. */
  get taken(): number {
    return this.#sum(countOf);
  }

  /** Takes over a new config. Who waits already does so until the deadline that was set then. */
  configure(config: UpstreamConfig): void {
    this.#config = config;
    const { maxConcurrency } = config;
    if (typeof maxConcurrency !== "object") {
      this.#adaptive = null;
    } else if (this.#adaptive === null) this.#adaptive = new AdaptiveLimit(maxConcurrency);
    else this.#adaptive.bounds = maxConcurrency;
    // What is taken without a cap is nobody's share, and a cap that comes later begins with none.
    if (this.#borrowing !== null && maxConcurrency === undefined) this.#share = 0;
    this.#setCap();
  }

  /** The cap is of several processes from now on: this one has nothing of it until it is lent some, and asks while somebody waits. */
  borrowFrom(lend: LendSlots): void {
    this.#borrowing = new SlotBorrowing({
      wheel: this.#wheel,
      lend: (slots) => lend(this.#config.name, slots),
      share: () => this.#share,
      onAnswer: (isRefused) => this.#onLent(isRefused),
    });
    this.setShare(0);
  }

  /**
   * This process may have so many slots of the cap and not more; `Infinity` takes that back.
   *
   * @returns `slots`, or what is taken where that is more. Whoever tries for one just now counts as having it: the cap that it goes
   *   by may be the one before.
   */
  setShare(slots: number): number {
    this.#share = slots;
    this.#setCap();
    // Who passes this later than we reads the new cap if it looks again; who passed before has its flag up (src/board/slots.ts).
    Atomics.add(this.#board.memory.cells, HEADER.gate, 1);
    return Math.max(
      slots,
      this.#sum((cell) => countOf(cell) + (cell >>> TRYING_BIT)),
    );
  }

  /** What of a shared cap is taken; 0 where there is none. */
  get takenOfShare(): number {
    return this.#config.maxConcurrency === undefined ? 0 : this.taken;
  }

  /** Gives `waiter` a slot, lets it wait, or turns it or somebody else away. */
  wait(waiter: Waiter): void {
    const { request } = waiter;
    const { maxWaiting, maxWaitMs } = this.#config.queue;
    if (this.#closedMs() > maxWaitMs) return this.#refuse(waiter, "upstream_waits", 0);
    this.#queue.enqueue(waiter, request);
    // Before the slots are looked at: who gives one back after that look sees that somebody waits, and says so.
    this.#noteWaiting();
    this.dispatch();
    if (waiter.queueFlow === null) return;
    waiter.hasWaited = true;
    this.#wheel.arm(waiter.deadline, this.#wheel.nowMs() + maxWaitMs);
    const borrowed = this.#borrowing?.asks === true ? this.#lacking : 0;
    if (borrowed > 0 && this.#queue.size > maxWaiting) this.#beyond.add(waiter);
    if (this.#queue.size > maxWaiting + borrowed) {
      const excessive = this.#queue.mostExcessive(waiter, request.priority, maxWaiting);
      this.#turnAway(excessive, "queue_full");
      if (excessive === waiter) return;
    }
    const ahead = this.#queue.ahead(request.tenant, request.priority);
    if (this.#drain.waitAtLeastMs(ahead, this.#wheel.nowMs()) > maxWaitMs) this.#turnAway(waiter, "queue_full");
  }

  /** `waiter` waits no longer; its place is free at once. */
  leave(waiter: Waiter): void {
    this.#wheel.disarm(waiter.deadline);
    this.#beyond.delete(waiter);
    if (this.#queue.cancel(waiter)) this.#noteWaiting();
  }

  /** `waiter` has waited for as long as it may. */
  expire(waiter: Waiter): void {
    this.#turnAway(waiter, this.#closedMs() > 0 ? "upstream_waits" : "queue_timeout");
  }

  /** Gives out the slots that are free, as long as anybody waits for one. */
  dispatch(): void {
    while (this.#queue.size > 0) {
      const closedMs = this.#closedMs();
      if (closedMs > 0) return this.#wheel.arm(this.#reopening, this.#wheel.nowMs() + closedMs);
      const slot = this.#take();
      if (slot === null) return this.#borrow();
      this.#granted.push(slot);
      const waiter = this.#queue.dequeue()!;
      this.leave(waiter);
      if (waiter.hasWaited) this.#drain.granted(this.#wheel.nowMs());
      this.#noteWaiting();
      waiter.owner.onGranted(waiter);
    }
  }

  /** So many of the granted slots are free again. */
  takeBack(slots: number): void {
    for (let taken = 0; taken < slots; taken++) this.#granted.pop()?.release();
  }

  /** Takes what a loop has seen of the upstream. */
  observe(seen: UpstreamObservations): void {
    if (this.#adaptive === null) return;
    const inUse = this.waiting > 0 ? this.cap : this.taken;
    this.#adaptive.take(seen, inUse, this.#wheel.nowMs());
    this.#setCap();
  }

  /** The upstream is gone, or everything ends: who still waits is turned away. */
  close(): void {
    for (let waiter = this.#queue.dequeue(); waiter !== null; waiter = this.#queue.dequeue()) {
      this.#wheel.disarm(waiter.deadline);
      this.#refuse(waiter, "queue_timeout", 0);
    }
    this.#wheel.disarm(this.#reopening);
    this.#borrowing?.stop();
    this.#beyond.clear();
    this.takeBack(this.#granted.length);
    this.#cells.clear();
  }

  #setCap(): void {
    const { maxConcurrency } = this.#config;
    this.#wholeCap = typeof maxConcurrency === "object" ? this.#adaptive!.cap : (maxConcurrency ?? Infinity);
    this.#cells.cap = maxConcurrency === undefined ? Infinity : Math.min(this.#wholeCap, this.#share);
    this.dispatch();
  }

  /** What others may have of the cap. */
  get #lacking(): number {
    return Math.max(0, this.#wholeCap - this.#share);
  }

  /** Somebody waits. Where the cap itself is reached, there is nothing to ask for. */
  #borrow(): void {
    const slots = Math.min(this.#lacking, this.#queue.size);
    if (slots > 0) this.#borrowing?.ask(slots);
  }

  #onLent(isRefused: boolean): void {
    this.dispatch();
    if (!isRefused) return;
    const { maxWaiting } = this.#config.queue;
    // Who came last goes first.
    for (const waiter of [...this.#beyond].toReversed()) {
      if (this.#queue.size <= maxWaiting) break;
      this.#turnAway(this.#queue.mostExcessive(waiter, waiter.request.priority, maxWaiting), "queue_full");
    }
    this.#beyond.clear();
  }

  #turnAway(waiter: Waiter, code: AdmissionRefusal): void {
    // Those before it now will be before it when it comes again.
    const ahead = this.#queue.ahead(waiter.tenant, waiter.request.priority);
    this.leave(waiter);
    this.#refuse(waiter, code, ahead);
  }

  #refuse(waiter: Waiter, code: AdmissionRefusal, ahead: number): void {
    const retryAfterMs = this.#drain.retryAfterMs(ahead, this.#wheel.nowMs());
    // Nobody should come before the upstream may be asked.
    const closedMs = this.#closedMs() * (1 + Math.random() / 4);
    waiter.owner.onRefused(waiter, code, Math.max(retryAfterMs, closedMs));
  }

  #noteWaiting(): void {
    const { size } = this.#queue;
    this.#cells.waiting = size;
    this.#drain.setBusy(size > 0, this.#wheel.nowMs());
  }

  /** How long the upstream is not to be asked yet; 0 or less: it may be. */
  #closedMs(): number {
    const { notBeforeMs } = this.#cells;
    return notBeforeMs === 0 ? 0 : notBeforeMs - monotonicMs();
  }

  #sum(count: (cell: number) => number): number {
    const { cells, rowCells } = this.#board.memory;
    const first = this.#board.memory.columnAt(this.column);
    const end = first + Atomics.load(cells, HEADER.rowsUsed) * rowCells;
    let sum = 0;
    for (let at = first; at < end; at += rowCells) sum += count(Atomics.load(cells, at));
    return sum;
  }

  #take(): Lease | null {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const slot = takeSlot(this.#board, this.#row, this.column, this.cap);
      // `takeSlot` may have looked at the rows before it was known that somebody waits. This look is after that, so that
      // those who hold what is counted here will say when they give it back.
      if (slot !== null || this.taken >= this.cap) return slot;
    }
    return null;
  }
}
