import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../children.ts";
import { answersHttp } from "../ready.ts";
import { freePort, type Subject } from "./subject.ts";
import { installPackage, venvFolder, type PythonPackage } from "./venv.ts";

const READY_TIMEOUT_MS = 120_000;
const PACKAGE: PythonPackage = { name: "litellm", requirement: "litellm[proxy]", version: "1.106.2" };

/** LiteLLM's proxy, one worker. */
export const litellm: Subject = {
  name: "LiteLLM",
  share: 0.02,
  prepare: async () => {
    await installPackage(PACKAGE);
    return PACKAGE.version;
  },
  start: async ({ simUrl, core, folder }) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const configPath = join(folder, "litellm.yaml");
    const parameters = `{ model: openai/sim, api_base: "${simUrl}/v1", api_key: none }`;
    writeFileSync(configPath, `model_list:\n  - { model_name: sim, litellm_params: ${parameters} }\n`);
    return await startChild({
      name: "LiteLLM",
      command: join(venvFolder(PACKAGE), "bin", "litellm"),
      args: ["--config", configPath, "--host", "127.0.0.1", "--port", String(port), "--num_workers", "1"],
      core,
      env: {
        // Otherwise it fetches a price list from the network, with retries, before it listens.
        LITELLM_LOCAL_MODEL_COST_MAP: "True",
        // Otherwise it does not start without a key; here it listens on the loopback interface for a few seconds.
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: "true",
      },
      ready: async () => ((await answersHttp(`${url}/health/liveliness`)) ? url : null),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
  },
};
