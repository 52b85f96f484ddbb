import assert from "node:assert/strict";

import { loadConfig } from "../../../src/config/load.ts";
import type { ConfigSnapshot } from "../../../src/config/snapshot.ts";

type Environment = Readonly<Record<string, string>>;

/** The least that a config must hold. */
export const LEAST =
  "upstreams: { u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ] } }\nmodels: { m: { upstream: u } }\n";

/** The snapshot of a config that has no faults. */
export function loaded(text: string, env: Environment = {}, directory = "/nowhere"): ConfigSnapshot {
  const result = loadConfig(text, { file: "c.yaml", env, directory });
  assert.ok("config" in result, JSON.stringify(result));
  return result.config;
}

/** The faults of a config, as `line:column: message`. */
export function faultsOf(text: string, env: Environment = {}, directory = "/nowhere"): string[] {
  const result = loadConfig(text, { file: "c.yaml", env, directory });
  if ("config" in result) return [];
  return result.faults.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}
