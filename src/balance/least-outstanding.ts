/** Picks the replica with the fewest requests under way; among equals, each in turn. */

/** Anything with a number of requests under way. */
interface Loaded {
  readonly outstanding: number;
}

/** One group of replicas. O(replicas) per pick. */
export class LeastOutstanding<T extends Loaded> {
  readonly #choices: readonly T[];
  #turn = 0;

  /** @param choices at least one. */
  constructor(choices: readonly T[]) {
    this.#choices = choices;
  }

  pick(): T {
    const count = this.#choices.length;
    // The search starts one further each time, so that equals share the load instead of the first taking it all.
    this.#turn = (this.#turn + 1) % count;
    let best = this.#choices[this.#turn]!;
    for (let i = 1; i < count && best.outstanding > 0; i++) {
      const choice = this.#choices[(this.#turn + i) % count]!;
      if (choice.outstanding < best.outstanding) best = choice;
    }
    return best;
  }
}
