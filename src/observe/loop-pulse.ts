/** A loop's own pulse: says that it turns, and how late and how busy it is. What watches over it, does so from another thread. */
import { createHistogram, performance } from "node:perf_hooks";
import { monotonicMs } from "../core/monotonic-clock.ts";

/** Each beat wakes an idle thread, which is nearly all of its cost: 40 a second are 0.6 % of a core (decision 0013). */
export const BEAT_PERIOD_MS = 25;
const REPORT_EVERY_MS = 1000;
/** An idle loop turns for its beat, and for a timer or two besides. */
const FEW_TURNS = 4;

/** How a loop has fared since its last report, about a second. */
export interface LoopReport {
  /** How late it ran what was due: median, microseconds. */
  readonly delayP50Us: number;
  /** The same, 99th percentile. */
  readonly delayP99Us: number;
  /** The same, worst. */
  readonly delayMaxUs: number;
  /** Share of the time in which it was not waiting for events, 0–1. */
  readonly utilisation: number;
}

/** Whom a pulse tells; the board, or what a test puts in its place. */
export interface PulseTarget {
  /**
   * @param nowMs monotonic milliseconds, see {@link monotonicMs}.
   * @param heldMs for how long one thing held the loop up since the beat before, milliseconds: see {@link LoopPulse}.
   */
  beat(nowMs: number, heldMs: number): void;
  report(report: LoopReport): void;
}

/**
 * See the file's comment. Beats from its construction on; does not keep the thread alive.
 *
 * A beat that is late by 30 ms says that something took from 30 to 55 ms, since it may have begun anywhere in the 25 before
 * the beat was due. How long the loop was busy in that time says it better: all of it was the one thing, but for what the loop
 * did in the 25 ms before, which is taken off. Where it has turned more often than then, it has begun to do something else
 * besides, and lateness alone is believed.
 */
export class LoopPulse {
  readonly #target: PulseTarget;
  readonly #timer: NodeJS.Timeout;
  readonly #delay = createHistogram();
  #utilisation = performance.eventLoopUtilization();
  #beatMs = monotonicMs();
  #reportedMs = this.#beatMs;
  #latenessMs = 0;
  #idleMs = performance.nodeTiming.idleTime;
  /** Of the time between two beats that was not one long turn. */
  #usualBusyMs = 0;
  #turns = performance.nodeTiming.uvMetricsInfo.loopCount;
  /** Between the last two beats. */
  #usualTurns = 0;

  constructor(target: PulseTarget) {
    this.#target = target;
    target.beat(this.#beatMs, 0);
    this.#timer = setInterval(() => this.#beat(), BEAT_PERIOD_MS).unref();
  }

  /** By how much the last beat came too late, milliseconds. */
  get latenessMs(): number {
    return this.#latenessMs;
  }

  /** Stops. */
  close(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const nowMs = monotonicMs();
    const elapsedMs = nowMs - this.#beatMs;
    this.#latenessMs = Math.max(0, elapsedMs - BEAT_PERIOD_MS);
    this.#beatMs = nowMs;
    const heldMs = this.#readHeld(elapsedMs);
    // Counts from 1.
    this.#delay.record(1 + Math.round(this.#latenessMs * 1000));
    this.#target.beat(nowMs, heldMs);
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = nowMs;
    this.#report();
  }

  #readHeld(elapsedMs: number): number {
    const idleMs = performance.nodeTiming.idleTime;
    const busyMs = Math.max(0, elapsedMs - (idleMs - this.#idleMs));
    this.#idleMs = idleMs;
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    const turns = loopCount - this.#turns;
    this.#turns = loopCount;
    const isAsUsual = turns <= Math.max(FEW_TURNS, this.#usualTurns);
    const heldMs = isAsUsual ? Math.max(this.#latenessMs, busyMs - this.#usualBusyMs) : this.#latenessMs;
    this.#usualBusyMs = Math.min(BEAT_PERIOD_MS, busyMs);
    this.#usualTurns = turns;
    return heldMs;
  }

  #report(): void {
    const utilisation = performance.eventLoopUtilization();
    const delay = this.#delay;
    this.#target.report({
      delayP50Us: delay.percentile(50) - 1,
      delayP99Us: delay.percentile(99) - 1,
      delayMaxUs: delay.max - 1,
      utilisation: performance.eventLoopUtilization(utilisation, this.#utilisation).utilization,
    });
    this.#utilisation = utilisation;
    delay.reset();
  }
}
