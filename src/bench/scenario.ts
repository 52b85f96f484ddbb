/**
 * What a scenario is given, and what it hands back.
 */

import type { Percentiles } from "./histogram.ts";
import type { Meter, StreamOutcome } from "./meter.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { SurgeResult } from "./surge.ts";
import type { Target } from "./target.ts";
import type { SequenceFaults } from "./token-sequence.ts";

/** Size of a load. */
export interface LoadPlan {
  /** Streams, or connections where a scenario keeps connections. 1–60,000. */
  readonly streams: number;
  /** The steady window that is measured, after the ramp, milliseconds. */
  readonly durationMs: number;
  /** Streams begun a second. */
  readonly rampPerSecond: number;
  /** Token events a second of all streams together, or requests a second of all connections; of these 0 is as many as go. */
  readonly eventsPerSecond: number;
}

/** Where a sim's own routes are. */
export interface SimAddress {
  /** Base URL, e.g. `http://127.0.0.1:4010`. */
  readonly url: string;
  /** Whether it speaks HTTP/2, and that alone. */
  readonly http2: boolean;
}

/** One load against one target. */
export interface Load {
  readonly target: Target;
  readonly plan: LoadPlan;
  /** Filled while the load runs; also what a progress line reads. */
  readonly meter: Meter;
  /** Process whose CPU and memory are measured, children included. */
  readonly pid: number | null;
  /** Its usage before the load. */
  readonly idle: ProcessUsage | null;
  /** The sim behind the target, where known: some scenarios ask it what it saw. */
  readonly sim: SimAddress | null;
  /** Ends the run early; what waits then throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** CPU and memory of what was measured, over the steady window. */
export interface ProcessFigures {
  /** User and system time of one unit of work (a token event, or a request), microseconds. */
  readonly cpuUsPerUnit: number;
  /** Share of one core, 0–1 (more with several). */
  readonly cpuShare: number;
  readonly rssIdleBytes: number;
  /** The most that was resident in the window. */
  readonly rssBytes: number;
  /** The most that was ever resident. */
  readonly peakRssBytes: number;
  /** `(rssBytes − rssIdleBytes) / streams`. */
  readonly rssBytesPerStream: number;
}

/** What a load did and saw. Times in microseconds. */
export interface LoadResult {
  readonly streams: {
    readonly asked: number;
    readonly peakOpen: number;
    /** Open at the end of the steady window. */
    readonly held: number;
    readonly outcomes: Readonly<Record<StreamOutcome, number>>;
  };
  /** What a unit of work is here. */
  readonly unit: "token event" | "request";
  /** Units done in the steady window. */
  readonly units: number;
  readonly unitsPerSecond: number;
  readonly integrity: Readonly<SequenceFaults>;
  /** Causes of failures → how often. */
  readonly causes: Readonly<Record<string, number>>;
  readonly ttft: Percentiles;
  /** Of token events: from the sim's stamp to arrival. Of requests: the whole of them. In the steady window. */
  readonly latency: Percentiles;
  /** Length of the steady window as measured, seconds. */
  readonly windowSeconds: number;
  /** Share of one core that this load client took in the window. */
  readonly clientCpuShare: number;
  readonly process: ProcessFigures | null;
  /** From hanging up to when the sim saw its connection close; `unseen` streams it never missed. */
  readonly cancel: (Percentiles & { readonly unseen: number }) | null;
  /** The steps of a surge. */
  readonly surge?: SurgeResult;
}

/** A kind of load. */
export interface Scenario {
  readonly name: string;
  /** One line for the usage text. */
  readonly summary: string;
  /** The plan when nothing is asked for. `eventsPerSecond` follows from the streams where it is a function of them. */
  readonly defaults: (streams: number | undefined) => LoadPlan;
  /** Whether the same load straight at the sim says anything worth subtracting. */
  readonly comparesDirect: boolean;
  /** Runs the load. Bounded in time by its plan. */
  readonly run: (load: Load) => Promise<LoadResult>;
}
