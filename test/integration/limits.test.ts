/** What a client sees of its tenant's limits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { RateLimitError } from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import { startSimInThread } from "../../src/sim/in-thread.ts";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEYS = ["key-one", "key-two"] as const;
const CHAT = "/v1/chat/completions";

const config = (url: string, limits: string, more = ""): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  up: { endpoints: [ { url: ${url}/v1 } ] }
models:
  house: { upstream: up, price: { input: 1, output: 10 } }
  other: { upstream: up, price: { input: 1, output: 10 } }
tenants:
  acme: { keys: [ ${KEYS.map((key) => `"sha256:${keyDigest(key)}"`).join(", ")} ], ${limits} }
${more}`;

const usage = (input: number, output: number): string =>
  JSON.stringify({
    choices: [],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  });

/** An upstream that reports this usage. */
const using = (input: number, output: number): Promise<ScriptedUpstream> =>
  startScripted(({ socket }) => void socket.write(response(200, usage(input, output))));

function ask(url: string, more: Record<string, unknown> = {}, key: string = KEYS[0]): Promise<Response> {
  return post(url + CHAT, chat({ model: "house", ...more }), { headers: { authorization: `Bearer ${key}` } });
}

test("past its requests per minute a tenant gets 429 that says which limit, whose, how much is left and when", async () => {
  await using upstream = await using(1, 1);
  await using gateway = await startGateway(config(upstream.url, "limits: { requests_per_minute: 3 }"));
  for (let left = 2; left >= 0; left--) {
    const answer = await ask(gateway.url);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-ratelimit-limit-requests"), "3");
    assert.equal(answer.headers.get("x-ratelimit-remaining-requests"), String(left));
    assert.match(answer.headers.get("x-ratelimit-reset-requests")!, /^(?:\d+m\d+s|\d+s|\d+ms)$/);
  }
  const refused = await ask(gateway.url);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("x-headwaiter-error"), "rate_limited");
  const after = Number(refused.headers.get("retry-after"));
  assert.ok(after >= 59 && after <= 77, String(after));
  const { error } = (await refused.json()) as { error: { message: string } };
  assert.match(error.message, /Tenant acme has 3 requests per minute; 0 of it are left/);
  assert.equal(upstream.requests.length, 3);
});

test("what a request did not use is given back at its end, and a refused one uses nothing", async () => {
  await using upstream = await using(10, 5);
  await using gateway = await startGateway(config(upstream.url, "limits: { tokens_per_minute: 1000 }"));
  // 500 of output and as many bytes as it has are reserved, 15 are used.
  for (let used = 15; used <= 90; used += 15) {
    const answer = await ask(gateway.url, { max_tokens: 500 });
    assert.equal(answer.status, 200);
    await answer.text();
    await waitUntil(() => gateway.loop.calls === 0);
    const refused = await ask(gateway.url, { max_tokens: 2000 });
    assert.equal(refused.status, 429);
    assert.match(await refused.text(), /this request alone may need/);
    assert.equal(refused.headers.get("x-should-retry"), "false");
    assert.equal(refused.headers.get("x-ratelimit-remaining-tokens"), String(1000 - used));
  }
});

test("money runs out by the tokens' price, and the refusal says so", async () => {
  await using upstream = await using(100, 100);
  // 100 of input and 100 of output cost 1,100 micro-dollars.
  await using gateway = await startGateway(config(upstream.url, "limits: { usd_per_day: 0.003 }"));
  const statuses: number[] = [];
  let last: Response | null = null;
  for (let i = 0; i < 3; i++) {
    last = await ask(gateway.url, { max_tokens: 100 });
    statuses.push(last.status);
    await waitUntil(() => gateway.loop.calls === 0);
  }
  assert.deepEqual(statuses, [200, 200, 429]);
  assert.equal(last!.headers.get("x-headwaiter-error"), "budget_exhausted");
  assert.match(await last!.text(), /Tenant acme has 0\.003 US dollars in 24 hours; 0\.0008 of it are left/);
});

test("two hundred requests at once get no more than a budget of one", async () => {
  await using upstream = await using(1, 1);
  await using gateway = await startGateway(config(upstream.url, "limits: { requests_per_minute: 1 }"));
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(gateway.url)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  assert.equal(upstream.requests.length, 1);
});

test("requests at a time are counted to the end of the body, whatever ends it", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(config(upstream.url, "limits: { max_concurrency: 2 }"));
  for (let round = 0; round < 3; round++) {
    const leaving = new AbortController();
    const held = Array.from({ length: 2 }, () =>
      post(gateway.url + CHAT, chat({ model: "house" }), {
        headers: { authorization: `Bearer ${KEYS[0]}` },
        signal: leaving.signal,
      }).catch(() => {}),
    );
    await waitUntil(() => upstream.requests.length === 2 * (round + 1));
    const refused = await ask(gateway.url);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("x-headwaiter-error"), "concurrency_limited");
    leaving.abort();
    await Promise.all(held);
    await waitUntil(() => gateway.loop.calls === 0);
  }
});

test("a key's limits are its own, a model's those of the tenant's use of it, an upstream's everybody's", async () => {
  await using upstream = await using(1, 1);
  const one = "{ requests_per_minute: 1 }";
  {
    await using gateway = await startGateway(config(upstream.url, `key_limits: ${one}`));
    const statuses = [await ask(gateway.url), await ask(gateway.url), await ask(gateway.url, {}, KEYS[1])];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 429, 200],
    );
    assert.match(await statuses[1]!.text(), /Key sha256-[0-9a-f]{12} has 1 requests per minute/);
  }
  {
    await using gateway = await startGateway(config(upstream.url, `model_limits: { house: ${one} }`));
    const statuses = [await ask(gateway.url), await ask(gateway.url), await ask(gateway.url, { model: "other" })];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 429, 200],
    );
  }
  {
    const yaml = config(upstream.url, "weight: 1").replace("/v1 } ] }", `/v1 } ], limits: ${one} }`);
    await using gateway = await startGateway(yaml);
    const statuses = [await ask(gateway.url), await ask(gateway.url, { model: "other" }, KEYS[1])];
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 429],
    );
    assert.equal(statuses[0]!.headers.get("x-ratelimit-limit-requests"), null);
  }
});

test("a stream that has used up its tokens is ended as one that reached its length, where the limit says so", async (t) => {
  const sim = await startSimInThread();
  t.after(() => sim.close());
  const limits = "limits: { output_tokens_per_minute: 60, enforce: stream }";
  await using gateway = await startGateway(config(sim.url.origin, limits));
  const openai = new OpenAI({ apiKey: KEYS[0], baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const stream = await openai.chat.completions.create({
    model: "house",
    stream: true,
    max_tokens: 20,
    // So slow that a machine which others keep busy does not bring many of them in one read.
    messages: [{ role: "user", content: "sim:t1:g15:n500" }],
  });
  let tokens = 0;
  let reason: string | null | undefined;
  for await (const { choices } of stream) {
    if ((choices[0]?.delta.content ?? "") !== "") tokens++;
    reason = choices[0]?.finish_reason ?? reason;
  }
  assert.equal(reason, "length");
  assert.ok(tokens >= 60 && tokens <= 75, String(tokens));
  const line = await gateway.access();
  assert.partialDeepStrictEqual(line, { outcome: "limited", code: "limit_reached", status: 200 });
  assert.match(line.detail!, /output tokens per minute/);
});

test("without enforce: stream a request that was let in runs to its end", async (t) => {
  const sim = await startSimInThread();
  t.after(() => sim.close());
  await using gateway = await startGateway(config(sim.url.origin, "limits: { output_tokens_per_minute: 60 }"));
  const answer = await ask(gateway.url, { stream: true, max_tokens: 20, user: "sim:t1:g1:n200" });
  assert.ok((await answer.text()).endsWith("data: [DONE]\n\n"));
  assert.partialDeepStrictEqual(await gateway.access(), { outcome: "completed", tokensOut: 200 });
  // It counts all the same.
  const next = await ask(gateway.url, { max_tokens: 1 });
  assert.equal(next.headers.get("x-ratelimit-remaining-tokens"), null);
  assert.equal(next.status, 429);
});

test("Anthropic's SDK sees its own names of the limits, and its own error", async () => {
  await using upstream = await startScripted(
    ({ socket }) =>
      void socket.write(response(200, '{"type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":1}}')),
  );
  const yaml = config(upstream.url, "limits: { requests_per_minute: 1 }").replace("up: {", "up: { dialect: anthropic,");
  await using gateway = await startGateway(yaml);
  const client = new Anthropic({ apiKey: KEYS[0], baseURL: gateway.url, maxRetries: 0 });
  const create = client.messages.create.bind(client.messages);
  const body = { model: "house", max_tokens: 1, messages: [{ role: "user" as const, content: "x" }] };
  const { response: answer } = await create(body).withResponse();
  assert.equal(answer.headers.get("anthropic-ratelimit-requests-limit"), "1");
  assert.match(answer.headers.get("anthropic-ratelimit-requests-reset")!, /^\d{4}-.*Z$/);
  await assert.rejects(create(body), RateLimitError);
});

test("what we answer ourselves counts as a request, and what no model answers costs nothing", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, '{"id":"r"}')));
  const yaml = config(upstream.url, "limits: { requests_per_minute: 2, usd_per_day: 1 }").replace(
    "up: {",
    "up: { responses: native,",
  );
  await using gateway = await startGateway(yaml);
  const headers = { "x-api-key": KEYS[0] };
  const count = JSON.stringify({ model: "house", messages: [{ role: "user", content: "hello" }] });
  const counted = await post(`${gateway.url}/v1/messages/count_tokens`, count, { headers });
  assert.equal(counted.headers.get("x-headwaiter-counted"), "o200k_base");
  assert.equal((await fetch(`${gateway.url}/v1/responses/r`, { headers })).status, 200);
  assert.equal((await fetch(`${gateway.url}/v1/responses/r`, { headers })).status, 429);
});

test("nothing stays reserved, whatever fails", async () => {
  const ways: ((request: ReceivedRequest) => void)[] = [
    ({ socket }) => void socket.destroy(),
    ({ socket }) => void socket.write(response(500, "{}")),
    ({ socket }) => void socket.write("garbage\r\n\r\n"),
    ({ socket }) => void socket.write(response(200, "<html>")),
    ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"),
  ];
  let way = ways[0]!;
  await using upstream = await startScripted((request) => way(request));
  const limits = "limits: { tokens_per_minute: 10000, usd_per_hour: 1, max_concurrency: 5 }";
  await using gateway = await startGateway(config(upstream.url, limits));
  for (const next of ways) {
    way = next;
    await (await ask(gateway.url, { max_tokens: 9000 })).text();
    await waitUntil(() => gateway.loop.calls === 0);
  }
  way = ({ socket }) => void socket.write(response(200, usage(1, 1)));
  const last = await ask(gateway.url, { max_tokens: 9000 });
  assert.equal(last.status, 200);
  await last.text();
  await waitUntil(() => gateway.loop.calls === 0);
  const { limiter, plan } = gateway.loop.limits;
  const tenant = gateway.loop.runtime.snapshot.tenants.get("acme")!;
  const standing = plan
    .limitsFor({ tenant, keyId: undefined, model: "house", upstream: "up" })
    .limits.map(({ account, measure }) => [measure, limiter.peek(account, monotonicMs()).remaining]);
  assert.deepEqual(Object.fromEntries(standing)["tokens"], 9998);
  assert.deepEqual(Object.fromEntries(standing)["concurrency"], 5);
  assert.deepEqual(Object.fromEntries(standing)["usd"], 1_000_000 - 11);
});
