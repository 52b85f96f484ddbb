/**
 * A fixed-size histogram of microseconds, log-linear like HdrHistogram: 128 buckets for each doubling, so that a
 * percentile is at most 1/128 (0.8 %) above the truth, and recording is two shifts and an increment.
 *
 * One is shared by every stream of a run: millions of latencies cost 25 KB and no allocation.
 */

const BUCKETS_PER_DOUBLING = 128;
const LINEAR_BITS = 7;
/** The largest value told apart, about 35 minutes. Longer ones count as this. */
const MAX_US = 2 ** 31 - 1;
const BUCKETS = (30 - LINEAR_BITS) * BUCKETS_PER_DOUBLING + 2 * BUCKETS_PER_DOUBLING;

/** The figures of a distribution that a report shows, microseconds. All 0 when nothing was recorded. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts microseconds in 3,200 buckets. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  /** Values recorded since the last {@link reset}. */
  get count(): number {
    return this.#count;
  }

  /** The largest value recorded, microseconds, exact up to 2^31 − 1. */
  get max(): number {
    return this.#max;
  }

  /** Adds one value. Below 0 (clocks of two processes differ by a microsecond) counts as 0. */
  record(valueUs: number): void {
    const value = valueUs <= 0 ? 0 : valueUs >= MAX_US ? MAX_US : Math.round(valueUs);
    const shift = value < BUCKETS_PER_DOUBLING ? 0 : 31 - Math.clz32(value) - LINEAR_BITS;
    this.#counts[shift * BUCKETS_PER_DOUBLING + (value >>> shift)]!++;
    this.#count++;
    if (value > this.#max) this.#max = value;
  }

  /**
   * The value that `percent` of all values do not exceed, by nearest rank, rounded up to its bucket's end.
   *
   * @param percent 0–100.
   * @returns microseconds; 0 when nothing was recorded.
   */
  percentile(percent: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(bucketEndUs(bucket), this.#max);
    }
    return this.#max;
  }

  /** The figures a report shows. */
  summary(): Percentiles {
    return {
      count: this.#count,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      max: this.#max,
    };
  }

  /** Forgets everything recorded. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#max = 0;
  }
}

function bucketEndUs(bucket: number): number {
  const shift = Math.max(0, Math.floor(bucket / BUCKETS_PER_DOUBLING) - 1);
  return (bucket - shift * BUCKETS_PER_DOUBLING + 1) * 2 ** shift - 1;
}
