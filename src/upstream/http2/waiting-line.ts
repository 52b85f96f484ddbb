/** Exchanges that wait for a session with room: first come, first served, each with the same time to wait. */
import { TimerEntry } from "../../core/timer-wheel.ts";
import type { TimerWheel } from "../../core/timer-wheel.ts";
import type { Http2Exchange } from "./exchange.ts";

/** One queue with one timer, that of its head. Its bound is its owner's: the room that opening sessions will bring. */
export class WaitingLine extends TimerEntry {
  /** A set keeps the order, and an exchange that is given up leaves it in O(1). */
  readonly #line = new Set<Http2Exchange>();
  readonly #wheel: TimerWheel;
  readonly #maxWaitMs: number;
  readonly #onExpired: (exchange: Http2Exchange) => void;

  /** @param onExpired called for each that has waited `maxWaitMs`; it has left the line by then. */
  constructor(wheel: TimerWheel, maxWaitMs: number, onExpired: (exchange: Http2Exchange) => void) {
    super();
    this.#wheel = wheel;
    this.#maxWaitMs = maxWaitMs;
    this.#onExpired = onExpired;
  }

  /** How many wait. */
  get size(): number {
    return this.#line.size;
  }

  /** Puts `exchange` at the end. */
  push(exchange: Http2Exchange): void {
    exchange.waitUntilMs = this.#wheel.nowMs() + this.#maxWaitMs;
    this.#line.add(exchange);
    if (this.#line.size === 1) this.#wheel.arm(this, exchange.waitUntilMs);
  }

  /** Who is next. */
  get head(): Http2Exchange | undefined {
    return this.#line.values().next().value;
  }

  /** Takes the head. */
  shift(): Http2Exchange | undefined {
    const head = this.head;
    if (head !== undefined) this.remove(head);
    return head;
  }

  /** Takes `exchange` out, wherever it stands. */
  remove(exchange: Http2Exchange): void {
    this.#line.delete(exchange);
    if (this.#line.size === 0) this.#wheel.disarm(this);
  }

  override onTimer(nowMs: number): void {
    for (const head of this.#line) {
      if (head.waitUntilMs > nowMs) {
        this.#wheel.arm(this, head.waitUntilMs);
        return;
      }
      this.#line.delete(head);
      this.#onExpired(head);
    }
  }
}
