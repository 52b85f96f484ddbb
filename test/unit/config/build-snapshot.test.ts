import assert from "node:assert/strict";
import { test } from "node:test";

import { withOverrides } from "../../../src/config/build-snapshot.ts";
import { LEAST, loaded } from "./config-text.ts";

test("the version is the same for the same effective config, however it is written", () => {
  const { version } = loaded(LEAST);
  assert.match(version, /^[0-9a-f]{12}$/);
  const [upstreams, models] = LEAST.split("\n");
  assert.equal(loaded(`# other\n${models}\n${upstreams}\nserver: { port: 8080 }\nstreams:\n`).version, version);
  const two =
    "upstreams: { U: { endpoints: [ { url: http://h } ] }, V: { endpoints: [ { url: http://h } ] } }\nmodels: { U: { upstream: U }, V: { upstream: V } }";
  const swapped = two
    .replaceAll(/[UV](?=: \{)/g, (name) => (name === "U" ? "V" : "U"))
    .replaceAll(/upstream: (\w)/g, (_, name) => `upstream: ${name === "U" ? "V" : "U"}`);
  assert.notEqual(swapped, two);
  assert.equal(loaded(swapped).version, loaded(two).version);
});

test("the version changes with any setting", () => {
  const texts = [
    LEAST,
    `${LEAST}server: { port: 1 }`,
    `${LEAST}admin: { port: 1 }`,
    `${LEAST}streams: { heartbeat: off }`,
    `${LEAST}default_model: m`,
    LEAST.replace("/v1", "/v2"),
    LEAST.replace("upstream: u }", "upstream: u, model: x }"),
  ];
  assert.equal(new Set(texts.map((text) => loaded(text).version)).size, texts.length);
});

test("the version tells whether there is a secret, never which", () => {
  const withSecrets = `${LEAST.replace("] }", "], api_key: ${K} }")}admin: { token: \${T} }`;
  const { version } = loaded(withSecrets, { K: "k1", T: "t1" });
  assert.equal(loaded(withSecrets, { K: "k2", T: "t2" }).version, version);
  assert.notEqual(loaded(LEAST).version, version);
});

test("overrides change where it listens and nothing else, and the version with it", () => {
  const config = loaded(LEAST);
  const other = withOverrides(config, { host: "0.0.0.0", port: 0, adminPort: 1 });
  assert.deepEqual(other.server, { ...config.server, host: "0.0.0.0", port: 0 });
  assert.deepEqual(other.admin, { ...config.admin, port: 1 });
  assert.equal(other.models, config.models);
  assert.equal(other.source, config.source);
  assert.notEqual(other.version, config.version);
  assert.equal(config.server.port, 8080);
  assert.deepEqual(withOverrides(config, {}), config);
});
