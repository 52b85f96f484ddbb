import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AccessRecord } from "../../src/observe/log.ts";
import { Counter } from "../../src/observe/metric.ts";
import { configFor, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import type { RawClient } from "../support/raw-client.ts";
import {
  chunk,
  DONE_EVENTS,
  LAST_CHUNK,
  response,
  startScripted,
  STREAM_HEAD,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
/** Three around the message, one for `user`, nine of text, three for the answer. */
const BODY = JSON.stringify({
  model: "test-model",
  stream: true,
  messages: [{ role: "user", content: "the quick brown fox jumps over the lazy dog" }],
});
const TOKENS = 16;

/** What the upstream does with a request. Each test sets its own; the thread with the encoding is one for all. */
let script: (request: ReceivedRequest) => void;
const beginStream = ({ socket }: ReceivedRequest): void =>
  void socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());

let upstream: ScriptedUpstream;
let gateway: TestGateway;
before(async () => {
  upstream = await startScripted((request) => script(request));
  gateway = await startGateway(configFor(upstream.url, { rest: "usage: { count_input: exact }" }));
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Counts that have ended well. */
function counted(): number {
  const metric = gateway.loop.metrics.all().find(({ name }) => name === "headwaiter_offload_tasks_total");
  assert.ok(metric instanceof Counter);
  return metric.value("count_tokens", "ok");
}

/** Sends a request and resolves once its input has been counted. */
async function sendCounted(client: RawClient, id: string, body: string): Promise<ReceivedRequest> {
  const before = counted();
  const received = upstream.requests.length;
  client.send(rawPost(CHAT, body, [`x-request-id: ${id}`]));
  await waitUntil(() => counted() === before + 1 && upstream.requests.length === received + 1);
  return upstream.requests.at(-1)!;
}

const accessOf = (id: string): Promise<AccessRecord> => gateway.access(({ requestId }) => requestId === id);

test("a stream that ends before the encoding is loaded waits for nothing, and its count is dropped", async () => {
  script = ({ socket }) =>
    void socket.write(STREAM_HEAD + chunk(tokenEvent("a") + DONE_EVENTS).toString() + LAST_CHUNK);
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, BODY, ["x-request-id: first"]));
  await client.answer();
  const line = await accessOf("first");
  assert.deepEqual([line.outcome, line.tokensIn], ["completed", null]);
  assert.equal(counted(), 0);
});

test("a stream that is cut has its exact input tokens in the access line, and its output as counted", async () => {
  script = beginStream;
  using client = rawClient(gateway.port);
  const { socket } = await sendCounted(client, "cut", BODY);
  await client.until(tokenEvent("a"));
  socket.destroy();
  const line = await accessOf("cut");
  assert.deepEqual(
    [line.outcome, line.tokensIn, line.tokensOut, line.tokensFrom],
    ["upstream_cut", TOKENS, 1, "counted"],
  );
});

test("a large body is counted from a copy that the thread made", async () => {
  script = beginStream;
  using client = rawClient(gateway.port);
  const more = Array.from({ length: 10_000 }, () => '{"role":"user","content":"hi"}').join();
  const body = BODY.replace("}]", `},${more}]`);
  const request = await sendCounted(client, "large", body);
  assert.equal(request.body.toString(), body);
  client.socket.destroy();
  const line = await accessOf("large");
  // Three around each message, its role and its text.
  assert.deepEqual([line.outcome, line.tokensIn], ["client_gone", TOKENS + 50_000]);
});

test("a client that leaves before the first token: the input is counted, of output nothing is said", async () => {
  script = () => {};
  using client = rawClient(gateway.port);
  await sendCounted(client, "early", BODY);
  client.socket.destroy();
  const line = await accessOf("early");
  assert.deepEqual(
    [line.outcome, line.tokensIn, line.tokensOut, line.tokensFrom],
    ["client_gone", TOKENS, null, "counted"],
  );
});

test("what the upstream reports goes before what was counted", async () => {
  script = beginStream;
  const usage = { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 };
  using client = rawClient(gateway.port);
  const { socket } = await sendCounted(client, "reported", BODY);
  socket.write(chunk(`data: ${JSON.stringify({ choices: [], usage })}\n\n${DONE_EVENTS}`).toString() + LAST_CHUNK);
  const line = await accessOf("reported");
  assert.deepEqual([line.outcome, line.tokensIn, line.tokensFrom], ["completed", 7, "upstream"]);
});

test("nobody is billed for what the upstream refused", async () => {
  script = () => {};
  using client = rawClient(gateway.port);
  const { socket } = await sendCounted(client, "refused", BODY);
  socket.write(response(400, '{"error":{"message":"no"}}'));
  const line = await accessOf("refused");
  assert.deepEqual([line.outcome, line.tokensIn, line.tokensFrom], ["upstream_status", null, null]);
});

test("a prompt endpoint's prompt is counted as the message that it becomes", async () => {
  script = beginStream;
  const received = upstream.requests.length;
  const before = counted();
  using client = rawClient(gateway.port);
  const prompt = JSON.stringify({ prompt: "the quick brown fox jumps over the lazy dog" });
  client.send(rawPost("/api/v1/stream", prompt, ["x-request-id: prompt"]));
  await waitUntil(() => counted() === before + 1 && upstream.requests.length === received + 1);
  client.socket.destroy();
  assert.equal((await accessOf("prompt")).tokensIn, TOKENS);
});

test("without `usage.count_input` nothing is counted, and no thread is started", async () => {
  script = ({ socket }) =>
    void socket.write(STREAM_HEAD + chunk(tokenEvent("a") + DONE_EVENTS).toString() + LAST_CHUNK);
  await using plain = await startGateway(configFor(upstream.url));
  using client = rawClient(plain.port);
  client.send(rawPost(CHAT, BODY));
  await client.answer();
  const line = await plain.access();
  assert.deepEqual([line.tokensIn, line.tokensOut, line.tokensFrom], [null, 1, "counted"]);
  assert.equal(plain.loop.runtime.offload.counts.threads, 0);
});
