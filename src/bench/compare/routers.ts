/**
 * The two Rust routers that teams put before their own replicas.
 */

import { join } from "node:path";
import { startChild, type Child } from "../children.ts";
import { answersHttp } from "../ready.ts";
import { freePort, type Subject, type SubjectPlace } from "./subject.ts";
import { installPackage, venvFolder, type PythonPackage } from "./venv.ts";

const READY_TIMEOUT_MS = 60_000;
const VLLM: PythonPackage = { name: "vllm-router", requirement: "vllm-router", version: "0.1.17" };
const SGLANG: PythonPackage = { name: "sglang-router", requirement: "sglang-router", version: "0.3.2" };

/** The vLLM project's router. */
export const vllmRouter: Subject = {
  name: "vLLM router",
  prepare: async () => {
    await installPackage(VLLM);
    return VLLM.version;
  },
  start: async (place) => await startRouter("vLLM router", join(venvFolder(VLLM), "bin", "vllm-router"), [], place),
};

/** The SGLang project's gateway. */
export const sglangGateway: Subject = {
  name: "SGLang gateway",
  prepare: async () => {
    await installPackage(SGLANG);
    return SGLANG.version;
  },
  start: async (place) => {
    const python = join(venvFolder(SGLANG), "bin", "python");
    return await startRouter("SGLang gateway", python, ["-m", "sglang_router.launch_router"], place);
  },
};

async function startRouter(
  name: string,
  command: string,
  firstArgs: readonly string[],
  place: SubjectPlace,
): Promise<Child> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = {
    host: "127.0.0.1",
    port: String(port),
    "worker-urls": place.simUrl,
    policy: "round_robin",
    "prometheus-host": "127.0.0.1",
    "prometheus-port": String(await freePort()),
    // Both refuse past a few hundred requests at once by default.
    "max-concurrent-requests": "20000",
    "queue-size": "20000",
    "request-timeout-secs": "600",
  };
  return await startChild({
    name,
    command,
    args: [...firstArgs, ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, value])],
    core: place.core,
    ready: async () => ((await answersHttp(`${url}/readiness`)) ? url : null),
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
}
