import assert from "node:assert/strict";
import { test } from "node:test";

import { demoConfig } from "../../../src/config/demo.ts";

const simUrl = new URL("http://127.0.0.1:4321/v1");

test("the demo serves the simulated model by default, with room for every stream", () => {
  const config = demoConfig({}, simUrl);
  assert.equal(config.source, "demo");
  assert.equal(config.defaultModel, "sim");
  assert.deepEqual(config.models.names(), ["sim"]);
  const sim = config.models.resolve("sim")!.upstream;
  assert.equal(sim.endpoints[0]?.url.href, simUrl.href);
  assert.equal(sim.missingKeyVariable, undefined);
  assert.deepEqual(sim.connections, { max: 20_000, keepAliveMax: 1000, keepAliveMs: 30_000 });
  assert.deepEqual([config.server.host, config.server.port, config.admin.port], ["127.0.0.1", 8080, 9090]);
});

test("each provider's models go to it, in its dialect, with the key of its variable", () => {
  const config = demoConfig({ OPENAI_API_KEY: "o-1", ANTHROPIC_API_KEY: "a-1", GEMINI_API_KEY: "g-1" }, simUrl);
  const routes = {
    openai: { key: "o-1", models: ["gpt-5", "chatgpt-4o", "o1", "o3-mini", "o4-mini", "text-embedding-3-small"] },
    anthropic: { key: "a-1", models: ["claude-x"] },
    gemini: { key: "g-1", models: ["gemini-2.5-flash"] },
  };
  for (const [name, { key, models }] of Object.entries(routes)) {
    for (const model of models) {
      const upstream = config.models.resolve(model)?.upstream;
      assert.deepEqual([upstream?.name, upstream?.dialect, upstream?.apiKey], [name, name, key], model);
      assert.equal(upstream?.missingKeyVariable, undefined);
    }
  }
  assert.equal(config.models.resolve("llama"), undefined);
});

test("a provider without a usable key is there and says which variable is missing", () => {
  const config = demoConfig({ OPENAI_API_KEY: "", ANTHROPIC_API_KEY: " \n", GEMINI_API_KEY: "a b" }, simUrl);
  const variables = [...config.upstreams.values()].map(({ apiKey, missingKeyVariable }) => [
    apiKey,
    missingKeyVariable,
  ]);
  assert.deepEqual(variables, [
    [undefined, undefined],
    [undefined, "OPENAI_API_KEY"],
    [undefined, "ANTHROPIC_API_KEY"],
    [undefined, "GEMINI_API_KEY"],
  ]);
});

test("white space around a key is taken off", () => {
  assert.equal(demoConfig({ OPENAI_API_KEY: " k\n" }, simUrl).upstreams.get("openai")?.apiKey, "k");
});
