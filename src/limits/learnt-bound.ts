/**
 * How much output to reserve for a request that does not say how much it wants at most: more than all but a few of the model's
 * answers took lately.
 *
 * Lengths are counted in classes, four to each doubling, which fade: after {@link FADE_AFTER} answers each class is halved, so that
 * what a model did a thousand answers ago counts half. A class's upper end is what is reserved, a quarter too much at most.
 */

const CLASSES_PER_DOUBLING = 4;
/** Up to 2^20 tokens. */
const CLASSES = 20 * CLASSES_PER_DOUBLING + 1;
const FADE_AFTER = 1000;
/** Before so many answers nobody knows. */
const LEAST_ANSWERS = 20;
/** Of a hundred answers one may be longer; it then counts for more than was reserved (limiter.ts, `settle`). */
const SHARE = 0.99;

/** What is reserved at least and at most, and while too little is known; output tokens. */
const LEAST = 64;
const MOST = 32_768;
const AT_FIRST = 4096;

/** See the file's comment. One for each model of a loop. */
export class LearntBound {
  readonly #counts = new Float64Array(CLASSES);
  #total = 0;
  #sinceFade = 0;

  /** @param outputTokens of an answer that came to its end. */
  learn(outputTokens: number): void {
    if (!(outputTokens >= 0)) return;
    const index = Math.ceil(CLASSES_PER_DOUBLING * Math.log2(Math.max(1, outputTokens)));
    this.#counts[Math.min(index, CLASSES - 1)]! += 1;
    this.#total++;
    if (++this.#sinceFade < FADE_AFTER) return;
    this.#sinceFade = 0;
    this.#total = 0;
    for (let i = 0; i < CLASSES; i++) this.#total += this.#counts[i]! /= 2;
  }

  /** Output tokens to reserve. 64–32,768. */
  get tokens(): number {
    if (this.#total < LEAST_ANSWERS) return AT_FIRST;
    let below = 0;
    let index = 0;
    while (index < CLASSES - 1 && (below += this.#counts[index]!) < SHARE * this.#total) index++;
    return Math.min(MOST, Math.max(LEAST, Math.ceil(2 ** (index / CLASSES_PER_DOUBLING))));
  }
}
