/** `headwaiter sim`: the simulated provider alone, until it is told to stop. */

import { parseDuration } from "../core/duration.ts";
import { startSim } from "../sim/server.ts";
import type { Sim, SimOptions } from "../sim/server.ts";

/** The command's flags, as text where they carry a unit. Those absent take `startSim`'s defaults. */
export interface SimArguments {
  readonly port?: number;
  readonly host?: string;
  readonly http2?: boolean;
  /** Time to the first token, e.g. `200ms`. */
  readonly ttft?: string;
  /** From one token to the next, e.g. `20ms`. */
  readonly gap?: string;
  readonly tokens?: number;
  /** 0–1. */
  readonly errorRate?: number;
}

/** Where a command writes; `process` is one. */
interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Where the sim listens unless told otherwise; fixed, so that a config can name it. */
const DEFAULT_PORT = 8081;

/** Runs the command until SIGTERM or SIGINT. @returns The exit code: 0, or 1 after a fault that was said on stderr. */
export async function sim(args: SimArguments, output: CommandOutput): Promise<number> {
  const options = readArguments(args);
  if (typeof options === "string") {
    output.stderr.write(`${options}\n`);
    return 1;
  }
  let running: Sim;
  try {
    running = await startSim(options);
  } catch (error) {
    output.stderr.write(`The simulated provider can't listen: ${(error as Error).message}\n`);
    return 1;
  }
  output.stdout.write(greeting(running.url, options.http2 === true));
  await stopSignal();
  await running.close();
  return 0;
}

/** The options that the flags ask for, or what is wrong with them. */
function readArguments(args: SimArguments): SimOptions | string {
  const ttftMs = args.ttft === undefined ? undefined : parseDuration(args.ttft);
  if (args.ttft !== undefined && ttftMs === undefined) return `--ttft: not a duration (like 200ms): ${args.ttft}`;
  const gapMs = args.gap === undefined ? undefined : parseDuration(args.gap);
  if (args.gap !== undefined && gapMs === undefined) return `--gap: not a duration (like 20ms): ${args.gap}`;
  const { port = DEFAULT_PORT, tokens, errorRate } = args;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return `--port: not a port: ${port}`;
  if (tokens !== undefined && !(Number.isSafeInteger(tokens) && tokens >= 0)) return `--tokens: not a count: ${tokens}`;
  if (errorRate !== undefined && !(errorRate >= 0 && errorRate <= 1))
    return `--error-rate: not from 0 to 1: ${errorRate}`;
  return {
    port,
    ...(args.host === undefined ? {} : { host: args.host }),
    ...(args.http2 === undefined ? {} : { http2: args.http2 }),
    ...(ttftMs === undefined ? {} : { ttftMs }),
    ...(gapMs === undefined ? {} : { gapMs }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(errorRate === undefined ? {} : { errorRate }),
  };
}

function greeting(url: URL, http2: boolean): string {
  const body = JSON.stringify({ model: "sim", stream: true, messages: [{ role: "user", content: "hi sim:n10" }] });
  const priorKnowledge = http2 ? " --http2-prior-knowledge" : "";
  return [
    `Simulated provider (OpenAI, Anthropic, Gemini) at ${url.origin}${http2 ? ", HTTP/2 with prior knowledge" : ""}`,
    `  curl -N${priorKnowledge} ${url.origin}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
    "",
  ].join("\n");
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off("SIGTERM", stop);
      process.off("SIGINT", stop);
      resolve();
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
