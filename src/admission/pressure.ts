/**
 * How much a loop has to do, as one of three levels: a pure state machine, fed with a sample every tenth of a second.
 *
 * `normal`; `soft`: still everybody is served, cheaper; `hard`: nobody new is, so that those under way do not suffer.
 *
 * Up: readings of a store that fills (sockets, memory, buffers) count at once; the loop's delay and utilisation, which one
 * long garbage collection raises, count for what two samples in a row say. Down: when for a while no reading has been above
 * the threshold at which its level is left, which is below the one at which it is entered.
 */

/** In rising order. */
export const PRESSURE_LEVELS = ["normal", "soft", "hard"] as const;
/** See the file's comment. */
export type PressureLevel = (typeof PRESSURE_LEVELS)[number];

/** What can put a loop under pressure; in this order where several do. */
const PRESSURE_REASONS = ["sockets", "memory", "buffers", "delay", "utilisation"] as const;
/** One of the closed list. */
export type PressureReason = (typeof PRESSURE_REASONS)[number];

/** Readings of one moment. */
export interface PressureSample {
  /** How late the loop ran what was due, milliseconds. */
  readonly loopDelayMs: number;
  /** Share of its time that the loop was busy since the last sample, 0–1. */
  readonly utilisation: number;
  /** Resident memory of the process, and how much there is for it. */
  readonly rssBytes: number;
  readonly rssLimitBytes: number;
  /** What waits for clients or comes from them, of all loops, and how much may. */
  readonly bufferedBytes: number;
  readonly bufferedLimitBytes: number;
  /** Connections of clients, of all loops, and how many there may be. */
  readonly openSockets: number;
  readonly socketLimit: number;
}

interface Threshold {
  /** At this reading, or above, a level is entered. */
  readonly enter: number;
  /** Below this one it may be left. */
  readonly leave: number;
}

interface Input {
  readonly read: (sample: PressureSample) => number;
  readonly soft: Threshold;
  readonly hard: Threshold;
  /** Whether a single sample is taken at its word. */
  readonly steady: boolean;
}

/** Chosen by `headwaiter bench --scenario surge` (docs/decisions/0015-overload.md). */
const INPUTS: Readonly<Record<PressureReason, Input>> = {
  sockets: {
    read: ({ openSockets, socketLimit }) => openSockets / socketLimit,
    soft: { enter: 0.8, leave: 0.75 },
    hard: { enter: 0.985, leave: 0.96 },
    steady: true,
  },
  memory: {
    read: ({ rssBytes, rssLimitBytes }) => rssBytes / rssLimitBytes,
    soft: { enter: 0.8, leave: 0.75 },
    hard: { enter: 0.92, leave: 0.87 },
    steady: true,
  },
  buffers: {
    read: ({ bufferedBytes, bufferedLimitBytes }) => bufferedBytes / bufferedLimitBytes,
    soft: { enter: 0.5, leave: 0.4 },
    hard: { enter: 0.85, leave: 0.7 },
    steady: true,
  },
  delay: {
    read: ({ loopDelayMs }) => loopDelayMs,
    soft: { enter: 30, leave: 15 },
    hard: { enter: 100, leave: 40 },
    steady: false,
  },
  utilisation: {
    read: ({ utilisation }) => utilisation,
    soft: { enter: 0.75, leave: 0.65 },
    hard: { enter: 0.97, leave: 0.9 },
    steady: false,
  },
};

/** Samples without a reading above its leave-threshold after which a level is left. */
export const CALM_SAMPLES = { soft: 10, hard: 3 } as const;

/** Levels by number, so that the worse of two is the larger. */
type Rank = 0 | 1 | 2;
const worse = (a: Rank, b: Rank): Rank => (a > b ? a : b);
const milder = (a: Rank, b: Rank): Rank => (a < b ? a : b);

/** See the file's comment. */
export class Pressure {
  #rank: Rank = 0;
  #reason: PressureReason | null = null;
  /** What the last sample's unsteady readings asked for and did not let go of. */
  #unsteadyBefore: Claim = { asked: 0, held: 0 };
  #calmSamples = 0;
  /** The highest level that any reading has held since it has been calm. */
  #heldInCalm: Rank = 0;

  /** The present level. */
  get level(): PressureLevel {
    return PRESSURE_LEVELS[this.#rank];
  }

  /** What brought it up, or holds it there; `null` while it is normal. */
  get reason(): PressureReason | null {
    return this.#reason;
  }

  /** Takes the next sample. @returns whether the level has changed. */
  sample(sample: PressureSample): boolean {
    const { steady, unsteady } = look(sample);
    const asked = worse(steady.asked, milder(unsteady.asked, this.#unsteadyBefore.asked));
    const heldUnsteadily = milder(unsteady.held, this.#unsteadyBefore.held);
    const held = worse(steady.held, heldUnsteadily);
    const reason = steady.held >= heldUnsteadily ? steady.reason : unsteady.reason;
    this.#unsteadyBefore = unsteady;
    const before = this.#rank;
    if (asked > this.#rank) this.#enter(asked);
    else if (held >= this.#rank) this.#calmSamples = this.#heldInCalm = 0;
    else this.#calmDown(held);
    if (this.#rank === 0) this.#reason = null;
    else if (held >= this.#rank) this.#reason = reason ?? this.#reason;
    return this.#rank !== before;
  }

  #enter(rank: Rank): void {
    this.#rank = rank;
    this.#calmSamples = this.#heldInCalm = 0;
  }

  #calmDown(held: Rank): void {
    this.#calmSamples++;
    this.#heldInCalm = worse(this.#heldInCalm, held);
    if (this.#calmSamples >= (this.#rank === 2 ? CALM_SAMPLES.hard : CALM_SAMPLES.soft)) this.#enter(this.#heldInCalm);
  }
}

/** What several readings want. */
interface Claim {
  /** The level that they ask for. */
  asked: Rank;
  /** The level that they do not let go of. */
  held: Rank;
  /** The first that holds it. */
  reason?: PressureReason;
}

function look(sample: PressureSample): { readonly steady: Claim; readonly unsteady: Claim } {
  const steady: Claim = { asked: 0, held: 0 };
  const unsteady: Claim = { asked: 0, held: 0 };
  for (const name of PRESSURE_REASONS) {
    const input = INPUTS[name];
    const claim = input.steady ? steady : unsteady;
    const reading = input.read(sample);
    claim.asked = worse(claim.asked, reading >= input.hard.enter ? 2 : reading >= input.soft.enter ? 1 : 0);
    const held: Rank = reading >= input.hard.leave ? 2 : reading >= input.soft.leave ? 1 : 0;
    if (held > claim.held) {
      claim.held = held;
      claim.reason = name;
    }
  }
  return { steady, unsteady };
}
