/**
 * One subject of the comparison: started, warmed, and measured once a round.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MEASURED_CORE, type Child } from "../children.ts";
import { Meter } from "../meter.ts";
import { processTree, readProcessUsage, type ProcessUsage } from "../process-usage.ts";
import type { LoadPlan, LoadResult, Scenario } from "../scenario.ts";
import { flow } from "../scenarios/flow.ts";
import { hold } from "../scenarios/hold.ts";
import { requests } from "../scenarios/requests.ts";
import { parseTarget } from "../target.ts";
import { faultsOf } from "../verdict.ts";
import type { Subject } from "./subject.ts";

/** What is measured of a subject in one round. */
export interface RoundFigures {
  readonly cpuUsPerEvent: number;
  readonly cpuUsPerRequest: number;
  readonly rssBytesPerStream: number;
  readonly ttftP50Us: number;
  readonly ttftP99Us: number;
  /** Over the direct run of the same round; negative where the subject's was quicker by chance. */
  readonly addedP99Us: number;
  /** Broken promises of this round; empty when all was well. */
  readonly faults: readonly string[];
}

/** Sizes of the loads at a full share. */
export interface CompareSizes {
  /** Streams of the hold that memory is measured at. */
  readonly holdStreams: number;
  readonly signal: AbortSignal;
}

const FLOW: LoadPlan = { streams: 1_000, durationMs: 3_000, rampPerSecond: 2_000, eventsPerSecond: 20_000 };
const REQUESTS: LoadPlan = { streams: 64, durationMs: 2_000, rampPerSecond: 1_000, eventsPerSecond: 0 };
const WARM_UP: LoadPlan = { ...REQUESTS, durationMs: 200 };
/** One token event a second from each stream: the memory is measured, not the flow. */
const HOLD = { durationMs: 3_000, rampPerSecond: 2_000 };

/** The flow straight at the sim, which a round's added latency is measured against. */
export async function measureDirect(simUrl: string, sizes: CompareSizes): Promise<LoadResult> {
  return await runLoad(flow, FLOW, { url: simUrl, pid: null, idle: null, signal: sizes.signal });
}

/** A subject that has been started and is hot. It idles while others are measured. */
export interface RunningSubject {
  /** Its part of one round. @throws {Error} when it can't be measured. */
  readonly measure: (direct: LoadResult) => Promise<RoundFigures>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts `subject`, measures what a held stream costs it in memory, and runs the loads once for nothing: a gateway runs for
 * days, so what counts is the code once it is hot. @throws {Error} when it can't be started or measured.
 */
export async function startSubject(subject: Subject, simUrl: string, sizes: CompareSizes): Promise<RunningSubject> {
  const folder = mkdtempSync(join(tmpdir(), "headwaiter-compare-"));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  const share = subject.share ?? 1;
  let child: Child;
  try {
    child = await subject.start({ simUrl, core: MEASURED_CORE, folder });
  } catch (error) {
    removeFolder();
    throw error;
  }
  const stop = async (): Promise<void> => {
    await child.stop();
    removeFolder();
  };
  try {
    const place = { url: child.answer, pid: child.pid, idle: null, signal: sizes.signal };
    await runLoad(requests, scaled(WARM_UP, share), place);
    const measured = { ...place, idle: readProcessUsage(processTree(child.pid)) };
    const holdPlan = { ...HOLD, streams: sizes.holdStreams, eventsPerSecond: sizes.holdStreams };
    const held = await runLoad(hold, scaled(holdPlan, share), measured);
    await runLoad(requests, scaled(REQUESTS, share), place);
    await runLoad(flow, scaled(FLOW, share), place);
    return { measure: (direct) => measure(share, measured, held, direct), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function measure(share: number, place: LoadPlace, held: LoadResult, direct: LoadResult): Promise<RoundFigures> {
  const asked = await runLoad(requests, scaled(REQUESTS, share), place);
  const flowed = await runLoad(flow, scaled(FLOW, share), place);
  const faults = [held, asked, flowed].flatMap(faultsOf);
  if (held.process === null || asked.process === null || flowed.process === null) {
    throw new Error(`nothing could be measured: ${faults.join(", ") || "no /proc"}`);
  }
  return {
    cpuUsPerEvent: flowed.process.cpuUsPerUnit,
    cpuUsPerRequest: asked.process.cpuUsPerUnit,
    rssBytesPerStream: held.process.rssBytesPerStream,
    ttftP50Us: flowed.ttft.p50,
    ttftP99Us: flowed.ttft.p99,
    addedP99Us: flowed.latency.p99 - direct.latency.p99,
    faults,
  };
}

interface LoadPlace {
  readonly url: string;
  readonly pid: number | null;
  readonly idle: ProcessUsage | null;
  readonly signal: AbortSignal;
}

async function runLoad(scenario: Scenario, plan: LoadPlan, place: LoadPlace): Promise<LoadResult> {
  return await scenario.run({
    target: parseTarget(place.url, "sim"),
    plan,
    meter: new Meter(),
    pid: place.pid,
    idle: place.idle,
    sim: null,
    signal: place.signal,
  });
}

function scaled(plan: LoadPlan, share: number): LoadPlan {
  const part = (count: number): number => Math.ceil(count * share);
  return { ...plan, streams: part(plan.streams), eventsPerSecond: part(plan.eventsPerSecond) };
}
