/**
 * One coarse timer for everything on a loop that waits.
 *
 * A stream re-arms its deadline with every token; a `setTimeout` each would cost more than the relay. Here arming is a
 * pointer splice, and a deadline that merely moved later is not touched until its old slot comes round: the entry is
 * asked again then. Entries are intrusive (the waiting object is the list node), so a waiting stream allocates nothing.
 *
 * Hierarchies are not needed: deadlines past the horizon sit in the last slot and are re-slotted when it comes round.
 */

/** Something that waits. Extend it and implement {@link onTimer}; one object waits for one moment at a time. */
export abstract class TimerEntry {
  /** The wheel's own links; `null` while not armed. */
  timerPrevious: TimerEntry | null = null;
  timerNext: TimerEntry | null = null;
  /** When this fires, in the wheel's milliseconds. */
  timerDueMs = 0;

  /** Called once when due; the entry is no longer armed and may arm itself again. Must not throw. */
  abstract onTimer(nowMs: number): void;
}

class Slot extends TimerEntry {
  constructor() {
    super();
    this.timerPrevious = this;
    this.timerNext = this;
  }

  onTimer(): void {}
}

interface TimerWheelOptions {
  /** Resolution, milliseconds: an entry fires at most this much late (while the loop is not blocked), never early. */
  readonly tickMs: number;
  /** Slots. `tickMs × slots` is the horizon; later deadlines work and cost one re-slot per horizon. */
  readonly slots: number;
  /** Monotonic clock, milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** Many deadlines on one `setTimeout`. The timer runs only while something is armed, and never keeps a process alive. */
export class TimerWheel {
  readonly #slots: Slot[];
  readonly #tickMs: number;
  readonly #now: () => number;
  #armed = 0;
  /** The last tick that was worked off. */
  #tick: number;
  #timer: NodeJS.Timeout | undefined;
  #turning = false;

  constructor(options: TimerWheelOptions) {
    this.#tickMs = options.tickMs;
    this.#now = options.now ?? (() => performance.now());
    this.#slots = Array.from({ length: options.slots }, () => new Slot());
    this.#tick = Math.floor(this.#now() / this.#tickMs);
  }

  /** Entries that wait now. */
  get size(): number {
    return this.#armed;
  }

  /** Monotonic milliseconds on the wheel's clock. */
  nowMs(): number {
    return this.#now();
  }

  /** Arms `entry` for `dueMs` (on {@link nowMs}'s clock), moving it if it is armed already. O(1). */
  arm(entry: TimerEntry, dueMs: number): void {
    if (entry.timerNext !== null) this.disarm(entry);
    if (this.#armed === 0 && !this.#turning) this.#tick = Math.floor(this.#now() / this.#tickMs);
    entry.timerDueMs = dueMs;
    // Rounded up so that nothing fires early; at least one tick ahead so that a turn always ends.
    const due = Math.max(Math.ceil(dueMs / this.#tickMs), this.#tick + 1);
    const ahead = Math.min(due - this.#tick, this.#slots.length - 1);
    const slot = this.#slots[(this.#tick + ahead) % this.#slots.length]!;
    const last = slot.timerPrevious!;
    entry.timerPrevious = last;
    entry.timerNext = slot;
    last.timerNext = entry;
    slot.timerPrevious = entry;
    this.#armed++;
    this.#schedule();
  }

  /** Takes `entry` out; nothing happens if it does not wait. O(1). */
  disarm(entry: TimerEntry): void {
    if (entry.timerNext === null) return;
    entry.timerPrevious!.timerNext = entry.timerNext;
    entry.timerNext.timerPrevious = entry.timerPrevious;
    entry.timerPrevious = null;
    entry.timerNext = null;
    this.#armed--;
  }

  /** Works off every tick that has passed. Called by the wheel's own timer; public for tests with their own clock. */
  turn(): void {
    this.#turning = true;
    const nowMs = this.#now();
    const target = Math.floor(nowMs / this.#tickMs);
    // After a long block each slot needs one visit at most, since an entry says itself whether it is due.
    if (target - this.#tick > this.#slots.length) this.#tick = target - this.#slots.length;
    while (this.#tick < target) {
      this.#tick++;
      this.#visit(this.#slots[this.#tick % this.#slots.length]!, nowMs);
    }
    this.#turning = false;
  }

  /** Stops the wheel's timer. Armed entries stay armed and never fire. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #visit(slot: Slot, nowMs: number): void {
    // Moved to a list of their own first: an entry may arm itself into this same slot again.
    if (slot.timerNext === slot) return;
    const due = new Slot();
    due.timerNext = slot.timerNext;
    due.timerPrevious = slot.timerPrevious;
    due.timerNext!.timerPrevious = due;
    due.timerPrevious!.timerNext = due;
    slot.timerNext = slot;
    slot.timerPrevious = slot;
    while (due.timerNext !== due) {
      const entry = due.timerNext!;
      this.disarm(entry);
      if (entry.timerDueMs > nowMs) this.arm(entry, entry.timerDueMs);
      else entry.onTimer(nowMs);
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    // Aimed at the end of the tick: a timer that merely repeats could come just before it and make everything in it late
    // by another tick.
    const delayMs = this.#tickMs - (this.#now() % this.#tickMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.turn();
      if (this.#armed > 0) this.#schedule();
    }, Math.ceil(delayMs));
    this.#timer.unref();
  }
}
