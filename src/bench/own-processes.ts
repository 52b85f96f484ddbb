/**
 * A sim and a gateway of the run's own, each a process started from this package's entry.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild, type Child } from "./children.ts";
import { answersHttp } from "./ready.ts";

const READY_TIMEOUT_MS = 20_000;
/** `main.ts` beside `bench/` in a checkout, `main.js` in the built package. */
const ENTRY = join(import.meta.dirname, "..", `main${import.meta.filename.endsWith(".ts") ? ".ts" : ".js"}`);

/** How a process of the run's own is started. */
export interface OwnOptions {
  /** HTTP/2 with prior knowledge between gateway and sim. */
  readonly http2: boolean;
  /** Event loops of the gateway. @default 1 */
  readonly workers?: number;
  /** Core to run on alone. @default any */
  readonly core?: number;
  /** Further top-level keys of the gateway's config, as YAML. @default none */
  readonly settings?: string;
}

/** Starts a sim; its answer is its base URL, e.g. `http://127.0.0.1:4010`. @throws {Error} when it does not start. */
export async function startSim(options: OwnOptions): Promise<Child> {
  return await startChild({
    name: "sim",
    command: process.execPath,
    args: [ENTRY, "sim", "--port", "0", ...(options.http2 ? ["--http2"] : [])],
    ...(options.core === undefined ? {} : { core: options.core }),
    ready: printedUrl,
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
}

/** Starts a gateway in front of the sim at `simUrl`; its answer is its base URL. @throws {Error} when it does not start. */
export async function startGateway(simUrl: string, options: OwnOptions): Promise<Child> {
  const folder = mkdtempSync(join(tmpdir(), "headwaiter-bench-"));
  const configPath = join(folder, "headwaiter.yaml");
  writeFileSync(configPath, gatewayConfig(simUrl, options.http2) + (options.settings ?? ""));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const child = await startChild({
      name: "headwaiter",
      command: process.execPath,
      args: [ENTRY, "serve", "--config", configPath, "--port", "0", "--workers", String(options.workers ?? 1)],
      ...(options.core === undefined ? {} : { core: options.core }),
      ready: async (output) => {
        const url = printedUrl(output);
        return url !== null && (await answersHttp(`${url}/readyz`)) ? url : null;
      },
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
    const stop = async (): Promise<void> => {
      await child.stop();
      removeFolder();
    };
    return { ...child, stop };
  } catch (error) {
    removeFolder();
    throw error;
  }
}

/** The config of a gateway that serves the model `sim` from the sim at `simUrl`, without limits of its own. */
function gatewayConfig(simUrl: string, http2: boolean): string {
  return `server: { host: 127.0.0.1, port: 0 }
admin: { host: 127.0.0.1, port: 0 }
upstreams:
  sim:
    dialect: openai
    endpoints: [ { url: ${simUrl}/v1 } ]
    http2: ${http2 ? "on" : "off"}
    connections: { max: 20000, keep_alive_max: 4096, keep_alive: 60s }
models:
  sim: { upstream: sim }
default_model: sim
`;
}

/** The first loopback URL in a process's output. */
function printedUrl(output: string): string | null {
  return /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? null;
}
