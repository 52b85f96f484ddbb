import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Counter } from "../../src/observe/metric.ts";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const TEXT = 'Ein "langer" Text\n mit Ümläuten 😀. ';

/** Well past what is looked at on the loop. */
const large = (more: Record<string, unknown> = {}): string =>
  chat({ messages: [{ role: "user", content: TEXT.repeat(7_000) }], ...more });

const answerOk = ({ socket }: ReceivedRequest): void => void socket.write(response(200, '{"ok":true}'));

/** A sample of the gateway's metrics, 0 where there is none. */
function sample(gateway: TestGateway, name: string, ...labels: string[]): number {
  const metric = gateway.loop.metrics.all().find((one) => one.name === name);
  assert.ok(metric instanceof Counter);
  return metric.value(...labels);
}

const waiting = (gateway: TestGateway): number => sample(gateway, "headwaiter_offload_tasks", "understand", "queued");

/** Shared with the threads, so that many tasks can have it. */
const HUGE = Buffer.from(new SharedArrayBuffer(64 * 1024 * 1024)).fill("a");
HUGE.write('{"text":"');
HUGE.write('"}', HUGE.length - 2);

/** Keeps the thread that looks at bodies busy; what comes now waits until `release`, and half a second longer at most. */
function occupyBodies(gateway: TestGateway, tasks = 30): { readonly release: () => void } {
  const tickets = Array.from({ length: tasks }, () =>
    gateway.loop.runtime.offload.bodies.submit({
      task: "understand",
      input: { body: HUGE, fields: "pass", images: false, copy: false },
      sizeBytes: 1,
      deadlineMs: 60_000,
      onOutput() {},
      onFailure() {},
    }),
  );
  return { release: () => tickets.forEach((ticket) => ticket?.cancel()) };
}

test("a large body arrives as it was, its model exchanged where the config says so; a small one starts no thread", async () => {
  await using upstream = await startScripted(answerOk);
  const config = configFor(upstream.url).replace(
    '"*": { upstream: up }',
    'test-model: { upstream: up, model: "renamed" }',
  );
  await using gateway = await startGateway(config);
  assert.equal((await post(gateway.url + CHAT, chat())).status, 200);
  assert.equal(gateway.loop.runtime.offload.bodies.threads, 0);
  assert.equal((await post(gateway.url + CHAT, large())).status, 200);
  assert.equal(gateway.loop.runtime.offload.bodies.threads, 1);
  assert.ok(upstream.requests[1]!.body.equals(Buffer.from(large().replace('"test-model"', '"renamed"'))));
  assert.equal(sample(gateway, "headwaiter_offload_tasks_total", "understand", "ok"), 1);
});

test("a large prompt arrives as it was", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url));
  for (const count of [1, 7_000]) {
    const prompt = TEXT.repeat(count);
    await (await post(`${gateway.url}/api/v1/generate-stream`, JSON.stringify({ prompt }))).text();
    const sent = JSON.parse(upstream.requests.at(-1)!.body.toString()) as { messages: { content: string }[] };
    assert.equal(sent.messages[0]!.content, prompt);
  }
});

test("a large body at fault is refused as a small one is", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  const padding = `"x":"${"a".repeat(300_000)}"`;
  const cases: readonly [path: string, fields: string][] = [
    [CHAT, '"model":1'],
    [CHAT, '"model":"m","model":"m"'],
    [CHAT, '"stream":"yes","model":"m"'],
    [CHAT, '"messages":[]'],
    [CHAT, '"model":"m",'],
    ["/api/v1/stream", '"prompt":"  "'],
    ["/api/v1/stream", '"prompt":[]'],
  ];
  for (const [path, fields] of cases) {
    const small = await post(gateway.url + path, `{${fields}}`);
    const big = await post(gateway.url + path, `{${fields},${padding}}`.replace(",,", ',"a",'));
    const said = async (answer: Response): Promise<unknown> => [
      answer.status,
      answer.headers.get("x-headwaiter-error"),
      (await answer.text()).replace(/at byte \d+|: expected [^"]*/, ""),
    ];
    assert.deepEqual(await said(big), await said(small), fields);
  }
});

test("a client that leaves while its body is looked at is settled at once, and its upstream never hears of it", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url));
  const busy = occupyBodies(gateway);
  const client = rawClient(gateway.port);
  client.send(rawPost(CHAT, large()));
  await waitUntil(() => waiting(gateway) === 30);
  client.socket.destroy();
  assert.equal((await gateway.access()).outcome, "client_gone");
  assert.equal(waiting(gateway), 29);
  assert.equal(sample(gateway, "headwaiter_offload_tasks_total", "understand", "cancelled"), 1);
  busy.release();
  assert.equal((await post(gateway.url + CHAT, large())).status, 200);
  assert.equal(upstream.requests.length, 1);
  assert.equal(gateway.loop.calls, 0);
});

test("a client that leaves while its task is under way, too", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url));
  const client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat({ text: "a".repeat(20_000_000) })));
  await waitUntil(() => sample(gateway, "headwaiter_offload_tasks", "understand", "running") === 1);
  client.socket.destroy();
  assert.equal((await gateway.access()).outcome, "client_gone");
  await waitUntil(() => sample(gateway, "headwaiter_offload_tasks", "understand", "running") === 0);
  assert.equal(upstream.requests.length, 0);
});

test("a request whose body is looked at during a reload is served by the new config", async () => {
  await using fresh = await startScripted(answerOk);
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  const busy = occupyBodies(gateway);
  const answer = post(gateway.url + CHAT, large());
  await waitUntil(() => waiting(gateway) === 30);
  gateway.reload(configFor(fresh.url));
  busy.release();
  assert.equal((await answer).status, 200);
  assert.equal(fresh.requests.length, 1);
});

test("a drain whose time is up refuses what still waits to be looked at", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  occupyBodies(gateway);
  const answer = post(gateway.url + CHAT, large());
  await waitUntil(() => waiting(gateway) === 30);
  const drained = gateway.loop.drain(0);
  assert.deepEqual([(await answer).status, (await answer).headers.get("x-headwaiter-error")], [503, "draining"]);
  assert.equal((await gateway.access()).outcome, "drained");
  await drained;
});

test("more than the threads' queue holds is refused at once with 503 and Retry-After; what needs no thread is served", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url));
  occupyBodies(gateway, 65);
  const refused = await post(gateway.url + CHAT, large());
  assert.deepEqual([refused.status, refused.headers.get("x-headwaiter-error")], [503, "overloaded"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 2);
  assert.equal((await gateway.access()).outcome, "refused");
  assert.equal((await post(gateway.url + CHAT, chat())).status, 200);
});

test("closing the loop ends its threads and what they do", async () => {
  const gateway = await startGateway(configFor("http://127.0.0.1:9"));
  occupyBodies(gateway);
  using client = rawClient(gateway.port);
  const closed = once(client.socket, "close");
  client.send(rawPost(CHAT, large()));
  await waitUntil(() => waiting(gateway) === 30);
  await gateway.loop.close();
  await closed;
  assert.equal(gateway.loop.runtime.offload.bodies.threads, 0);
  assert.equal(waiting(gateway), 0);
});
