import assert from "node:assert/strict";
import { test } from "node:test";

import { fromPortable, toPortable } from "../../../src/config/portable.ts";
import type { LimitsConfig } from "../../../src/config/snapshot.ts";
import { faultsOf, LEAST, loaded } from "./config-text.ts";

const DIGEST = "0123456789abcdef".repeat(4);
const WHOLE = `
auth: { required: true }
store: { path: kept, redis: "rediss://user:secret@redis.test:6380/2" }
tenants:
  acme:
    keys: [ "sha256:${DIGEST.toUpperCase()}" ]
    weight: 1000
    priority: batch
    models: [ m, "claude-*" ]
    on_disconnect: finish
    limits: { requests_per_minute: 600, tokens_per_minute: 200000, input_tokens_per_minute: 1, output_tokens_per_minute: 2, max_concurrency: 50, usd_per_hour: 0.5, usd_per_day: 25, usd_per_month: 0.000001, enforce: stream }
    key_limits: { requests_per_minute: 1 }
    model_limits: { "claude-*": { usd_per_day: 1.25 } }
  beta:
upstreams:
  u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ], max_concurrency: 500, queue: { max_waiting: 0, max_wait: 250ms }, limits: { max_concurrency: 9 } }
  v: { endpoints: [ { url: http://127.0.0.1:1/v1 } ], max_concurrency: { adaptive: { min: 10, max: 500 } } }
models:
  m: { upstream: u, price: { input: 1.25, output: 10, cached_input: 0.125 } }
  free: { upstream: v, price: { input: 0, output: 0 } }
  "claude-*": { upstream: v }
`;

const NONE: LimitsConfig = {
  requestsPerMinute: undefined,
  tokensPerMinute: undefined,
  inputTokensPerMinute: undefined,
  outputTokensPerMinute: undefined,
  maxConcurrency: undefined,
  usdPerHour: undefined,
  usdPerDay: undefined,
  usdPerMonth: undefined,
  enforce: "admission",
};

test("every key of tenants, limits, prices, queue and store is read", () => {
  const config = loaded(WHOLE);
  assert.deepEqual(config.auth, { required: true });
  assert.deepEqual(config.store, { path: "/nowhere/kept", redis: "rediss://user:secret@redis.test:6380/2" });
  assert.deepEqual(config.tenants.get("acme"), {
    name: "acme",
    keyHashes: [DIGEST],
    weight: 1000,
    priority: "batch",
    models: ["m", "claude-*"],
    onDisconnect: "finish",
    limits: {
      requestsPerMinute: 600,
      tokensPerMinute: 200_000,
      inputTokensPerMinute: 1,
      outputTokensPerMinute: 2,
      maxConcurrency: 50,
      usdPerHour: 0.5,
      usdPerDay: 25,
      usdPerMonth: 0.000001,
      enforce: "stream",
    },
    keyLimits: { ...NONE, requestsPerMinute: 1 },
    modelLimits: new Map([["claude-*", { ...NONE, usdPerDay: 1.25 }]]),
  });
  const [u, v] = [config.upstreams.get("u")!, config.upstreams.get("v")!];
  assert.deepEqual(
    [u.maxConcurrency, u.queue, u.limits],
    [500, { maxWaiting: 0, maxWaitMs: 250 }, { ...NONE, maxConcurrency: 9 }],
  );
  assert.deepEqual(
    [v.maxConcurrency, v.queue, v.limits],
    [{ min: 10, max: 500 }, { maxWaiting: 1000, maxWaitMs: 5000 }, undefined],
  );
  assert.deepEqual(config.models.resolve("m")?.price, {
    inputUsdPerMillion: 1.25,
    outputUsdPerMillion: 10,
    cachedInputUsdPerMillion: 0.125,
  });
  assert.equal(config.models.resolve("free")?.price?.outputUsdPerMillion, 0);
  assert.equal(config.models.resolve("claude-x")?.price, undefined);
});

test("a tenant that says nothing may use every model, and has no limits", () => {
  assert.deepEqual(loaded(WHOLE).tenants.get("beta"), {
    name: "beta",
    keyHashes: [],
    weight: 1,
    priority: "interactive",
    models: undefined,
    onDisconnect: "cancel",
    limits: undefined,
    keyLimits: undefined,
    modelLimits: new Map(),
  });
});

test("clients are asked for a key where there are tenants, unless the config says otherwise", () => {
  const required = (more: string): boolean => loaded(LEAST + more).auth.required;
  assert.deepEqual(
    [
      "",
      "tenants: { a: }\n",
      "tenants: { a: }\nauth: { required: false }\n",
      "auth: { required: false }\n",
      "auth:\n",
    ].map(required),
    [false, true, false, false, false],
  );
  assert.equal(loaded(LEAST).store.path, "/nowhere/headwaiter-data");
});

test("where no key is asked for there is a tenant anonymous, as the config describes it", () => {
  assert.deepEqual([...loaded(LEAST).tenants.keys()], ["anonymous"]);
  const open = loaded(`${LEAST}auth: { required: false }\ntenants: { anonymous: { weight: 3 }, a: }\n`);
  assert.deepEqual([[...open.tenants.keys()], open.tenants.get("anonymous")?.weight], [["anonymous", "a"], 3]);
  assert.deepEqual([...loaded(WHOLE).tenants.keys()], ["acme", "beta"]);
});

test("a config arrives in another thread as it was sent", () => {
  const config = loaded(WHOLE);
  const arrived = fromPortable(structuredClone(toPortable(config)));
  assert.deepEqual(arrived, config);
  assert.equal(arrived.models.resolve("m")?.upstream, arrived.upstreams.get("u"));
});

test("the version changes with tenants, prices, caps and the store, and not with a password", () => {
  const versions = [
    WHOLE,
    WHOLE.replace("weight: 1000", "weight: 999"),
    WHOLE.replace(DIGEST.toUpperCase(), "f".repeat(64)),
    WHOLE.replace("usd_per_day: 1.25", "usd_per_day: 1.5"),
    WHOLE.replace("input: 1.25", "input: 1.5"),
    WHOLE.replace("max_concurrency: 500", "max_concurrency: 501"),
    WHOLE.replace("path: kept", "path: elsewhere"),
    WHOLE.replace("redis.test", "other.test"),
    WHOLE.replace("required: true", "required: false"),
  ].map((text) => loaded(text).version);
  assert.equal(new Set(versions).size, versions.length);
  assert.equal(loaded(WHOLE.replace("secret@", "other@")).version, versions[0]);
  const [first, second] = ["a: { weight: 2 }", "b:"];
  assert.equal(
    loaded(`${LEAST}tenants: { ${first}, ${second} }`).version,
    loaded(`${LEAST}tenants: { ${second}, ${first} }`).version,
  );
});

test("what is wrong with tenants is told where it stands", () => {
  const text = `
auth: { required: yes }
store: { path: "", redis: http://h }
tenants:
  a:
    keys: [ hw_secret, "sha256:${DIGEST}", "sha256:${DIGEST.toUpperCase()}" ]
    weight: 0
    priority: urgent
    models: [ n, "z-*", "m*m*" ]
    on_disconnect: wait
    limits: { requests_per_minute: 0, usd_per_day: 0.0000001, max_concurency: 1, enforce: never }
    model_limits: { mm: { requests_per_minute: 1 } }
  "b c": {}
upstreams: { u: { endpoints: [ { url: http://h } ], max_concurrency: many, queue: { max_wait: 5 } }, w: { endpoints: [ { url: http://h } ], max_concurrency: { adaptive: { min: 5, max: 4 } } } }
models: { m: { upstream: u, price: { input: -1 } } }
`;
  assert.deepEqual(faultsOf(text), [
    "2:19: auth.required: write `true` or `false`",
    "3:16: store.path: write a directory of 1 to 4096 characters",
    "3:27: store.redis: write a URL such as redis://127.0.0.1:6379, or rediss:// for TLS",
    "6:13: tenants.a.keys[0]: write `sha256:` and the 64 hex digits of the key's SHA-256, as `printf %s KEY | sha256sum` gives them",
    "6:99: this key is there twice",
    "7:13: tenants.a.weight: write a whole number from 1 to 1000, such as 1",
    "8:15: tenants.a.priority: write one of `interactive`, `batch`",
    "9:15: matches none of `models`",
    "9:18: matches none of `models`",
    "9:25: tenants.a.models[2]: a pattern may hold only one `*`",
    "10:20: tenants.a.on_disconnect: write one of `cancel`, `finish`",
    "11:36: tenants.a.limits.requests_per_minute: write a whole number from 1 to 1000000000000, such as 600",
    "11:52: tenants.a.limits.usd_per_day: write a number from 0.000001 to 1000000000, such as 25",
    "11:63: unknown key `max_concurency` in tenants.a.limits; did you mean `max_concurrency`?",
    "11:91: tenants.a.limits.enforce: write one of `admission`, `stream`",
    "12:21: is not one of `models`, by its name there",
    "13:3: a tenant's name has 1 to 64 letters, digits, `_`, `.` and `-`, a letter or digit first",
    "14:70: upstreams.u.max_concurrency: write a whole number from 1 to 1000000, such as 50",
    "14:95: upstreams.u.queue.max_wait: write a duration from 1ms to 1h, such as 5s",
    "14:177: `min` is greater than `max`",
    "15:29: models.m.price.output: is missing; write a number from 0 to 1000000, such as 1.25",
    "15:45: models.m.price.input: write a number from 0 to 1000000, such as 1.25",
  ]);
});

test("a key that is asked for and that nobody can have is a fault", () => {
  assert.deepEqual(faultsOf(`${LEAST}auth: { required: true }\n`), [
    "3:19: asks clients for a key, but there are no `tenants` that one could belong to",
  ]);
  assert.deepEqual(faultsOf(`${LEAST}tenants: {}\n`), [
    "3:10: tenants: write a map with at least one tenant, or leave `tenants` out",
  ]);
});

test("no fault of a Redis URL or a key repeats it", () => {
  for (const text of [
    "store: { redis: 'redis://:SECRET@h/x' }",
    "store: { redis: 'SECRET' }",
    "tenants: { a: { keys: [ SECRET ] } }",
  ]) {
    const faults = faultsOf(`${LEAST}${text}\n`);
    assert.equal(faults.length, 1, text);
    assert.ok(!faults[0]!.includes("SECRET"), faults[0]);
  }
});
