/**
 * `headwaiter bench`: reads the arguments, runs the scenario, prints the report.
 */

import { parseArgs, type ParseArgsConfig } from "node:util";
import { startProgress } from "../bench/progress.ts";
import { renderReport } from "../bench/report.ts";
import { runBench, type RunOptions } from "../bench/run.ts";
import { findScenario, SCENARIOS } from "../bench/scenarios/registry.ts";
import { MAX_WORKERS } from "../config/schema.ts";
import { parseDuration } from "../core/duration.ts";

/** Usage text of the command. */
const BENCH_USAGE = `usage: headwaiter bench [URL] [options]

Opens streams at the gateway at URL and checks every token of them; without a URL, at a gateway and a sim of its own.

  --scenario NAME   ${SCENARIOS.map(({ name, summary }) => `${name.padEnd(13)} ${summary}`).join("\n                    ")}
                    (default hold)
  --streams N       streams, or connections for requests
  --duration 30s    the steady window that is measured
  --ramp N/s        streams begun a second
  --rate N/s        token events a second of all streams together; for requests: of these
  --pid PID         the gateway at URL, for its CPU and memory
  --sim URL         the sim behind the gateway at URL: for added latency, and for cancel
  --model NAME      model asked for (default sim)
  --api-key KEY     sent as a bearer token
  --http2           own processes: HTTP/2 between gateway and sim
  --workers N       own processes: event loops of the gateway (default 1)
  --pin             own processes: the gateway on a core of its own (Linux)
  --json            the report as one JSON object

Exit code: 0 when every stream was served whole, 1 when not, 2 for wrong arguments, 130 when interrupted.
`;

const OPTIONS = {
  scenario: { type: "string", default: "hold" },
  streams: { type: "string" },
  duration: { type: "string" },
  ramp: { type: "string" },
  rate: { type: "string" },
  pid: { type: "string" },
  sim: { type: "string" },
  model: { type: "string", default: "sim" },
  "api-key": { type: "string" },
  http2: { type: "boolean", default: false },
  workers: { type: "string" },
  pin: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const satisfies ParseArgsConfig["options"];

/** Streams at most: the ports one address has for one other. */
const MAX_STREAMS = 60_000;
const MAX_DURATION_MS = 3_600_000;
const MAX_PER_SECOND = 1_000_000;

/** Where a command writes; `process` is one. A progress line appears only where `stderr` is a terminal. */
interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

type Arguments = Omit<RunOptions, "signal" | "onLoad"> & { readonly json: boolean };

/**
 * Runs the command.
 *
 * @param args what follows `bench`.
 * @returns the exit code: 0, 1, 2 or 130, as the usage text says.
 */
export async function bench(args: readonly string[], output: CommandOutput): Promise<number> {
  let asked: Arguments | null;
  try {
    asked = readArguments(args);
  } catch (error) {
    output.stderr.write(`${(error as Error).message}\n\n${BENCH_USAGE}`);
    return 2;
  }
  if (asked === null) {
    output.stdout.write(BENCH_USAGE);
    return 0;
  }
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const progress = startProgress(output.stderr);
  try {
    const { signal } = interrupted;
    const report = await runBench({
      ...asked,
      signal,
      onLoad: (name, meter, plan) => progress.follow(name, meter, plan),
    });
    progress.stop();
    output.stdout.write(asked.json ? `${JSON.stringify(report)}\n` : renderReport(report));
    return report.faults.length === 0 ? 0 : 1;
  } catch (error) {
    progress.stop();
    if (interrupted.signal.aborted) return 130;
    output.stderr.write(`headwaiter bench: ${(error as Error).message}\n`);
    return 1;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** @returns `null` when help was asked for. @throws {Error} that says what is wrong with the arguments. */
function readArguments(args: readonly string[]): Arguments | null {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) return null;
  if (positionals.length > 1) throw new Error(`One URL at most, not ${positionals.length}.`);
  const scenario = findScenario(values.scenario);
  if (scenario === undefined) throw new Error(`There is no scenario ${values.scenario}.`);
  const defaults = scenario.defaults(wholeNumber("streams", values.streams, MAX_STREAMS));
  return {
    scenario,
    plan: {
      streams: defaults.streams,
      durationMs: durationMs(values.duration) ?? defaults.durationMs,
      rampPerSecond: perSecond("ramp", values.ramp) ?? defaults.rampPerSecond,
      eventsPerSecond: perSecond("rate", values.rate) ?? defaults.eventsPerSecond,
    },
    url: httpUrl("URL", positionals[0]),
    pid: wholeNumber("pid", values.pid, 2 ** 31) ?? null,
    simUrl: httpUrl("--sim", values.sim),
    model: values.model,
    apiKey: values["api-key"] ?? null,
    http2: values.http2,
    workers: wholeNumber("workers", values.workers, MAX_WORKERS) ?? 1,
    pin: values.pin,
    json: values.json,
  };
}

function wholeNumber(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw new Error(`--${name} takes a whole number from 1 to ${max}, not ${text}.`);
  return value;
}

function perSecond(name: string, text: string | undefined): number | undefined {
  return wholeNumber(name, text?.replace(/\/s$/, ""), MAX_PER_SECOND);
}

function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseDuration(text);
  if (value === undefined || value < 1 || value > MAX_DURATION_MS) {
    throw new Error(`--duration takes 1ms to 1h, such as 30s, not ${text}.`);
  }
  return value;
}

function httpUrl(name: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!URL.canParse(text) || new URL(text).protocol !== "http:") {
    throw new Error(`${name} takes an http:// address, such as http://127.0.0.1:8080, not ${text}.`);
  }
  return text;
}
