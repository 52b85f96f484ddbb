/** What comes under a 200 and is no answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { chunk, LAST_CHUNK, response, startScripted, STREAM_HEAD } from "../support/scripted-upstream.ts";

const KEY = "sk-test-upstream-key";

async function ask(body: string | Buffer, options: { status?: number; path?: string; request?: string } = {}) {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(options.status ?? 200, body)));
  await using gateway = await startGateway(configFor(upstream.url));
  const answer = await post(`${gateway.url}${options.path ?? "/v1/chat/completions"}`, options.request ?? chat());
  const text = await answer.text().catch((error: unknown) => `broken: ${String(error)}`);
  const line = await gateway.access();
  return { status: answer.status, code: answer.headers.get("x-headwaiter-error"), text, outcome: line.outcome };
}

test("an error object under a 200 is a 502 with its message, and without our key", async () => {
  const got = await ask(JSON.stringify({ error: { message: `bad key ${KEY}` } }));
  assert.deepEqual([got.status, got.code, got.outcome], [502, "upstream_error", "upstream_failed"]);
  assert.match(got.text, /bad key \[redacted\]/);
});

test("`error: null` beside an answer is an answer", async () => {
  const body = '{"id":"x","error":null}';
  const got = await ask(body);
  assert.deepEqual([got.status, got.text, got.outcome], [200, body, "completed"]);
});

test("a whole answer to a prompt that was to get a stream is a 502", async () => {
  const got = await ask('{"id":"x"}', { path: "/api/v1/generate-stream", request: '{"prompt":"hi"}' });
  assert.deepEqual([got.status, got.code], [502, "upstream_invalid"]);
});

test("a large page that calls itself JSON is a 502, and a large body that does not end as JSON is cut", async () => {
  const page = await ask(Buffer.alloc(300 * 1024, "<html>"));
  assert.deepEqual([page.status, page.code], [502, "upstream_invalid"]);
  const half = await ask(`{"data":"${"x".repeat(300 * 1024)}"`);
  assert.equal(half.outcome, "upstream_cut");
  assert.match(half.text, /^broken/);
});

test("our key is taken out of an error body even where JSON escapes hide it", async () => {
  const hidden = `\\u0073${KEY.slice(1)}`;
  const got = await ask(`{"error":{"message":"no: ${hidden}","more":"${hidden}"}}`, { status: 400 });
  assert.equal(got.status, 400);
  assert.ok(!JSON.stringify(JSON.parse(got.text)).includes(KEY), got.text);
  assert.match(got.text, /no: \[redacted\]/);
});

test("a stream of two answers that breaks off when one has ended is no whole one", async () => {
  const choice = (index: number, finish_reason: string | null): string =>
    `data: ${JSON.stringify({ id: "c", choices: [{ index, delta: { content: "x" }, finish_reason }] })}\n\n`;
  const begun = choice(0, null) + choice(1, null) + choice(0, "stop");
  const outcomeOf = async (events: string): Promise<unknown> => {
    await using upstream = await startScripted(({ socket }) => {
      socket.write(STREAM_HEAD + chunk(events).toString() + LAST_CHUNK);
    });
    await using gateway = await startGateway(configFor(upstream.url));
    const text = await (await post(`${gateway.url}/v1/chat/completions`, chat({ stream: true, n: 2 }))).text();
    const { outcome } = await gateway.access();
    return [outcome, text.includes("upstream_disconnected")];
  };
  assert.deepEqual(await outcomeOf(begun), ["upstream_cut", true]);
  assert.deepEqual(await outcomeOf(begun + choice(1, "stop")), ["completed", false]);
});
