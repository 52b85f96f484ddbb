/** Errors that an upstream answers with, in whatever form, and what the client gets to see of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";

const CHAT = "/v1/chat/completions";
const KEY = "sk-test-upstream-key";
const ANSWER = '{"id":"c","choices":[]}';
const say = (text: string | Buffer) => (request: ReceivedRequest) => void request.socket.write(text);
const hangUp = (text: string | Buffer) => (request: ReceivedRequest) => void request.socket.end(text);

const STATUSES: readonly (readonly [upstream: number, client: number])[] = [
  [400, 400],
  [401, 502],
  [403, 502],
  [404, 404],
  [407, 502],
  [409, 409],
  [422, 422],
  [429, 429],
  [500, 500],
  [503, 503],
  [529, 529],
];

for (const [status, expected] of STATUSES) {
  test(`an upstream's ${status} arrives as ${expected} with the upstream's message, streamed or not`, async () => {
    const body = JSON.stringify({ error: { message: "from upstream", type: "t", param: null, code: "c", extra: 1 } });
    await using upstream = await startScripted(say(response(status, body)));
    await using gateway = await startGateway(configFor(upstream.url));
    for (const stream of [false, true]) {
      const answer = await post(`${gateway.url}${CHAT}`, chat({ stream }));
      assert.equal(answer.status, expected);
      assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_status");
      assert.equal(answer.headers.get("content-type"), "application/json");
      assert.equal(await answer.text(), body, "the provider's own object");
      const waits = expected === 429 || expected === 503;
      assert.equal(answer.headers.get("retry-after") !== null, waits);
      assert.equal(answer.headers.get("retry-after-ms") !== null, waits);
    }
    const line = await gateway.access();
    assert.deepEqual([line.outcome, line.status, line.code], ["upstream_status", expected, "upstream_status"]);
    const prompt = await post(`${gateway.url}/api/v1/generate-stream`, '{"prompt":"x"}');
    assert.equal(prompt.status, expected);
    assert.equal(((await prompt.json()) as { error: { message: string } }).error.message, "from upstream");
    assert.equal(upstream.accepted, 1, "an error does not cost the connection");
  });
}

const ODD_BODIES: readonly (readonly [name: string, sent: Buffer])[] = [
  ["HTML", response(500, "<html>bad gateway</html>", { "content-type": "text/html" })],
  ["nothing", response(500, "")],
  ["half an answer", response(500, '{"error":{"message":"cut').subarray(0, -2)],
  ["a megabyte", response(500, JSON.stringify({ error: { message: "x".repeat(1_000_000) } }))],
  ["gzip", response(500, Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), { "content-encoding": "gzip" })],
  ["invalid UTF-8", response(500, Buffer.from([0xff, 0xfe, 0]))],
  ["a number for a message", response(500, '{"error":{"message":5}}')],
];
for (const [name, sent] of ODD_BODIES) {
  test(`an error with ${name} for a body keeps its status and gets our shape`, async () => {
    await using upstream = await startScripted(hangUp(sent));
    await using gateway = await startGateway(configFor(upstream.url));
    const answer = await post(`${gateway.url}${CHAT}`, chat());
    assert.equal(answer.status, 500);
    const { error } = (await answer.json()) as { error: { message: string; code: string } };
    assert.deepEqual(error.code, "upstream_status");
    assert.equal(error.message, "The upstream answered with status 500.");
  });
}

test("our key is taken out of an error that echoes it, also where JSON escapes it", async () => {
  for (const key of [KEY, 'sk-"quoted"\\key']) {
    const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${key}.`, key, code: "x" } });
    await using upstream = await startScripted(say(response(400, body)));
    const yaml = configFor(upstream.url).replace(KEY, JSON.stringify(key));
    await using gateway = await startGateway(yaml);
    const answer = await post(`${gateway.url}${CHAT}`, chat());
    const text = await answer.text();
    assert.equal(upstream.requests[0]?.header("authorization"), `Bearer ${key}`);
    assert.ok(!text.includes(key) && !text.includes(JSON.stringify(key).slice(1, -1)), text);
    assert.ok(text.includes("Incorrect API key provided: [redacted]."));
    assert.ok(!JSON.stringify(gateway.logLines).includes("sk-"));
  }
});

const WISHES: readonly (readonly [field: Record<string, string>, minMs: number, maxMs: number])[] = [
  [{ "retry-after": "7" }, 7000, 7000],
  [{ "retry-after-ms": "1500" }, 1500, 1500],
  [{ "retry-after": "0" }, 0, 0],
  [{ "retry-after": "99999999" }, 300_000, 300_000],
  [{ "retry-after": "9".repeat(400) }, 1000, 2000],
  [{ "retry-after": "-5" }, 1000, 2000],
  [{ "retry-after": "1e9" }, 1000, 2000],
  [{ "retry-after": "soon" }, 1000, 2000],
  [{ "retry-after": "" }, 1000, 2000],
  [{ "retry-after": "Fri, 31 Dec 9999 23:59:59 GMT" }, 300_000, 300_000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0, 0],
  [{ "retry-after-ms": "NaN" }, 1000, 2000],
];

test("an upstream's Retry-After is passed on up to five minutes, and an unreadable one replaced", async () => {
  for (const [fields, minMs, maxMs] of WISHES) {
    await using upstream = await startScripted(say(response(429, '{"error":{"message":"m"}}', fields)));
    await using gateway = await startGateway(configFor(upstream.url));
    const answer = await post(`${gateway.url}${CHAT}`, chat());
    const ms = Number(answer.headers.get("retry-after-ms"));
    assert.ok(ms >= minMs && ms <= maxMs, `${JSON.stringify(fields)}: ${ms}`);
    assert.equal(answer.headers.get("retry-after"), String(Math.ceil(ms / 1000)));
  }
});

test("when every connection is in use the next request gets 503 upstream_saturated at once, with Retry-After", async () => {
  const held: ReceivedRequest[] = [];
  await using upstream = await startScripted((request) => void held.push(request));
  await using gateway = await startGateway(configFor(upstream.url, { upstream: "connections: { max: 1 }" }));
  const first = post(`${gateway.url}${CHAT}`, chat());
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const refused = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("x-headwaiter-error"), "upstream_saturated");
  assert.ok(Number(refused.headers.get("retry-after-ms")) >= 1000);
  held[0]?.socket.write(response(200, ANSWER));
  assert.equal(await (await first).text(), ANSWER);
});
