/**
 * The steady window: what is measured between the ramp and the end.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { processTree, readProcessUsage, type ProcessUsage } from "./process-usage.ts";
import type { Load, LoadResult, ProcessFigures } from "./scenario.ts";

const SAMPLE_MS = 1_000;

/** What was counted and used in a window. */
export interface WindowFigures {
  readonly seconds: number;
  readonly tokens: number;
  readonly answers: number;
  /** Open when the window closed. */
  readonly held: number;
  readonly latency: LoadResult["latency"];
  readonly clientCpuShare: number;
  readonly before: ProcessUsage | null;
  readonly after: ProcessUsage | null;
  /** The most that was resident at any sample, bytes. */
  readonly rssBytes: number;
}

/** Empties the latency histogram, waits for the plan's duration, and says what happened meanwhile. */
export async function measureWindow(load: Load): Promise<WindowFigures> {
  const { meter, pid, plan } = load;
  const members = pid === null ? [] : processTree(pid);
  const read = (): ProcessUsage | null => readProcessUsage(members);
  meter.latency.reset();
  const tokensBefore = meter.tokens;
  const answersBefore = meter.answers;
  const clientBefore = process.cpuUsage();
  const before = read();
  const startMs = performance.now();
  let rssBytes = before?.rssBytes ?? 0;
  for (let leftMs = plan.durationMs; leftMs > 0; leftMs = startMs + plan.durationMs - performance.now()) {
    await sleep(Math.min(SAMPLE_MS, leftMs), undefined, { signal: load.signal });
    rssBytes = Math.max(rssBytes, read()?.rssBytes ?? 0);
  }
  const after = read();
  const elapsedUs = (performance.now() - startMs) * 1000;
  const client = process.cpuUsage(clientBefore);
  return {
    seconds: elapsedUs / 1e6,
    tokens: meter.tokens - tokensBefore,
    answers: meter.answers - answersBefore,
    held: meter.open,
    latency: meter.latency.summary(),
    clientCpuShare: (client.user + client.system) / elapsedUs,
    before,
    after,
    rssBytes,
  };
}

/** Puts a load's result together from its window and its meter, once every stream has ended. */
export function loadResult(load: Load, window: WindowFigures, unit: LoadResult["unit"]): LoadResult {
  const { meter } = load;
  const units = unit === "request" ? window.answers : window.tokens;
  return {
    streams: {
      asked: load.plan.streams,
      peakOpen: meter.peakOpen,
      held: window.held,
      outcomes: { ...meter.outcomes },
    },
    unit,
    units,
    unitsPerSecond: units / window.seconds,
    integrity: { ...meter.faults },
    causes: Object.fromEntries(meter.causes),
    ttft: meter.ttft.summary(),
    latency: window.latency,
    windowSeconds: window.seconds,
    clientCpuShare: window.clientCpuShare,
    process: processFigures(load, window, units),
    cancel: null,
  };
}

function processFigures(load: Load, window: WindowFigures, units: number): ProcessFigures | null {
  const { idle } = load;
  if (idle === null || window.before === null || window.after === null || units === 0) return null;
  const cpuUs = window.after.cpuUs - window.before.cpuUs;
  return {
    cpuUsPerUnit: cpuUs / units,
    cpuShare: cpuUs / (window.seconds * 1e6),
    rssIdleBytes: idle.rssBytes,
    rssBytes: window.rssBytes,
    peakRssBytes: window.after.peakRssBytes,
    rssBytesPerStream: Math.max(0, window.rssBytes - idle.rssBytes) / Math.max(1, window.held),
  };
}
