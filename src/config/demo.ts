/** The config when there is none: the simulated model, and each hosted provider, with a key or without. */
import { buildSnapshot } from "./build-snapshot.ts";
import { CONFIG } from "./schema.ts";
import type { ConfigSnapshot, Dialect } from "./snapshot.ts";
import { isSendableSecret } from "./values.ts";

interface Provider {
  /** Also the upstream's name. */
  readonly dialect: Dialect;
  readonly keyVariable: string;
  readonly url: string;
  readonly models: readonly string[];
}

const PROVIDERS: readonly Provider[] = [
  {
    dialect: "openai",
    keyVariable: "OPENAI_API_KEY",
    url: "https://api.openai.com/v1",
    models: ["gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "text-embedding-*"],
  },
  {
    dialect: "anthropic",
    keyVariable: "ANTHROPIC_API_KEY",
    url: "https://api.anthropic.com/v1",
    models: ["claude-*"],
  },
  {
    dialect: "gemini",
    keyVariable: "GEMINI_API_KEY",
    url: "https://generativelanguage.googleapis.com/v1beta",
    models: ["gemini-*"],
  },
];

/**
 * The demo's config.
 *
 * A provider whose variable is not set is there all the same, with `missingKeyVariable`, so that asking for its models says
 * which variable to set. White space around a key is taken off; a key that cannot be sent in a header counts as not set.
 *
 * @param simUrl The base of the simulated provider's OpenAI API, e.g. `http://127.0.0.1:40123/v1`.
 */
export function demoConfig(env: Readonly<Record<string, string | undefined>>, simUrl: URL): ConfigSnapshot {
  const upstreams: Record<string, unknown> = {
    sim: { endpoints: [{ url: simUrl.href }], connections: { max: "20000", keep_alive_max: "1000" } },
  };
  const models: Record<string, unknown> = { sim: { upstream: "sim" } };
  const missingKeyVariables = new Map<string, string>();
  for (const { dialect, keyVariable, url, models: patterns } of PROVIDERS) {
    const apiKey = env[keyVariable]?.trim() ?? "";
    const usable = isSendableSecret(apiKey);
    if (!usable) missingKeyVariables.set(dialect, keyVariable);
    upstreams[dialect] = { dialect, endpoints: [{ url }], ...(usable ? { api_key: apiKey } : {}) };
    for (const pattern of patterns) models[pattern] = { upstream: dialect };
  }
  const settings = CONFIG.schema.parse({ upstreams, models, default_model: "sim" });
  return buildSnapshot(settings, { source: "demo", directory: process.cwd(), missingKeyVariables });
}
