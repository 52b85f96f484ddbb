/** Who waits in the queue of an upstream, and until when. */
import type { AdmissionRefusal, AdmissionRequest } from "../admission/broker-messages.ts";
import { QueueMember } from "../admission/fair-queue-class.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { BrokerLine } from "./broker-line.ts";

/** The loop of somebody who waits. */
interface WaiterOwner {
  onGranted(waiter: Waiter): void;
  onRefused(waiter: Waiter, code: AdmissionRefusal, retryAfterMs: number): void;
}

/** A request that waits, or is about to. */
export class Waiter extends QueueMember {
  readonly ticket: number;
  readonly owner: WaiterOwner;
  readonly line: BrokerLine;
  readonly request: AdmissionRequest;
  readonly deadline: TimerEntry;
  /** It did not get a slot at once. */
  hasWaited = false;

  constructor(ticket: number, request: AdmissionRequest, owner: WaiterOwner, line: BrokerLine) {
    super(request.tenant, request.costTokens);
    this.ticket = ticket;
    this.owner = owner;
    this.line = line;
    this.request = request;
    this.deadline = new Alarm(() => line.expire(this));
  }
}

/** A moment at which something is to be done. */
export class Alarm extends TimerEntry {
  readonly #ring: () => void;

  constructor(ring: () => void) {
    super();
    this.#ring = ring;
  }

  override onTimer(): void {
    this.#ring();
  }
}
