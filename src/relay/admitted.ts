/** What an admission desk gives out: slots of an upstream, and places in the queue for one. */
import type { AdmissionRefusal, ToBroker } from "../admission/broker-messages.ts";
import { GatewayError } from "../core/errors.ts";
import { Lease } from "../core/lease.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import type { AdmissionDoor } from "./admission-door.ts";

/** A slot, held until the last byte of the answer. */
export abstract class Admitted extends Lease {
  /** How long it was waited for, milliseconds; 0 where it was free. */
  readonly queueMs: number;

  constructor(queueMs: number) {
    super();
    this.queueMs = queueMs;
  }
}

/** A slot that the loop has taken by itself. */
export class OwnSlot extends Admitted {
  readonly #slot: Lease;
  readonly #door: AdmissionDoor;

  constructor(slot: Lease, door: AdmissionDoor) {
    super(0);
    this.#slot = slot;
    this.#door = door;
  }

  protected override giveBack(): void {
    this.#slot.release();
    this.#door.slotFreed();
  }
}

/** A slot that the broker has granted, and counts. */
class GrantedSlot extends Admitted {
  readonly #desk: WaitingDesk;
  readonly #upstream: string;

  constructor(desk: WaitingDesk, upstream: string, queueMs: number) {
    super(queueMs);
    this.#desk = desk;
    this.#upstream = upstream;
  }

  protected override giveBack(): void {
    this.#desk.say({ kind: "returned", upstream: this.#upstream });
  }
}

/** Called once. Must not throw. */
export type AdmissionDone = (admitted: Admitted | GatewayError) => void;

/** Whom a place in the queue belongs to. */
interface WaitingDesk {
  readonly wheel: TimerWheel;
  say(message: ToBroker): void;
  /** `ticket` is nobody's any more. */
  forget(ticket: number, door: AdmissionDoor): void;
}

interface WaitingOptions {
  readonly desk: WaitingDesk;
  readonly ticket: number;
  readonly door: AdmissionDoor;
  readonly done: AdmissionDone;
}

/** A request that waits for a slot. As a timer it fires where the broker's answer is overdue. */
export class Waiting extends TimerEntry {
  readonly #desk: WaitingDesk;
  readonly #ticket: number;
  readonly #door: AdmissionDoor;
  readonly #done: AdmissionDone;
  readonly #sinceMs: number;
  #ended = false;

  constructor({ desk, ticket, door, done }: WaitingOptions) {
    super();
    this.#desk = desk;
    this.#ticket = ticket;
    this.#door = door;
    this.#done = done;
    this.#sinceMs = desk.wheel.nowMs();
  }

  /** How long it has waited by now, milliseconds. */
  get waitedMs(): number {
    return this.#desk.wheel.nowMs() - this.#sinceMs;
  }

  /** The client has left: the place is free at once, and nobody is told. Does nothing where it waits no longer. */
  cancel(): void {
    if (this.#ended) return;
    this.#end();
    this.#desk.say({ kind: "leave", ticket: this.#ticket });
  }

  /** The broker's answer. */
  granted(): void {
    this.#end();
    this.#done(new GrantedSlot(this.#desk, this.#door.config.name, this.waitedMs));
  }

  /** The broker's answer. */
  refused(code: AdmissionRefusal, retryAfterMs: number): void {
    this.#end();
    this.#done(admissionRefusal(code, retryAfterMs));
  }

  override onTimer(): void {
    this.cancel();
    this.#done(admissionRefusal("queue_timeout", 1000 * (1 + Math.random() / 4)));
  }

  #end(): void {
    this.#ended = true;
    this.#desk.wheel.disarm(this);
    this.#desk.forget(this.#ticket, this.#door);
  }
}

/** @param retryAfterMs jittered already. */
export function admissionRefusal(code: AdmissionRefusal, retryAfterMs: number): GatewayError {
  return new GatewayError(code, { retryAfterMs: Math.round(retryAfterMs) });
}
