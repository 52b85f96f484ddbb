/**
 * The report of a run: one object, and the same as a table for people.
 */

import type { Percentiles } from "./histogram.ts";
import type { Machine } from "./machine.ts";
import type { LoadPlan, LoadResult, ProcessFigures } from "./scenario.ts";
import { surgeRows } from "./surge.ts";

/** Everything a run found out. The object that `--json` prints. */
export interface BenchReport {
  readonly scenario: string;
  /** Base URL of what was measured. */
  readonly target: string;
  readonly plan: LoadPlan;
  readonly machine: Machine;
  /** Whether the measured process had a core to itself. */
  readonly pinned: boolean;
  /** Through the gateway. */
  readonly result: LoadResult;
  /** The same load straight at the sim; `null` when there was no sim to ask or nothing to compare. */
  readonly direct: LoadResult | null;
  /** `result` − `direct`, of the latency's percentiles, microseconds. */
  readonly added: { readonly p50: number; readonly p99: number } | null;
  readonly faults: readonly string[];
}

/** The latency that the gateway added: differences of percentiles. */
export function addedLatency(result: LoadResult, direct: LoadResult | null): BenchReport["added"] {
  if (direct === null) return null;
  return { p50: result.latency.p50 - direct.latency.p50, p99: result.latency.p99 - direct.latency.p99 };
}

/** The report as lines for a terminal. */
export function renderReport(report: BenchReport): string {
  const { result, direct, plan, machine } = report;
  const rows: [string, string][] = [
    ["machine", `${machine.cores} cores, ${machine.cpu}, ${machine.kernel}, node ${machine.node}${pinNote(report)}`],
    [
      "load",
      `${plan.streams} streams at ${report.target}, ${plan.rampPerSecond}/s, ${result.windowSeconds.toFixed(1)} s steady`,
    ],
    ["streams", streamsLine(result)],
    [`${result.unit}s`, `${result.units} in the window, ${Math.round(result.unitsPerSecond)}/s`],
    ["integrity", integrityLine(result)],
  ];
  if (result.surge !== undefined) return layOut(report, [...rows, ...surgeRows(result.surge)]);
  if (result.unit === "token event") rows.push(["TTFT", percentilesLine(result.ttft)]);
  if (direct?.unit === "token event") rows.push(["the same, direct", percentilesLine(direct.ttft)]);
  rows.push([result.unit === "request" ? "whole request" : "sim to client", percentilesLine(result.latency)]);
  if (direct !== null) rows.push(["the same, direct", percentilesLine(direct.latency)]);
  if (report.added !== null) {
    rows.push(["added latency", `p50 ${milliseconds(report.added.p50)} · p99 ${milliseconds(report.added.p99)}`]);
  }
  if (result.cancel !== null) {
    rows.push(["hang-up to sim", `${percentilesLine(result.cancel)} · ${result.cancel.unseen} never seen`]);
  }
  if (direct?.cancel) rows.push(["the same, direct", percentilesLine(direct.cancel)]);
  rows.push(...processRows(result.process, result.unit));
  rows.push(["load client", `${Math.round(result.clientCpuShare * 100)} % of a core`]);
  return layOut(report, rows);
}

function layOut(report: BenchReport, rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
  const verdict = report.faults.length === 0 ? "ok" : `FAILED: ${report.faults.join(", ")}`;
  return [`headwaiter bench: ${report.scenario}`, "", ...lines, "", verdict, ""].join("\n");
}

function pinNote(report: BenchReport): string {
  return report.pinned ? "; the gateway alone on one core" : "";
}

function streamsLine({ streams, causes }: LoadResult): string {
  const parts = [`${streams.peakOpen} open at once`, `${streams.held} at the window's end`];
  for (const [outcome, count] of Object.entries(streams.outcomes)) if (count > 0) parts.push(`${count} ${outcome}`);
  const why = Object.entries(causes).map(([cause, count]) => `${count} × ${cause}`);
  return parts.join(", ") + (why.length === 0 ? "" : ` (${why.join("; ")})`);
}

function integrityLine({ integrity, streams }: LoadResult): string {
  const { lost, duplicated, reordered } = integrity;
  if (lost + duplicated + reordered + streams.outcomes.cut === 0) return "every token once and in order";
  return `${lost} lost, ${duplicated} duplicated, ${reordered} reordered, ${streams.outcomes.cut} streams cut`;
}

function processRows(figures: ProcessFigures | null, unit: string): [string, string][] {
  if (figures === null) return [["process", "CPU and memory not available (no --pid, or not Linux)"]];
  return [
    ["CPU", `${figures.cpuUsPerUnit.toFixed(1)} µs per ${unit}, ${Math.round(figures.cpuShare * 100)} % of a core`],
    [
      "memory",
      `${kibibytes(figures.rssBytesPerStream)} per stream; ${mebibytes(figures.rssIdleBytes)} idle, ` +
        `${mebibytes(figures.rssBytes)} in the window, ${mebibytes(figures.peakRssBytes)} at most`,
    ],
  ];
}

function percentilesLine({ p50, p90, p99, max }: Percentiles): string {
  return `p50 ${milliseconds(p50)} · p90 ${milliseconds(p90)} · p99 ${milliseconds(p99)} · max ${milliseconds(max)}`;
}

function milliseconds(valueUs: number): string {
  return `${(valueUs / 1000).toFixed(2)} ms`;
}

function kibibytes(sizeBytes: number): string {
  return `${(sizeBytes / 1024).toFixed(1)} KiB`;
}

function mebibytes(sizeBytes: number): string {
  return `${(sizeBytes / 1024 / 1024).toFixed(1)} MiB`;
}
