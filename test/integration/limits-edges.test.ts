/** Ways around a limit, and moments at which a limit goes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { monotonicMs } from "../../src/core/monotonic-clock.ts";
import type { Measure } from "../../src/limits/measures.ts";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { STREAM_HEAD, chunk, response, startScripted, tokenEvent } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEY = "key-one";
const AUTHORIZED = { headers: { authorization: `Bearer ${KEY}` } };

const config = (url: string, tenant: string, upstream = ""): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  up: { endpoints: [ { url: ${url}/v1 } ], ${upstream} }
models:
  house: { upstream: up, price: { input: 1, output: 10 } }
tenants:
  acme: { keys: [ "sha256:${keyDigest(KEY)}" ], ${tenant} }
`;

/** How much of the tenant's limit counts as used now. */
function used(gateway: TestGateway, measure: Measure): number {
  const { limiter, plan } = gateway.loop.limits;
  const tenant = gateway.loop.runtime.snapshot.tenants.get("acme")!;
  const { limits } = plan.limitsFor({ tenant, keyId: undefined, model: "house", upstream: "up" });
  const { limit, remaining } = limiter.peek(limits.find((one) => one.measure === measure)!.account, monotonicMs());
  return limit - remaining;
}

/** What a request has reserved once it is upstream. Its client then leaves. */
async function reservedBy(
  gateway: TestGateway,
  { requests }: ScriptedUpstream,
  { measure, path, body }: { measure: Measure; path: string; body: string },
): Promise<number> {
  const before = requests.length;
  const leaving = new AbortController();
  const left = assert.rejects(post(gateway.url + path, body, { ...AUTHORIZED, signal: leaving.signal }));
  await waitUntil(() => requests.length > before);
  const reserved = used(gateway, measure);
  leaving.abort();
  await left;
  await waitUntil(() => gateway.loop.calls === 0);
  return reserved;
}

test("a request that is too large to be translated on the loop reserves its input like any other", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(config(upstream.url, "limits: { tokens_per_minute: 1000000 }"));
  const content = "hello world ".repeat(30_000);
  const body = JSON.stringify({ model: "house", max_tokens: 1, messages: [{ role: "user", content }] });
  assert.ok(body.length > 256 * 1024);
  const reserved = await reservedBy(gateway, upstream, { measure: "tokens", path: "/v1/messages", body });
  // By its size, where the count took too long.
  assert.ok((reserved > 60_000 && reserved < 70_000) || reserved > body.length, String(reserved));
});

test("several answers reserve the output of several, and a bound of 0 is none to Gemini", async () => {
  await using upstream = await startScripted(() => {});
  const limits = "limits: { output_tokens_per_minute: 1000000 }";
  {
    await using gateway = await startGateway(config(upstream.url, limits));
    const ask = (n: number): Promise<number> =>
      reservedBy(gateway, upstream, {
        measure: "outputTokens",
        path: "/v1/chat/completions",
        body: chat({ model: "house", n }),
      });
    const one = await ask(1);
    assert.ok(one > 0);
    assert.equal(await ask(3), 3 * one);
  }
  await using gateway = await startGateway(config(upstream.url, limits, "dialect: gemini"));
  const body = JSON.stringify({ contents: [], generationConfig: { maxOutputTokens: 0 } });
  const path = "/v1beta/models/house:generateContent";
  assert.ok((await reservedBy(gateway, upstream, { measure: "outputTokens", path, body })) > 0);
});

test("a count of tokens uses no tokens, whoever counts", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, '{"input_tokens":5}')));
  for (const dialect of ["anthropic", "openai"]) {
    const limits = "limits: { tokens_per_minute: 1000, requests_per_minute: 9 }";
    await using gateway = await startGateway(config(upstream.url, limits, `dialect: ${dialect}`));
    const answer = await post(`${gateway.url}/v1/messages/count_tokens`, chat({ model: "house" }), AUTHORIZED);
    assert.equal(answer.status, 200);
    await answer.text();
    await waitUntil(() => gateway.loop.calls === 0);
    assert.deepEqual([used(gateway, "tokens"), used(gateway, "requests")], [0, 1]);
  }
});

for (const [what, change, status] of [
  ["its key is taken away", [keyDigest(KEY), keyDigest("other")], 401],
  ["its tenant is taken away", ["acme:", "globex:"], 401],
  ["its key's limits are", ["key_limits: { requests_per_minute: 5 }", "weight: 1"], 200],
] as const) {
  test(`a request of which a part has come when ${what}: ${status}`, async () => {
    await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
    const yaml = config(upstream.url, "key_limits: { requests_per_minute: 5 }");
    await using gateway = await startGateway(yaml);
    const socket = net.connect(gateway.port, "127.0.0.1");
    const body = chat({ model: "house" });
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
    await waitUntil(() => gateway.loop.calls === 1);
    gateway.reload(yaml.replace(change[0], change[1]));
    socket.write(body.slice(5));
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    assert.equal(answer.toString("latin1").slice(9, 12), String(status));
  });
}

test("who waits while a reload moves the upstream goes where it is now", async () => {
  await using upstream = await startScripted(() => {});
  await using other = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  const yaml = config(upstream.url, "weight: 1", "max_concurrency: 1");
  await using gateway = await startGateway(yaml);
  const ask = (): Promise<Response> => post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), AUTHORIZED);
  const first = ask();
  await waitUntil(() => upstream.requests.length === 1);
  const second = ask();
  await waitUntil(() => gateway.loop.calls === 2);
  gateway.reload(yaml.replace(upstream.url, other.url));
  upstream.requests[0]!.socket.write(response(200, "{}"));
  assert.deepEqual([(await first).status, (await second).status, other.requests.length], [200, 200, 1]);
});

test("what a stored response has used is billed when it is made, and not each time that it is read", async () => {
  const body = '{"id":"resp_1","usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}';
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, body)));
  const limits = "limits: { tokens_per_minute: 10000, usd_per_day: 1 }";
  await using gateway = await startGateway(config(upstream.url, limits, "responses: native"));
  await (await post(`${gateway.url}/v1/responses`, '{"model":"house","input":"hi"}', AUTHORIZED)).text();
  for (let read = 0; read < 3; read++) {
    const answer = await fetch(`${gateway.url}/v1/responses/resp_1`, AUTHORIZED);
    assert.equal(answer.status, 200);
    await answer.text();
  }
  await waitUntil(() => gateway.loop.calls === 0);
  assert.deepEqual([used(gateway, "tokens"), used(gateway, "usd")], [12, 75]);
});

for (const [what, answer, output] of [
  ["a short answer", '{"choices":[{"message":{"content":"yes"}}]}', 43],
  ["a long one", JSON.stringify({ choices: [{ message: { content: "x".repeat(9000) } }] }), 3000],
  ["one that is not made yet", '{"id":"resp_1","status":"queued","usage":null}', 3000],
] as const) {
  test(`${what} whose usage nobody says uses no more than was reserved, and not nothing`, async () => {
    await using upstream = await startScripted(({ socket }) => void socket.write(response(200, answer)));
    await using gateway = await startGateway(config(upstream.url, "limits: { output_tokens_per_minute: 10000 }"));
    const body = chat({ model: "house", max_tokens: 3000 });
    await (await post(`${gateway.url}/v1/chat/completions`, body, AUTHORIZED)).text();
    await waitUntil(() => gateway.loop.calls === 0);
    assert.equal(used(gateway, "outputTokens"), output);
  });
}

const ELEMENT = (tokens: number): string =>
  JSON.stringify({
    candidates: [{ content: { parts: [{ text: "a" }] } }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: tokens, promptTokensDetails: [{ tokenCount: 5 }] },
  });
const ARRAY_HEAD = STREAM_HEAD.replace("text/event-stream", "application/json");
const ARRAY_PATH = "/v1beta/models/house:streamGenerateContent";

test("a client that leaves a stream in the form of an array has used what had passed", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(ARRAY_HEAD + chunk(`[${ELEMENT(10)},\r\n${ELEMENT(500)}`).toString());
  });
  const limits = "limits: { output_tokens_per_minute: 10000 }";
  await using gateway = await startGateway(config(upstream.url, limits, "dialect: gemini"));
  const leaving = new AbortController();
  const answer = await post(gateway.url + ARRAY_PATH, '{"contents":[]}', { ...AUTHORIZED, signal: leaving.signal });
  await answer.body!.getReader().read();
  leaving.abort();
  assert.partialDeepStrictEqual(await gateway.access(), { outcome: "client_gone", tokensIn: 5, tokensOut: 500 });
  assert.equal(used(gateway, "outputTokens"), 500);
});

test("a stream in the form of an array is ended like any other where its limit says so", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(ARRAY_HEAD + chunk("[").toString());
    for (let i = 0; i < 100; i++) socket.write(chunk(`${i === 0 ? "" : ",\r\n"}${ELEMENT(i)}`));
  });
  const limits = "limits: { output_tokens_per_minute: 20, enforce: stream }";
  await using gateway = await startGateway(config(upstream.url, limits, "dialect: gemini"));
  const body = '{"contents":[],"generationConfig":{"maxOutputTokens":20}}';
  const answer = await post(gateway.url + ARRAY_PATH, body, AUTHORIZED);
  const elements = (await answer.json()) as { candidates: { finishReason?: string }[] }[];
  assert.equal(elements.at(-1)!.candidates[0]!.finishReason, "MAX_TOKENS");
  assert.partialDeepStrictEqual(await gateway.access(), { outcome: "limited", code: "limit_reached" });
});

for (const [front, path] of [
  ["its own", "/v1beta/models/house:streamGenerateContent?alt=sse"],
  ["another", "/v1/chat/completions"],
]) {
  test(`a stream of Gemini's is ended by the tokens that it reports, not by its events: to ${front} SDK`, async () => {
    await using upstream = await startScripted(({ socket }) => {
      socket.write(STREAM_HEAD);
      for (let i = 1; i <= 5; i++) socket.write(chunk(`data: ${ELEMENT(100 * i)}\r\n\r\n`));
    });
    const limits = "limits: { output_tokens_per_minute: 200, enforce: stream }";
    await using gateway = await startGateway(config(upstream.url, limits, "dialect: gemini"));
    const body = path!.includes("chat")
      ? chat({ model: "house", stream: true, max_tokens: 200 })
      : '{"contents":[],"generationConfig":{"maxOutputTokens":200}}';
    await (await post(gateway.url + path, body, AUTHORIZED)).text();
    assert.partialDeepStrictEqual(await gateway.access(), { outcome: "limited", code: "limit_reached" });
  });
}

test("what can't be counted is answered by its size, and marked so", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(config(upstream.url, "weight: 1"));
  const body = JSON.stringify({ model: "house", messages: [{ role: "user", content: "a".repeat(70_000) }] });
  const answer = await post(`${gateway.url}/v1/messages/count_tokens`, body, AUTHORIZED);
  assert.equal(answer.headers.get("x-headwaiter-counted"), "by_size");
  const { input_tokens: tokens } = (await answer.json()) as { input_tokens: number };
  assert.ok(tokens > 17_500 && tokens < 17_600, String(tokens));
});

test("who waited in vain is told for how long", async () => {
  await using upstream = await startScripted(() => {});
  const cap = "max_concurrency: 1, queue: { max_wait: 100ms }";
  await using gateway = await startGateway(config(upstream.url, "weight: 1", cap));
  const leaving = new AbortController();
  const ask = (init: RequestInit): Promise<Response> =>
    post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), { ...AUTHORIZED, ...init });
  const left = assert.rejects(ask({ signal: leaving.signal }));
  await waitUntil(() => upstream.requests.length === 1);
  const answer = await ask({});
  assert.equal(answer.headers.get("x-headwaiter-error"), "queue_timeout");
  assert.ok(Number(answer.headers.get("x-headwaiter-queue-ms")) >= 90);
  leaving.abort();
  await left;
});

test("a lease that nobody answers is not waited for without end", async () => {
  await using upstream = await startScripted(() => {});
  const yaml = `${config(upstream.url, "limits: { tokens_per_minute: 1000000 }")}store: { redis: redis://127.0.0.1:1 }`;
  await using gateway = await startGateway(yaml);
  const answer = await post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), AUTHORIZED);
  assert.equal(answer.headers.get("x-headwaiter-error"), "overloaded");
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.equal(gateway.loop.timers, 0);
});

test("a stored response is found where a tenant may use only a part of a pattern's models", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  for (const [models, status] of [
    ["gpt-4*", 200],
    ["claude-*", 400],
  ]) {
    const yaml = config(upstream.url, `models: [ "${models}" ]`, "responses: native").replace("house:", '"gpt-*":');
    await using gateway = await startGateway(
      yaml
        .replace("models:\n", 'models:\n  "claude-*": { upstream: other }\n')
        .replace("upstreams:\n", `upstreams:\n  other: { endpoints: [ { url: ${upstream.url}/v1 } ] }\n`),
    );
    assert.equal((await fetch(`${gateway.url}/v1/responses/resp_1`, AUTHORIZED)).status, status);
  }
});

test("a stream is ended by its limit between two events, also where every read ends within one", async () => {
  const half = Math.floor(tokenEvent("a").length / 2);
  await using upstream = await startScripted(async ({ socket }) => {
    socket.write(STREAM_HEAD + chunk(tokenEvent("a").slice(0, half)).toString());
    const rest = tokenEvent("a").slice(half) + tokenEvent("a").slice(0, half);
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(chunk(rest));
    }
  });
  const limits = "limits: { output_tokens_per_minute: 10, enforce: stream }";
  await using gateway = await startGateway(config(upstream.url, limits));
  const body = chat({ model: "house", stream: true, max_tokens: 10 });
  const answer = await post(`${gateway.url}/v1/chat/completions`, body, AUTHORIZED);
  const events = (await answer.text()).split("\n\n").slice(0, -1);
  assert.equal(events.at(-1), "data: [DONE]");
  for (const event of events.slice(0, -1)) JSON.parse(event.replace("data: ", ""));
  assert.match(events.at(-2)!, /"finish_reason":"length"/);
  assert.partialDeepStrictEqual(await gateway.access(), { outcome: "limited", code: "limit_reached" });
});
