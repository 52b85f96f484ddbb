/**
 * Streams of a loop whose token events wait a moment for the next ones, so that they leave in one write. Under pressure a
 * write saved is time for everybody else's.
 *
 * All wait equally long, so the list is in the order in which they are due, and one timer for the first is enough. None is
 * set, and a stream pays for one look at a number, while the wait is 0.
 */
import { LinkedList, ListMember } from "../core/linked-list.ts";

/** A stream that can wait. In no list but a coalescer's. */
export abstract class Coalesced extends ListMember {
  /** When its bytes leave at the latest; the coalescer's own. */
  leavesMs = 0;

  /** The wait is over. */
  abstract onLeave(): void;
}

/** See the file's comment. */
export class Coalescer {
  /** How long token events may wait for others, milliseconds; 0 for not at all. May be changed at any time. */
  waitMs = 0;
  readonly #waiting = new LinkedList<Coalesced>();
  #timer: NodeJS.Timeout | null = null;

  /** Streams that wait now. */
  get size(): number {
    return this.#waiting.size;
  }

  /** `stream` has bytes that may wait from now on; it must not wait already. */
  add(stream: Coalesced): void {
    stream.leavesMs = performance.now() + this.waitMs;
    this.#waiting.add(stream);
    this.#timer ??= setTimeout(() => this.#leave(), this.waitMs).unref();
  }

  /** `stream` waits no longer, if it did. */
  delete(stream: Coalesced): void {
    this.#waiting.delete(stream);
  }

  /** Nothing waits any more and nothing will be woken. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #leave(): void {
    this.#timer = null;
    const nowMs = performance.now();
    for (let stream = this.#waiting.first; stream !== null; stream = this.#waiting.first) {
      if (stream.leavesMs > nowMs) {
        this.#timer = setTimeout(() => this.#leave(), Math.ceil(stream.leavesMs - nowMs)).unref();
        return;
      }
      this.#waiting.delete(stream);
      stream.onLeave();
    }
  }
}
