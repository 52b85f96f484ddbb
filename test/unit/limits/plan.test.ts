import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigSnapshot } from "../../../src/config/snapshot.ts";
import type { AccountDefinition } from "../../../src/limits/accounts.ts";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import type { Shortage } from "../../../src/limits/limiter.ts";
import { accountDefinitions, slotsAccount, upstreamOfSlots } from "../../../src/limits/owners.ts";
import { LimitPlan, RequestLimits } from "../../../src/limits/plan.ts";
import type { LimitedRequest } from "../../../src/limits/plan.ts";
import { busyRefusal, limitRefusal } from "../../../src/limits/refusal.ts";
import { standingHeaders } from "../../../src/limits/standing-headers.ts";
import { loaded } from "../config/config-text.ts";
import { reserved } from "./ledger-parts.ts";

const CONFIG = `
upstreams:
  gpus:
    dialect: openai
    endpoints: [ { url: http://127.0.0.1:1/v1 } ]
    limits: { requests_per_minute: 100, enforce: stream }
tenants:
  acme:
    models: [ house ]
    limits: { requests_per_minute: 6, tokens_per_minute: 20000, max_concurrency: 5, usd_per_day: 0.25, enforce: stream }
    key_limits: { output_tokens_per_minute: 5000 }
    model_limits: { house: { usd_per_hour: 0.125, input_tokens_per_minute: 10000 } }
  free: {}
models:
  house: { upstream: gpus, model: llama, price: { input: 1.5, output: 10, cached_input: 0.1 } }
  "other-*": { upstream: gpus }
`;

const KEYS = [
  { tenant: "acme", keyId: "k1" },
  { tenant: "free", keyId: "k2" },
  { tenant: "gone", keyId: "k3" },
];

interface Scene {
  readonly config: ConfigSnapshot;
  readonly ledger: Ledger;
  readonly plan: LimitPlan;
  readonly request: LimitedRequest;
}

function sceneOf(text = CONFIG): Scene {
  const config = loaded(text);
  const keeper = new LedgerKeeper({ rows: 1, accounts: 32 });
  const accounts = keeper.define(accountDefinitions(config, KEYS));
  const tenant = config.tenants.get("acme")!;
  return {
    config,
    ledger: Ledger.attach(keeper.buffer, keeper.claimRow()),
    plan: new LimitPlan(config, accounts),
    request: { tenant, keyId: "k1", model: "house", upstream: "gpus" },
  };
}

test("every limit of the config has an account, by whose it is and what it counts; money in micro-dollars", () => {
  const definitions = [...accountDefinitions(loaded(CONFIG), KEYS)];
  assert.deepEqual(
    definitions.map(({ name, group, kind, limit, windowMs }) => [name, group, kind, limit, windowMs]),
    [
      ["tenant:acme usd/1d", "tenant:acme", "budget", 250_000, 86_400_000],
      ["tenant:acme tokens/1m", "tenant:acme", "rate", 20_000, 60_000],
      ["tenant:acme requests/1m", "tenant:acme", "rate", 6, 60_000],
      ["tenant:acme concurrency", "tenant:acme", "gauge", 5, 0],
      ["tenant:acme model:house usd/1h", "tenant:acme", "budget", 125_000, 3_600_000],
      ["tenant:acme model:house input_tokens/1m", "tenant:acme", "rate", 10_000, 60_000],
      ["key:k1 output_tokens/1m", "tenant:acme", "rate", 5000, 60_000],
      ["upstream:gpus requests/1m", "upstream:gpus", "rate", 100, 60_000],
    ],
  );
  assert.ok(definitions.every(({ isShared }) => !isShared));
  const redis = `store: { redis: redis://127.0.0.1:1 }\n${CONFIG}`;
  assert.ok([...accountDefinitions(loaded(redis), KEYS)].every(({ isShared }) => isShared));
});

test("the cap of an upstream has an account where several processes share it, and no request is charged in it", () => {
  const capped = CONFIG.replace("    limits:", "    max_concurrency: { adaptive: { min: 2, max: 40 } }\n    limits:");
  const ofSlots = (text: string): AccountDefinition[] =>
    [...accountDefinitions(loaded(text), KEYS)].filter((definition) => upstreamOfSlots(definition) !== undefined);
  assert.deepEqual(ofSlots(capped), []);
  const redis = "store: { redis: redis://127.0.0.1:1 }\n";
  const name = slotsAccount("gpus");
  assert.deepEqual(ofSlots(redis + capped), [
    { name, group: "upstream:gpus", kind: "gauge", limit: 40, windowMs: 0, isShared: true },
  ]);
  assert.equal(name, "upstream:gpus slots");
  assert.equal(ofSlots(redis + capped.replace("{ adaptive: { min: 2, max: 40 } }", "7"))[0]!.limit, 7);
  assert.equal(upstreamOfSlots({ name, group: "upstream:gpus" }), "gpus");
  const charged = (text: string): number => sceneOf(text).plan.limitsFor(sceneOf(text).request).limits.length;
  assert.equal(charged(redis + capped), charged(redis + CONFIG));
});

test("a request is charged in all accounts of its tenant, model, key and upstream, and settled in the same order", () => {
  const { plan, request, config } = sceneOf();
  const limits = plan.limitsFor(request);
  const { price } = config.models.resolve("house")!;
  const use = { inputTokens: 1000, outputTokens: 200.5 };
  assert.deepEqual(
    limits.charges(use, price).map(({ account, amount }) => [limits.limitOf(account)!.owner.kind, amount]),
    [
      ["tenant", 1500 + 2005],
      ["tenant", 1201],
      ["tenant", 1],
      ["tenant", 1],
      ["model", 3505],
      ["model", 1000],
      ["key", 201],
      ["upstream", 1],
    ],
  );
  const cached = { inputTokens: 1000, cachedInputTokens: 400, outputTokens: 0 };
  assert.deepEqual(limits.used(cached, price).slice(0, 2), [600 * 1.5 + 400 * 0.1, 1000]);
  assert.equal(limits.used({ ...cached, cachedInputTokens: 5000 }, price)[0], 100);
  assert.equal(limits.charges({ inputTokens: 3, outputTokens: 0 }, price)[0]!.amount, 5);
  assert.throws(() => limits.charges(use, undefined), /no price/);
  // Those that end streams, as far as they count what a stream brings.
  assert.deepEqual(limits.more(use, { ...use, outputTokens: 300.5 }, price), [1000, 100, 0, 0, 0, 0, 0, 0]);
});

test("limits are asked of those alone whom they concern", () => {
  const { plan, request, config } = sceneOf();
  const kinds = (change: Partial<LimitedRequest>): string[] => [
    ...new Set(plan.limitsFor({ ...request, ...change }).limits.map(({ owner }) => owner.kind)),
  ];
  assert.deepEqual(kinds({}), ["tenant", "model", "key", "upstream"]);
  assert.deepEqual(kinds({ model: "other-*" }), ["tenant", "key", "upstream"]);
  assert.deepEqual(kinds({ keyId: undefined, upstream: undefined }), ["tenant", "model"]);
  assert.deepEqual(kinds({ tenant: config.tenants.get("free")!, keyId: "k2" }), ["upstream"]);
  assert.deepEqual(plan.limitsFor(request), plan.limitsFor(request));
});

test("a key whose limits have no account is not let in as if it had no limits", () => {
  const { plan, request } = sceneOf();
  assert.deepEqual([plan.knows(request), plan.knows({ ...request, keyId: "new" })], [true, false]);
  assert.throws(() => plan.limitsFor({ ...request, keyId: "new" }), /no account key:new output_tokens\/1m/);
  plan.add(new Map([["key:new output_tokens/1m", 7]]));
  assert.ok(plan.limitsFor({ ...request, keyId: "new" }).limitOf(7) !== undefined);
  assert.throws(() => new LimitPlan(loaded(CONFIG), new Map()), RangeError);
});

test("a refusal says which limit, whose, how much is left and when to come back", () => {
  const { plan, request, ledger, config } = sceneOf();
  const limits = plan.limitsFor(request);
  const { price } = config.models.resolve("house")!;
  const use = { inputTokens: 4000, outputTokens: 100 };
  const refusalOf = (nowMs: number, wanted = use): ReturnType<typeof limitRefusal> => {
    const shortage = ledger.reserve(limits.charges(wanted, price), nowMs) as Shortage;
    return limitRefusal(shortage, limits.limitOf(shortage.account)!, 0.5);
  };
  for (const nowMs of [0, 5000]) reserved(ledger.reserve(limits.charges(use, price), nowMs)).settle([], nowMs);

  const tokens = refusalOf(20_000);
  assert.equal(tokens.code, "rate_limited");
  assert.equal(
    tokens.message,
    "Tenant acme for model house has 10,000 input tokens per minute; 2,000 of it are left, and this request may need 4,000. " +
      "Try again in 41 s.",
  );
  assert.equal(tokens.retryAfterMs, 41_000 * 1.125);

  const tooMuch = refusalOf(20_000, { inputTokens: 100, outputTokens: 20_000 });
  assert.equal(tooMuch.code, "rate_limited");
  assert.match(tooMuch.message, /has 20,000 tokens per minute, and this request alone may need 20,100\. Ask for less/);

  // In micro-dollars, where it is so little.
  for (let i = 2; i < 17; i++) reserved(ledger.reserve(limits.charges(use, price), 70_000 * i)).settle([], 70_000 * i);
  const usd = refusalOf(70_000 * 18);
  assert.equal(usd.code, "budget_exhausted");
  assert.match(
    usd.message,
    /^Tenant acme for model house has 0\.125 US dollars per hour; 0\.006 of it are left, and this request may need 0\.007\. Try again in \d+ min\.$/,
  );
  const concurrency = { ...limits.limits[3]! };
  const full = { kind: "shortage", account: 3, asked: 1, limit: 5, remaining: 0, freeInMs: null } as const;
  const busy = limitRefusal(full, concurrency, 0);
  assert.deepEqual([busy.code, busy.retryAfterMs], ["concurrency_limited", 1000]);
  assert.match(busy.message, /^Tenant acme has 5 requests at a time, and 0 free\./);
  const hours = limitRefusal({ ...full, asked: 0, limit: 9, freeInMs: 7_300_000 }, limits.limits[0]!, 1);
  assert.equal(hours.retryAfterMs, 3_600_000 * 1.25);
  assert.equal(busyRefusal({ kind: "busy" }, 1).retryAfterMs, 1250);
});

test("whose key or upstream it is stands in the refusal", () => {
  const { plan, request } = sceneOf();
  const { limits } = plan.limitsFor(request);
  const shortage = { kind: "shortage", account: 0, asked: 2, limit: 5, remaining: 1, freeInMs: 90_000 } as const;
  const texts = limits.map((limit) => limitRefusal(shortage, limit, 0).message);
  assert.match(texts[6]!, /^Key k1 has 5 output tokens per minute; 1 of it are left.* in 90 s\.$/);
  assert.match(texts[7]!, /^Upstream gpus has 5 requests per minute/);
  assert.match(limitRefusal({ ...shortage, freeInMs: 200_000 }, limits[6]!, 0).message, /in 4 min\.$/);
});

test("of several limits on the same the one with the smallest share left is told", () => {
  const standings = [
    { limit: 1000, remaining: 600, resetInMs: 1000 },
    { limit: 10, remaining: 5, resetInMs: 20 },
    { limit: 10_000, remaining: 9000, resetInMs: 0 },
  ];
  const limits = standings.map((_, account) => {
    const owner = { kind: "key", tenant: "acme", keyId: "k" } as const;
    return { account, owner, measure: "requests", unit: "", endsStreams: false } as const;
  });
  const request = new RequestLimits(limits);
  const headers = standingHeaders(
    request,
    { peek: (account) => standings[account]! },
    { dialect: "openai", nowMs: 0, wallMs: 0 },
  );
  assert.deepEqual([headers[1], headers[3], headers[5]], ["10", "5", "20ms"]);
});

test("answers say how the tightest of the caller's limits stands, in the names of the API", () => {
  const { plan, request, ledger, config } = sceneOf();
  const limits = plan.limitsFor(request);
  const { price } = config.models.resolve("house")!;
  reserved(ledger.reserve(limits.charges({ inputTokens: 1000, outputTokens: 100 }, price), 0));
  const moment = { nowMs: 500, wallMs: Date.UTC(2026, 0, 2, 3, 4, 5, 600) };
  assert.deepEqual(standingHeaders(limits, ledger, { dialect: "openai", ...moment }), [
    "x-ratelimit-limit-requests",
    "6",
    "x-ratelimit-remaining-requests",
    "5",
    "x-ratelimit-reset-requests",
    "1m1s",
    "x-ratelimit-limit-tokens",
    "20000",
    "x-ratelimit-remaining-tokens",
    "18900",
    "x-ratelimit-reset-tokens",
    "1m1s",
  ]);
  const anthropic = standingHeaders(limits, ledger, { dialect: "anthropic", ...moment });
  assert.equal(anthropic.length, 4 * 6);
  assert.deepEqual(anthropic.slice(-6), [
    "anthropic-ratelimit-output-tokens-limit",
    "5000",
    "anthropic-ratelimit-output-tokens-remaining",
    "4900",
    "anthropic-ratelimit-output-tokens-reset",
    "2026-01-02T03:05:07Z",
  ]);
  const shorter = standingHeaders(limits, ledger, { dialect: "gemini", ...moment, nowMs: 60_600 });
  assert.equal(shorter[5], "400ms");
  assert.equal(standingHeaders(limits, ledger, { dialect: "openai", ...moment, nowMs: 59_000 })[5], "2s");
  const none = plan.limitsFor({ ...request, tenant: config.tenants.get("free")!, keyId: undefined });
  assert.deepEqual(standingHeaders(none, ledger, { dialect: "openai", ...moment }), []);
});
