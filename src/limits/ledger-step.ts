/**
 * One step in the ledger: no other thread sees a part of it, and if the thread dies in the middle, nobody ever does.
 *
 * **The lock** is one Int32 cell: 0, or the row of who is inside, plus one. Who finds it closed reads it a few times more, since
 * a step takes less than a microsecond, and then sleeps until it is opened; after {@link MAX_WAIT_MS} it gives up, because a
 * loop that sleeps holds up all its streams. Who has given up on a step once does not wait for the same step again.
 *
 * **The journal.** Before a cell is written, its index and what is in it are noted. The last thing before the lock is opened is that
 * the journal is emptied: a single write, and with it the step has happened. A thread can end at any instruction: the supervisor
 * then finds the lock closed with the dead one's row in it, puts back what the journal has, and opens it. So a step happens whole
 * or not at all, whatever is written in it and in which order; nothing else has to be proved about dying. JavaScript ends a thread
 * only between operations, and in the order of the program, so plain writes are enough for the journal; the lock orders them
 * between threads.
 *
 * A step allocates nothing: a garbage collection would hold up the other loops.
 */
import { GENERATIONS, HEADER, JOURNAL, NOW } from "./ledger-memory.ts";
import type { LedgerMemory } from "./ledger-memory.ts";

/** Looks at a closed lock before it sleeps: about a microsecond. */
const LOOKS = 100;
/** After this it gives up. */
const MAX_WAIT_MS = 20;
/** The longest sleep: a thread that was woken and died before it took the lock would leave the next one asleep. */
const MAX_SLEEP_MS = 1;
/** In the lock beside the row: somebody sleeps. */
const SLEEPERS = 1 << 30;

/** See the file's comment. One for each thread, of its row. */
export class LedgerStep {
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;
  readonly #row: number;
  readonly #generation: number;
  /** The step that was waited for in vain. */
  #stuckStep = -1;

  /** @param row belongs to this thread alone, until it is recovered. */
  constructor({ ints, floats }: LedgerMemory, row: number) {
    this.#ints = ints;
    this.#floats = floats;
    this.#row = row;
    this.#generation = Atomics.load(ints, GENERATIONS + row);
  }

  /** Whether this row has been recovered: its thread counts as dead, and nothing that it does counts. */
  get isRecovered(): boolean {
    return Atomics.load(this.#ints, GENERATIONS + this.#row) !== this.#generation;
  }

  /**
   * Begins a step; {@link leave} ends it.
   *
   * @returns `false` where the lock could not be had in time, or this row has been recovered: then nothing has begun.
   */
  enter(): boolean {
    const ints = this.#ints;
    if (Atomics.compareExchange(ints, HEADER.lock, 0, this.#row + 1) !== 0 && !this.#enterLater()) return false;
    ints[HEADER.step] = ints[HEADER.step]! + 1;
    if (ints[GENERATIONS + this.#row] === this.#generation) return true;
    this.leave();
    return false;
  }

  /** Ends the step: from here on it has happened. */
  leave(): void {
    this.#ints[HEADER.writes] = 0;
    if ((Atomics.exchange(this.#ints, HEADER.lock, 0) & SLEEPERS) !== 0) Atomics.notify(this.#ints, HEADER.lock, 1);
  }

  /** Writes a Float64 cell. Only inside. */
  write(cell: number, value: number): void {
    const writes = this.#ints[HEADER.writes]!;
    const entry = JOURNAL + 2 * writes;
    this.#floats[entry] = cell;
    this.#floats[entry + 1] = this.#floats[cell]!;
    this.#ints[HEADER.writes] = writes + 1;
    this.#floats[cell] = value;
  }

  /**
   * The time of this step: `nowMs`, or the time of an earlier step that was later. Threads read the clock before they wait for
   * the lock, and time must not go back in between. Only inside.
   */
  time(nowMs: number): number {
    const lastMs = this.#floats[NOW]!;
    if (!(nowMs > lastMs)) return lastMs;
    // Not in the journal: a time that has been reached stays reached.
    this.#floats[NOW] = nowMs;
    return nowMs;
  }

  /**
   * Begins a step in place of a thread that has died, after putting back what that one had begun. Where it had not begun any, like
   * {@link enter}.
   */
  enterAfter(deadRow: number): boolean {
    const held = Atomics.load(this.#ints, HEADER.lock);
    // Nobody but the dead one can open it, and it does not any more; only those who go to sleep change it still.
    if ((held & ~SLEEPERS) !== deadRow + 1) return this.enter();
    this.#putBack();
    Atomics.store(this.#ints, HEADER.lock, (this.#row + 1) | SLEEPERS);
    return true;
  }

  #enterLater(): boolean {
    const ints = this.#ints;
    const own = this.#row + 1;
    if ((Atomics.load(ints, HEADER.lock) & ~SLEEPERS) === own) {
      // What was thrown in the middle of a step of ours, which only a stack that is full can do.
      this.#putBack();
      return true;
    }
    for (let look = 0; look < LOOKS; look++) {
      if (Atomics.load(ints, HEADER.lock) === 0 && Atomics.compareExchange(ints, HEADER.lock, 0, own) === 0)
        return true;
    }
    if (ints[HEADER.step] === this.#stuckStep) return false;
    const giveUpMs = performance.now() + MAX_WAIT_MS;
    for (;;) {
      const held = Atomics.load(ints, HEADER.lock);
      if (held === 0) {
        // Others may sleep, too.
        if (Atomics.compareExchange(ints, HEADER.lock, 0, own | SLEEPERS) === 0) return true;
        continue;
      }
      const leftMs = giveUpMs - performance.now();
      if (leftMs <= 0) {
        this.#stuckStep = ints[HEADER.step]!;
        return false;
      }
      const waited = held | SLEEPERS;
      if (held !== waited && Atomics.compareExchange(ints, HEADER.lock, held, waited) !== held) continue;
      Atomics.wait(ints, HEADER.lock, waited, Math.min(leftMs, MAX_SLEEP_MS));
    }
  }

  #putBack(): void {
    for (let entry = JOURNAL + 2 * (this.#ints[HEADER.writes]! - 1); entry >= JOURNAL; entry -= 2) {
      this.#floats[this.#floats[entry]!] = this.#floats[entry + 1]!;
    }
    this.#ints[HEADER.writes] = 0;
  }
}
