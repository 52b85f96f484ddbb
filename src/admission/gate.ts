/**
 * Who is let in: takes a sample of the loop and its process every tenth of a second, and from it the loop's
 * {@link Pressure} and its {@link CallLimit}.
 */
import { performance } from "node:perf_hooks";
import type { EventLoopUtilization } from "node:perf_hooks";
import { CallLimit, LEAST_CALLS } from "./call-limit.ts";
import { Pressure } from "./pressure.ts";
import type { PressureLevel, PressureReason } from "./pressure.ts";
import type { ProcessReadings } from "./process-readings.ts";

/**
 * A loop counts as full when it has been for so many samples: the call limit sees it at once, and mostly that is enough.
 */
const FULL_SAMPLES = 5;
/** How often a sample is taken. */
export const SAMPLE_INTERVAL_MS = 100;
/** Memory that is short for so long, with fewer calls under way than this, is not theirs. */
const STUCK_MS = 5000;
const FEW_CALLS = 8;
/** Time is short on a loop that is busier than this, or that runs what is due later. */
const BUSY = 0.85;
const LATE_MS = 25;
/** A refused client is asked to wait so long; longer the longer the pressure has lasted. */
const LEAST_WAIT_MS = 1000;
const MOST_WAIT_MS = 10_000;
/**
 * A turn of the event loop accepts one connection. Where fewer than one turn in twenty does, nobody waits at the door: a
 * busy loop is then one whose clients wait for each other's answers, as in a benchmark, and no fuller for it.
 */
const DOOR_SHARE = 0.05;

/** Reasons for which a connection costs more than the trouble of another. */
const CONNECTION_COSTS: ReadonlySet<PressureReason> = new Set<PressureReason>(["sockets", "memory", "buffers"]);

/** One answer in so many is the last on its connection, where connections are not what is short. */
const CLOSED_ANSWERS = 16;

/** What a gate asks of its loop. */
export interface GateOwner {
  /** Calls under way. */
  readonly calls: number;
  /** Connections of clients accepted so far. */
  readonly accepted: number;
  /** How long first tokens have taken of late, milliseconds. */
  readonly ttftMs: number;
  /** The gate has looked again. */
  onSample(): void;
  /** The level has changed; comes after {@link onSample}. */
  onPressure(change: PressureChange): void;
}

/** One change of the level. */
export interface PressureChange {
  readonly from: PressureLevel;
  readonly to: PressureLevel;
  /** Why it rose, or what had held it up. */
  readonly reason: PressureReason;
  /** How long the level that is left has lasted. */
  readonly lastedMs: number;
  /** Calls refused since the last change. */
  readonly refused: number;
}

/** See the file's comment. */
export class Gate {
  readonly #owner: GateOwner;
  readonly #readings: () => ProcessReadings;
  readonly #pressure = new Pressure();
  readonly #calls = new CallLimit();
  readonly #timer: NodeJS.Timeout;
  #sampledMs = performance.now();
  #utilisation: EventLoopUtilization = performance.eventLoopUtilization();
  #cpuUs = threadCpuUs();
  #turns = performance.nodeTiming.uvMetricsInfo.loopCount;
  #knocked: number;
  /** The last utilisations; 0 where nobody waited at the door. */
  readonly #crowding: number[] = Array.from({ length: FULL_SAMPLES }, () => 0);
  #samples = 0;
  #timeIsShort = false;
  #answered = 0;
  #changedMs = performance.now();
  #refusedInAll = 0;
  /** Of these, before the last change of the level. */
  #refusedBefore = 0;

  constructor(owner: GateOwner, readings: () => ProcessReadings) {
    this.#owner = owner;
    this.#readings = readings;
    this.#knocked = owner.accepted;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS).unref();
  }

  /** The present level. */
  get level(): PressureLevel {
    return this.#pressure.level;
  }

  /** Why it is not normal; `null` while it is. */
  get reason(): PressureReason | null {
    return this.#pressure.reason;
  }

  /** Whether connections are what is short, or the memory that they take. */
  get connectionsCost(): boolean {
    return this.reason !== null && CONNECTION_COSTS.has(this.reason);
  }

  /**
   * Whether the connection should end with the next answer. Where it is the loop's time that is short, most are kept, since
   * another connection takes more of it; now and then one is not, so that clients of a loop that is fuller than the others
   * find those.
   */
  closesAnswer(): boolean {
    if (this.level === "normal") return false;
    return this.connectionsCost || ++this.#answered % CLOSED_ANSWERS === 0;
  }

  /** How long to ask a refused client to wait, before jitter. */
  get waitMs(): number {
    // Past its number of calls a loop has room again as soon as one ends.
    if (this.level !== "hard") return LEAST_WAIT_MS;
    return Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, performance.now() - this.#changedMs));
  }

  /** Whether one more call may begin; counts it as refused if not. */
  admit(): boolean {
    const admitted = (this.level !== "hard" || this.#isStuck()) && this.#calls.admits(this.#owner.calls);
    if (!admitted) this.#refusedInAll++;
    return admitted;
  }

  /** Whether the pressure is on the loop's time, and not on what its streams hold. */
  get timeIsShort(): boolean {
    return this.#timeIsShort;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.#sampledMs;
    const loopDelayMs = Math.max(0, elapsedMs - SAMPLE_INTERVAL_MS);
    this.#sampledMs = nowMs;
    const utilisation = this.#readUtilisation(elapsedMs);
    const { calls } = this.#owner;
    const crowded = this.#readDoor() && calls >= LEAST_CALLS;
    this.#calls.sample({ utilisation, calls, crowded, ttftMs: this.#owner.ttftMs });
    const from = this.level;
    const held = this.reason;
    this.#crowding[this.#samples++ % FULL_SAMPLES] = crowded ? utilisation : 0;
    const sample = { ...this.#readings(), loopDelayMs, utilisation: Math.min(...this.#crowding) };
    const hasChanged = this.#pressure.sample(sample);
    const reason = this.reason;
    this.#timeIsShort =
      reason === "delay" ||
      reason === "utilisation" ||
      (reason !== null && (utilisation > BUSY || loopDelayMs > LATE_MS));
    this.#owner.onSample();
    if (!hasChanged) return;
    const refused = this.#refusedInAll - this.#refusedBefore;
    const change = { from, to: this.level, lastedMs: nowMs - this.#changedMs, refused };
    this.#changedMs = nowMs;
    this.#refusedBefore = this.#refusedInAll;
    this.#owner.onPressure({ ...change, reason: this.reason ?? held! });
  }

  /** A process that does nothing gives no memory back either: a few calls keep it going. */
  #isStuck(): boolean {
    const hasLasted = performance.now() - this.#changedMs > STUCK_MS;
    return this.reason === "memory" && hasLasted && this.#owner.calls < FEW_CALLS;
  }

  /**
   * Share of the time since the last sample that the loop was busy. A loop that waits for a core while others have it looks
   * just as busy as one that works, and has no more to do: what it was given counts.
   */
  #readUtilisation(elapsedMs: number): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilisation);
    this.#utilisation = now;
    const cpuUs = threadCpuUs();
    const worked = (cpuUs - this.#cpuUs) / 1000 / Math.max(1, elapsedMs);
    this.#cpuUs = cpuUs;
    return Math.min(utilization, worked);
  }

  /** @returns whether connections come in at a rate that has a share in how busy the loop is. */
  #readDoor(): boolean {
    const turns = performance.nodeTiming.uvMetricsInfo.loopCount;
    // Who was refused comes again, on the connection that it has.
    const knocked = this.#owner.accepted + this.#refusedInAll;
    const share = (knocked - this.#knocked) / Math.max(1, turns - this.#turns);
    this.#turns = turns;
    this.#knocked = knocked;
    return share >= DOOR_SHARE;
  }
}

/** What this thread has used so far, microseconds. */
function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
