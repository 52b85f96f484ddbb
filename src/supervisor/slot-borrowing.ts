/**
 * How one upstream's queue gets more of a cap that several processes share: asks at once, one call at a time, and after an answer
 * that brought nothing again {@link ASK_AGAIN_MS} later.
 */
import { TimerEntry } from "../core/timer-wheel.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";

/** Until slots are asked for again, of which there were none. */
const ASK_AGAIN_MS = 100;

/**
 * Asks for more of an upstream's slots than this process may have. What there is has been set as its share when it resolves,
 * which it does in any case, in a time that is bounded; never rejects.
 */
export type LendSlots = (upstream: string, slots: number) => Promise<unknown>;

interface SlotBorrowingOptions {
  readonly wheel: TimerWheel;
  readonly lend: (slots: number) => Promise<unknown>;
  /** How many this process may have now. */
  readonly share: () => number;
  /** There is an answer, or it is time to ask again. @param isRefused nothing was to be had. */
  readonly onAnswer: (isRefused: boolean) => void;
}

/** See the file's comment. As a timer it is armed while it does not ask again yet. */
export class SlotBorrowing extends TimerEntry {
  readonly #options: SlotBorrowingOptions;
  #asks = false;

  constructor(options: SlotBorrowingOptions) {
    super();
    this.#options = options;
  }

  /** Whether an answer is under way that may bring something. */
  get asks(): boolean {
    return this.#asks;
  }

  /** Asks for `slots` more, 1 or more; does nothing while it asks, or was refused a moment ago. */
  ask(slots: number): void {
    if (this.#asks || this.timerNext !== null) return;
    this.#asks = true;
    void this.#ask(slots);
  }

  /** Does not ask again by itself. */
  stop(): void {
    this.#options.wheel.disarm(this);
  }

  override onTimer(): void {
    this.#options.onAnswer(false);
  }

  async #ask(slots: number): Promise<void> {
    const { wheel, lend, share, onAnswer } = this.#options;
    const before = share();
    await lend(slots);
    this.#asks = false;
    // By what there is and not by what was said: a part of what was asked for is worth going on with.
    const isRefused = share() <= before;
    if (isRefused) wheel.arm(this, wheel.nowMs() + ASK_AGAIN_MS);
    onAnswer(isRefused);
  }
}
