/**
 * How many calls a loop may have under way, found out by how busy they make it.
 *
 * Refusing only when the loop is full would be too late: what has been let in by then goes on for minutes, and what is let
 * in shows its weight only when its first tokens come. So once it is busy the number may grow only so fast that the loop
 * sees in time what it has taken: by a part of the room that is left, in the time that a first token takes. Past
 * {@link TARGET} it falls, if others wait at the door: slowly, since whom it turns away keeps it busy as well, and that is
 * soon over; and not before they have waited for half a second, since whoever opens a thousand streams at once keeps a loop
 * busy for a moment that it can well spare. Where nobody waits, calls that are under way at the same time are all that keep each other waiting, and each
 * that ends makes room for another.
 */

/** Below this utilisation, 0–1, a burst is what a loop with time to spare is there for. */
const FREE_BELOW = 0.3;
/** Up to here bursts are taken that are small beside what there is. */
const CALM_BELOW = 0.6;
/** Here there is no more room: above it turns grow long, and who knocks waits for one of them. */
const TARGET = 0.8;
/** A loop with no more calls than this is not full, whatever keeps it busy. */
export const LEAST_CALLS = 64;
/** What a loop that has room takes at once, and as a part of what it has. */
const BURST_CALLS = 512;
const BURST_SHARE = 0.25;
/** What a busy loop takes more with each sample, were it idle; less the fuller it is. */
const GROWTH_CALLS = 96;
const GROWTH_SHARE = 0.1;
/** What is left of the number with each sample, while a loop is too busy and others wait: a fifth less in a second. */
const SHRINKING = 0.98;
/** First tokens that take longer than this slow the growth down. */
const QUICK_TTFT_MS = 500;
/**
 * Of a sample's time, what the start of a call takes at least, and what all starts together may be taken for: it is over when
 * they have begun, and says nothing of what they will weigh.
 */
const START_SHARE = 0.001;
const MOST_STARTING = 0.3;
/** In so many samples others may wait at the door of a busy loop before it is a surge. Bursts are taken until then. */
const PATIENT_SAMPLES = 5;
/** Samples without a refusal after which a loop is no longer in a surge. */
const CALM_SAMPLES = 10;
/**
 * Where so many times more calls have begun in a sample than are under way, they come and go within it: small requests, each
 * sent when the one before is answered. They keep any loop busy, are over at once, and say nothing of what streams would add.
 */
const QUICK_TURNOVER = 2;

/** What is known when a tenth of a second has passed. */
export interface CallSample {
  /** Since the last sample, 0–1. */
  readonly utilisation: number;
  /** Under way now. */
  readonly calls: number;
  /** Whether others wait at the door. */
  readonly crowded: boolean;
  /** How long first tokens take, milliseconds. */
  readonly ttftMs: number;
}

/** See the file's comment. */
export class CallLimit {
  #limit = Infinity;
  #utilisationBefore = 0;
  #mostCalls = 0;
  #hasRefused = false;
  /** Samples in a row in which it was busy and crowded. */
  #crowdedSamples = 0;
  /** Whether it is not taken for busy yet. */
  #isPatient = true;
  /** Samples until a surge is over; 0 when there is none. */
  #surgeSamples = 0;
  /** Since the last sample. */
  #begun = 0;

  /** How many calls there may be; `Infinity` while it is not limited. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether one more may begin. @param calls under way now. */
  admits(calls: number): boolean {
    if (calls >= this.#limit) {
      this.#hasRefused = true;
      return false;
    }
    this.#begun++;
    if (calls >= this.#mostCalls) this.#mostCalls = calls + 1;
    return true;
  }

  /** A tenth of a second has passed. */
  sample({ utilisation, calls, crowded, ttftMs }: CallSample): void {
    // A single long garbage collection is not a lack of room.
    const sustained = Math.min(utilisation, this.#utilisationBefore);
    this.#utilisationBefore = utilisation;
    const most = Math.max(calls, this.#mostCalls);
    this.#mostCalls = calls;
    // Who came too many at once for a loop that is not full yet is no surge.
    if (this.#hasRefused && !this.#isPatient) this.#surgeSamples = CALM_SAMPLES;
    else if (this.#surgeSamples > 0) this.#surgeSamples--;
    this.#hasRefused = false;
    const begun = this.#begun;
    this.#begun = 0;
    const room = Math.max(0, 1 - sustained / TARGET);
    const burst = most + Math.max(BURST_CALLS, most * BURST_SHARE);
    const pace = Math.min(1, QUICK_TTFT_MS / ttftMs);
    const growth = Math.ceil(room * pace * Math.max(GROWTH_CALLS, most * GROWTH_SHARE));
    const starting = Math.min(MOST_STARTING, begun * START_SHARE);
    const isCalm = sustained - starting < CALM_BELOW;
    this.#crowdedSamples = crowded && !isCalm ? this.#crowdedSamples + 1 : 0;
    const inSurge = this.#surgeSamples > 0;
    this.#isPatient = !inSurge && (isCalm || (crowded && this.#crowdedSamples < PATIENT_SAMPLES));
    const isQuick = !crowded && begun > QUICK_TURNOVER * calls;
    if (sustained < FREE_BELOW) this.#limit = inSurge ? burst : Infinity;
    else if (this.#isPatient || isQuick) this.#limit = burst;
    else this.#limit = room === 0 && crowded ? Math.floor(calls * SHRINKING) : most + growth;
    this.#limit = Math.max(LEAST_CALLS, this.#limit);
  }
}
