/**
 * One run of a scenario: the processes it needs, the load straight at the sim, the load through the gateway, the report.
 */

import { hasTaskset, LOAD_CORE, MEASURED_CORE, pinSelf, type Child } from "./children.ts";
import { describeMachine } from "./machine.ts";
import { Meter } from "./meter.ts";
import { startGateway, startSim } from "./own-processes.ts";
import { processTree, readProcessUsage } from "./process-usage.ts";
import { addedLatency, type BenchReport } from "./report.ts";
import type { LoadPlan, LoadResult, Scenario } from "./scenario.ts";
import { parseTarget } from "./target.ts";
import { faultsOf } from "./verdict.ts";

/** What to run, and against what. */
export interface RunOptions {
  readonly scenario: Scenario;
  readonly plan: LoadPlan;
  /** Base URL of the gateway; `null` starts a sim and a gateway of the run's own. */
  readonly url: string | null;
  /** Process of the gateway at `url`, for CPU and memory. */
  readonly pid: number | null;
  /** The sim behind the gateway at `url`, where there is one (HTTP/1.1). */
  readonly simUrl: string | null;
  /** Model asked for. */
  readonly model: string;
  readonly apiKey: string | null;
  /** Own processes: HTTP/2 between gateway and sim. */
  readonly http2: boolean;
  /** Own processes: event loops of the gateway. */
  readonly workers: number;
  /** Own processes: the gateway on a core of its own. */
  readonly pin: boolean;
  readonly signal: AbortSignal;
  /** Told of each load before it runs, for a progress line. */
  readonly onLoad: (name: string, meter: Meter, plan: LoadPlan) => void;
}

interface Subject {
  readonly name: string;
  readonly url: string;
  readonly pid: number | null;
  readonly simUrl: string | null;
  readonly simHttp2: boolean;
}

/** Runs the scenario. @throws {Error} when something can't be started; the signal's reason when aborted. */
export async function runBench(options: RunOptions): Promise<BenchReport> {
  const { scenario, plan } = options;
  const pinned = options.url === null && options.pin && hasTaskset() && pinSelf(LOAD_CORE);
  const simPlace = pinned ? { core: LOAD_CORE } : {};
  const gatewayPlace = pinned ? { core: MEASURED_CORE } : {};
  const children: Child[] = [];
  try {
    let direct: LoadResult | null = null;
    let subject: Subject;
    if (options.url === null) {
      const sim = await startSim({ http2: options.http2, ...simPlace });
      children.push(sim);
      if (scenario.comparesDirect) direct = await runDirect(options, options.http2 ? null : sim.answer);
      const gateway = await startGateway(sim.answer, {
        http2: options.http2,
        workers: options.workers,
        ...gatewayPlace,
      });
      children.push(gateway);
      const name = `headwaiter at ${gateway.answer}`;
      subject = { name, url: gateway.answer, pid: gateway.pid, simUrl: sim.answer, simHttp2: options.http2 };
    } else {
      const { simUrl } = options;
      if (simUrl !== null && scenario.comparesDirect) direct = await runDirect(options, simUrl);
      subject = { name: options.url, url: options.url, pid: options.pid, simUrl, simHttp2: false };
    }
    const result = await runOne(options, subject);
    return {
      scenario: scenario.name,
      target: subject.url,
      plan,
      machine: describeMachine(),
      pinned,
      result,
      direct,
      added: addedLatency(result, direct),
      faults: [
        ...faultsOf(result),
        ...(direct === null ? [] : faultsOf(direct).map((fault) => `direct run: ${fault}`)),
      ],
    };
  } finally {
    for (const child of children.reverse()) await child.stop();
  }
}

/**
 * The load straight at a sim; one is started for it when `simUrl` is `null` (this client speaks
 * HTTP/1.1 only). A child started without a core of its own stays on this process's.
 */
async function runDirect(options: RunOptions, simUrl: string | null): Promise<LoadResult> {
  const sim = simUrl === null ? await startSim({ http2: false }) : null;
  const url = simUrl ?? sim!.answer;
  try {
    return await runOne(options, { name: "the sim, direct", url, pid: null, simUrl: url, simHttp2: false });
  } finally {
    await sim?.stop();
  }
}

async function runOne(options: RunOptions, subject: Subject): Promise<LoadResult> {
  const meter = new Meter();
  options.onLoad(subject.name, meter, options.plan);
  const target = parseTarget(subject.url, options.model);
  return await options.scenario.run({
    target: options.apiKey === null ? target : { ...target, apiKey: options.apiKey },
    plan: options.plan,
    meter,
    pid: subject.pid,
    idle: subject.pid === null ? null : readProcessUsage(processTree(subject.pid)),
    sim: subject.simUrl === null ? null : { url: subject.simUrl, http2: subject.simHttp2 },
    signal: options.signal,
  });
}
