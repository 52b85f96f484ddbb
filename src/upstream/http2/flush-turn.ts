/**
 * Ends a turn of the loop for the streams that got something in it.
 *
 * nghttp2 hands out frames one by one, and runs the tick queue after each, so neither the frame nor the tick tells when a
 * read is over. A turn's reads are all done before its immediates: one immediate for all streams is the cheapest moment
 * that is certainly after the last frame, and still in the turn in which the bytes came.
 */

/** Something that has gathered bytes. */
export interface Flushable {
  /** Called once, after the reads of this turn. */
  flush(): void;
}

/** One `setImmediate` for everything that gathers; none while nothing does. */
export class FlushTurn {
  #due: Flushable[] = [];
  #spare: Flushable[] = [];
  readonly #run = (): void => {
    const due = this.#due;
    this.#due = this.#spare;
    for (const flushable of due) flushable.flush();
    due.length = 0;
    this.#spare = due;
  };

  /** Has `flushable` flushed at the end of this turn. The caller sees to it that it is added once. */
  add(flushable: Flushable): void {
    if (this.#due.push(flushable) === 1) setImmediate(this.#run);
  }
}
