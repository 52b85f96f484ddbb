/**
 * How many calls a loop may have under way, found out by how busy they make it.
 *
 * Refusing only when the loop is full would be too late: what has been let in by then goes on for minutes, and what is let
 * in shows its weight only when its first tokens come. So the number may grow fast while there is much room and slowly when
 * there is little. Past {@link TARGET} it falls as calls end, if others wait at the door; where nobody does, calls that are
 * under way at the same time are all that keep each other waiting, and each that ends makes room for another.
 */

/** Below this the number is not limited: a burst is what a loop with time to spare is there for. */
const FREE_BELOW = 0.6;
/** Utilisation, 0–1, at which there is no more room. Above it turns grow long, and who knocks waits for one of them. */
const TARGET = 0.85;
/** A loop with no more calls than this is not full, whatever keeps it busy. */
export const LEAST_CALLS = 64;

/** See the file's comment. */
export class CallLimit {
  #limit = Infinity;
  #utilisationBefore = 0;
  #mostCalls = 0;

  /** How many calls there may be; `Infinity` while it is not limited. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether one more may begin. @param calls under way now. */
  admits(calls: number): boolean {
    if (calls >= this.#limit) return false;
    if (calls >= this.#mostCalls) this.#mostCalls = calls + 1;
    return true;
  }

  /**
   * A tenth of a second has passed.
   *
   * @param utilisation since the last time, 0–1.
   * @param calls under way now.
   * @param crowded whether others wait at the door.
   */
  sample(utilisation: number, calls: number, crowded: boolean): void {
    // A single long garbage collection is not a lack of room.
    const sustained = Math.min(utilisation, this.#utilisationBefore);
    this.#utilisationBefore = utilisation;
    const most = Math.max(calls, this.#mostCalls);
    this.#mostCalls = calls;
    if (sustained < FREE_BELOW) {
      this.#limit = Infinity;
      return;
    }
    const room = Math.max(0, 1 - sustained / TARGET);
    this.#limit = Math.max(LEAST_CALLS, room === 0 && crowded ? 0 : Math.floor(most * (1 + room * room)));
  }
}
