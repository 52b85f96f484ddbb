/**
 * Whether one stream's tokens came every one, once, in order.
 *
 * The good case is one comparison. A set of the missing is made only once something has gone missing, so that a late
 * token can be told from a doubled one.
 */

/** What went wrong with tokens, summed over streams. All 0: every token came once and in order. */
export interface SequenceFaults {
  /** Asked for and never came. */
  lost: number;
  /** Came again. */
  duplicated: number;
  /** Came after a later one. */
  reordered: number;
}

/** Missing indices remembered for one stream; past that, a late token counts as duplicated. */
const MAX_REMEMBERED = 4096;

/** The tokens of one stream. */
export class TokenSequence {
  /** The index that should come next, also the number of tokens the stream should have brought so far. */
  next = 0;
  #missing: Set<number> | null = null;
  #lost = 0;
  #duplicated = 0;
  #reordered = 0;

  /** True while every token so far came once and in order. */
  get intact(): boolean {
    return this.#lost === 0 && this.#duplicated === 0 && this.#reordered === 0;
  }

  /** Notes the arrival of token `index`. */
  accept(index: number): void {
    if (index === this.next) this.next++;
    else this.#outOfLine(index);
  }

  /** Adds this stream's faults to `faults`. @param asked how many tokens the stream should have brought by now. */
  settle(asked: number, faults: SequenceFaults): void {
    const beyond = Math.max(0, this.next - asked);
    faults.lost += this.#lost + Math.max(0, asked - this.next);
    faults.duplicated += this.#duplicated + beyond;
    faults.reordered += this.#reordered;
  }

  #outOfLine(index: number): void {
    if (index < this.next) {
      if (this.#missing?.delete(index) === true) {
        this.#lost--;
        this.#reordered++;
      } else this.#duplicated++;
      return;
    }
    this.#missing ??= new Set();
    this.#lost += index - this.next;
    const rememberedEnd = Math.min(index, this.next + MAX_REMEMBERED - this.#missing.size);
    for (let missing = this.next; missing < rememberedEnd; missing++) this.#missing.add(missing);
    this.next = index + 1;
  }
}
