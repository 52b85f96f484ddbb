/**
 * What a surge found out: one row for each step of the offered load, and how long the way back took.
 */

import type { Percentiles } from "./histogram.ts";

/** One step of the offered load, in the second half of it, when the streams of the step before have ended. */
export interface SurgeStep {
  /** Offered load as a multiple of the capacity. */
  readonly load: number;
  /** Streams really begun a second, which is less than asked where this client is the bottleneck. */
  readonly offeredPerSecond: number;
  /** Streams that were answered with a stream, of those begun in the window. */
  readonly accepted: number;
  readonly refused: number;
  /** Without an answer. */
  readonly unanswered: number;
  /** Token events a second of all accepted streams. */
  readonly goodputPerSecond: number;
  /** Of the accepted, microseconds. */
  readonly ttft: Percentiles;
  /** From the call to the refusal, connecting included, microseconds. */
  readonly refusal: Percentiles;
  /** Streams under way at the window's end. */
  readonly open: number;
  /** `null` where the gateway's process is not known. */
  readonly rssBytes: number | null;
  /** Share of one core that the gateway took, 0–1 (more with several loops); `null` as above. */
  readonly cpuShare: number | null;
  /** Share of one core that this client took. */
  readonly clientCpuShare: number;
}

/** A whole surge. */
export interface SurgeResult {
  /** Token events a second at load 1. */
  readonly capacityPerSecond: number;
  readonly capacityFrom: "given" | "measured";
  readonly steps: readonly SurgeStep[];
  /** From the return to half the capacity until TTFT was normal and stayed so, seconds; `null`: not before the end. */
  readonly recoverySeconds: number | null;
}

/** How far goodput may fall behind the best step, and how soon and how fast it all has to be. */
const GOALS = { leastGoodputShare: 0.8, mostRefusalMs: 10, mostRecoverySeconds: 5 } as const;

/** What of a surge is not as it should be, in words. */
export function surgeFaults(surge: SurgeResult): string[] {
  const faults: string[] = [];
  const full = surge.steps.filter(({ load }) => load >= 1);
  const best = Math.max(...full.map(({ goodputPerSecond }) => goodputPerSecond));
  for (const step of full) {
    const share = step.goodputPerSecond / best;
    if (share < GOALS.leastGoodputShare) faults.push(`goodput at ${step.load} × is ${percent(share)} of the best`);
  }
  for (const { load, refused, refusal } of surge.steps) {
    if (refused > 0 && refusal.p99 > GOALS.mostRefusalMs * 1000) {
      faults.push(`refusals at ${load} × take ${milliseconds(refusal.p99)} at the 99th percentile`);
    }
  }
  if (surge.recoverySeconds === null) faults.push("TTFT did not become normal again");
  else if (surge.recoverySeconds > GOALS.mostRecoverySeconds) {
    faults.push(`TTFT was normal again only after ${surge.recoverySeconds.toFixed(1)} s`);
  }
  return faults;
}

/** Label and text of each line of the report. */
export function surgeRows(surge: SurgeResult): [string, string][] {
  const rows: [string, string][] = [
    ["capacity", `${Math.round(surge.capacityPerSecond)} token events/s, ${surge.capacityFrom}`],
  ];
  for (const step of surge.steps) {
    const unanswered = step.unanswered > 0 ? `, ${step.unanswered} unanswered` : "";
    const { ttft, refusal } = step;
    const refusals =
      step.refused > 0 ? ` · refusal p50 ${milliseconds(refusal.p50)} p99 ${milliseconds(refusal.p99)}` : "";
    const rest = step.rssBytes === null ? "" : ` · ${Math.round(step.rssBytes / 1024 / 1024)} MiB`;
    const cpu = step.cpuShare === null ? "" : ` · CPU ${percent(step.cpuShare)}`;
    rows.push([
      `load ${step.load} ×`,
      `${Math.round(step.offeredPerSecond)} begun/s, ${step.accepted} accepted, ${step.refused} refused${unanswered} · ` +
        `${step.open} open · goodput ${Math.round(step.goodputPerSecond)}/s · ` +
        `TTFT p50 ${milliseconds(ttft.p50)} p99 ${milliseconds(ttft.p99)}${refusals}` +
        `${cpu}${rest} · client ${percent(step.clientCpuShare)}`,
    ]);
  }
  const recovery = surge.recoverySeconds === null ? "never" : `after ${surge.recoverySeconds.toFixed(2)} s`;
  rows.push(["back to normal", recovery]);
  return rows;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function milliseconds(valueUs: number): string {
  return `${(valueUs / 1000).toFixed(1)} ms`;
}
