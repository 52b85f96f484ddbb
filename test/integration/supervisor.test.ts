import assert from "node:assert/strict";
import { test } from "node:test";
import { Meter } from "../../src/bench/meter.ts";
import type { LoadResult } from "../../src/bench/scenario.ts";
import { hold } from "../../src/bench/scenarios/hold.ts";
import { parseTarget } from "../../src/bench/target.ts";
import { startSimInThread } from "../../src/sim/in-thread.ts";
import type { Gateway } from "../../src/supervisor/gateway.ts";
import { chat, configFor, post, snapshotOf } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { STREAM_HEAD, chunk, response, startScripted, tokenEvent } from "../support/scripted-upstream.ts";
import { startSupervised } from "../support/supervised.ts";
import type { SupervisedGateway } from "../support/supervised.ts";
import { readTokens, startTokens } from "../support/token-upstream.ts";
import type { TokenUpstream } from "../support/token-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";

const withWorkers = (config: string, workers: number): string =>
  config.replace("server: {", `server: { workers: ${workers},`);

interface LoopStatus {
  readonly loop: number;
  readonly calls: number;
  readonly openSockets: number;
  readonly heapBytes: number;
}

function loopsOf(gateway: Gateway): readonly LoopStatus[] {
  return (gateway.status() as { loops: LoopStatus[] }).loops;
}

const callsOf = (gateway: Gateway, loop: number): number =>
  loopsOf(gateway).find((status) => status.loop === loop)?.calls ?? 0;

/** Streams through a gateway, each token checked; all are open together for `durationMs`. */
function holdStreams(url: string, streams: number, durationMs: number): { meter: Meter; result: Promise<LoadResult> } {
  const meter = new Meter();
  const result = hold.run({
    target: parseTarget(url, "sim"),
    plan: { streams, durationMs, rampPerSecond: 1000, eventsPerSecond: streams },
    meter,
    pid: null,
    idle: null,
    sim: null,
    signal: AbortSignal.timeout(30_000),
  });
  return { meter, result };
}

/** So many streams are read, all open at once. @returns their ends. */
async function openStreams(
  { gateway, url }: SupervisedGateway,
  upstream: TokenUpstream,
  streams: number,
): Promise<Promise<string>[]> {
  const ends: Promise<string>[] = [];
  // Not all at once: more than a listener's backlog would have to come again.
  while (ends.length < streams) {
    for (const most = Math.min(streams, ends.length + 100); ends.length < most;) ends.push(readTokens(url));
    await waitUntil(() => gateway.calls === ends.length && upstream.open === ends.length);
  }
  return ends;
}

const NO_FAULTS = { lost: 0, duplicated: 0, reordered: 0 };

test("two loops share one port, and both serve", async () => {
  await using upstream = await startTokens(20);
  await using running = await startSupervised(withWorkers(configFor(upstream.url), 2));
  const streams = await openStreams(running, upstream, 100);
  const calls = loopsOf(running.gateway).map((loop) => loop.calls);
  assert.equal(calls.length, 2);
  // By a hash of the clients' addresses: 100 coins on one side are a chance of 2^-99.
  assert.ok(
    calls.every((count) => count > 0),
    calls.join(),
  );
  upstream.finish();
  assert.deepEqual(new Set(await Promise.all(streams)), new Set(["whole"]));
});

for (const [fault, cause] of [
  ["throw", "uncaught"],
  ["reject", "uncaught"],
  ["exit", "exit"],
  ["exhaust", "out_of_memory"],
  ["leak", "out_of_memory"],
] as const) {
  test(`a loop that dies of ${fault} takes its own streams alone, and another takes its place`, async () => {
    await using upstream = await startTokens(20);
    await using running = await startSupervised(withWorkers(configFor(upstream.url), 2));
    const { gateway } = running;
    const streams = await openStreams(running, upstream, 40);
    const lost = callsOf(gateway, 1);
    await running.fail(1, fault);
    const line = await running.logged(/^a loop died/);
    assert.equal(line["loop"], 1);
    assert.equal(line["cause"], cause);
    // Its row is clear at once: nothing of it counts any more.
    assert.equal(gateway.calls, 40 - lost);
    upstream.finish();
    const ended = await Promise.all(streams);
    assert.equal(ended.filter((end) => end === "cut").length, lost);
    assert.equal(ended.filter((end) => end === "whole").length, 40 - lost);
    await waitUntil(() => gateway.loops === 2);
    await waitUntil(() => gateway.calls === 0);
    assert.match(await gateway.metrics(), new RegExp(`headwaiter_loop_restarts_total\\{cause="${cause}"\\} 1\n`));
    // Both take clients again.
    const again = await openStreams(running, upstream, 60);
    upstream.finish();
    assert.deepEqual(new Set(await Promise.all(again)), new Set(["whole"]));
  });
}

test("a loop that dies under a thousand streams costs those of the other loop no token, and gives back what it held", async () => {
  await using upstream = await startTokens(500);
  await using running = await startSupervised(
    withWorkers(configFor(upstream.url, { upstream: "connections: { max: 1000 }" }), 2),
  );
  const { gateway } = running;
  const streams = await openStreams(running, upstream, 1000);
  const lost = callsOf(gateway, 1);
  assert.ok(lost > 300 && lost < 700, String(lost));
  await running.fail(1, "exit");
  await running.logged(/^a loop died/);
  assert.equal(gateway.calls, 1000 - lost);
  upstream.finish();
  const ended = await Promise.all(streams);
  assert.equal(ended.filter((end) => end === "whole").length, 1000 - lost);
  assert.equal(ended.filter((end) => end === "cut").length, lost);
});

test("what a loop has counted stays on the metrics page when it dies, and what it held does not", async () => {
  await using upstream = await startTokens(20);
  await using running = await startSupervised(withWorkers(configFor(upstream.url), 2));
  const { gateway } = running;
  const first = await openStreams(running, upstream, 40);
  upstream.finish();
  await Promise.all(first);
  await waitUntil(() => gateway.calls === 0);
  // Nobody has looked at the page yet: what the loop counts goes with it unless it says so in the end.
  const completed = async (): Promise<number> =>
    Number(/headwaiter_requests_total\{[^}]*outcome="completed"\} (\d+)/.exec(await gateway.metrics())?.[1]);
  const second = await openStreams(running, upstream, 40);
  const lost = callsOf(gateway, 2);
  await running.fail(2, "exit");
  await running.logged(/^a loop died/);
  assert.equal(await completed(), 40);
  assert.match(await gateway.metrics(), new RegExp(`headwaiter_streams_open\\{upstream="up"\\} ${40 - lost}\n`));
  upstream.finish();
  await Promise.all(second);
});

test("a reload under two thousand streams cuts none and turns no client away, and new calls see the new config at once", async (t) => {
  const sim = await startSimInThread();
  t.after(() => sim.close());
  await using fresh = await startScripted(({ socket }) => void socket.write(response(200, '{"from":"new"}')));
  const config = configFor(sim.url.origin, { upstream: "connections: { max: 2000 }" });
  await using running = await startSupervised(withWorkers(config, 2));
  const { meter, result } = holdStreams(running.url, 2000, 1500);
  await waitUntil(() => meter.open === 2000);
  const connecting = new AbortController();
  const connected = (async () => {
    let count = 0;
    for (; !connecting.signal.aborted; count++) {
      const answer = await fetch(`${running.url}/healthz`, { headers: { connection: "close" } });
      assert.equal(answer.status, 200);
      await answer.text();
    }
    return count;
  })();
  for (let i = 0; i < 5; i++) {
    running.next = snapshotOf(withWorkers(configFor(fresh.url, { rest: `streams: { heartbeat: ${i + 1}s }` }), 2));
    assert.deepEqual(await running.gateway.reload(), []);
    assert.equal(running.gateway.config.version, running.next.version);
    for (let k = 0; k < 4; k++) {
      const answer = await post(running.url + CHAT, chat(), { headers: { connection: "close" } });
      assert.equal(await answer.text(), '{"from":"new"}');
    }
  }
  connecting.abort();
  assert.ok((await connected) > 0);
  const { integrity, streams } = await result;
  assert.deepEqual(integrity, NO_FAULTS);
  assert.equal(streams.outcomes.complete, 2000);
});

test("two reloads at once are one after the other, and the later file wins", async () => {
  await using running = await startSupervised(withWorkers(configFor("http://127.0.0.1:9"), 1));
  running.next = snapshotOf(withWorkers(configFor("http://127.0.0.1:9", { rest: "streams: { heartbeat: 1s }" }), 1));
  const first = running.gateway.reload();
  running.next = snapshotOf(withWorkers(configFor("http://127.0.0.1:9", { rest: "streams: { heartbeat: 2s }" }), 1));
  const second = running.gateway.reload();
  await Promise.all([first, second]);
  assert.equal(running.gateway.config.streams.heartbeatMs, 2000);
});

test("loops that a reload asks for are started, and those it does not finish their streams", async () => {
  await using upstream = await startTokens(20);
  const config = configFor(upstream.url).replace("drain_timeout: 1s", "drain_timeout: 30s");
  await using running = await startSupervised(withWorkers(config, 1));
  running.next = snapshotOf(withWorkers(config, 2));
  await running.gateway.reload();
  await waitUntil(() => loopsOf(running.gateway).every(({ heapBytes }) => heapBytes > 0));
  assert.equal(running.gateway.loops, 2);
  const streams = await openStreams(running, upstream, 60);
  assert.ok(callsOf(running.gateway, 2) > 0);
  running.next = snapshotOf(withWorkers(config, 1));
  await running.gateway.reload();
  upstream.finish();
  assert.deepEqual(new Set(await Promise.all(streams)), new Set(["whole"]));
  await waitUntil(() => running.gateway.loops === 1);
});

test("a drain closes the shared port at once and lets streams finish", async () => {
  let finish = (): void => {};
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
    finish = () => void socket.write(`${chunk("data: [DONE]\n\n").toString()}0\r\n\r\n`);
  });
  await using running = await startSupervised(withWorkers(configFor(upstream.url), 2));
  using client = rawClient(running.port);
  client.send(rawPost(CHAT, chat({ stream: true })));
  await client.until(tokenEvent("a"));
  assert.equal(running.gateway.notReady, null);
  const drained = running.gateway.drain(5000);
  assert.equal(running.gateway.notReady, "draining");
  await waitUntil(() => running.gateway.loops === 1);
  await assert.rejects(fetch(`${running.url}/healthz`));
  finish();
  await client.closed;
  assert.match(client.received, /data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
  await drained;
  assert.equal(running.gateway.loops, 0);
});

test("what blocks a loop is named, with its function and file, and counted", async () => {
  await using running = await startSupervised(withWorkers(configFor("http://127.0.0.1:9"), 2));
  await waitUntil(() => loopsOf(running.gateway).every(({ heapBytes }) => heapBytes > 0));
  await running.fail(2, "spin");
  const line = await running.logged(/^an event loop was blocked/);
  assert.equal(line["loop"], "2");
  assert.ok((line["blockedMs"] as number) >= 50);
  const stack = line["stack"] as { function: string; file: string }[];
  const named = stack.find((frame) => frame.function === "spinFor");
  assert.ok(named !== undefined, JSON.stringify(line));
  assert.match(named.file, /faulty-loop\.ts/);
  assert.match(await running.gateway.metrics(), /headwaiter_loop_blocked_total\{loop="2"\} 1\n/);
});

test("a config with more names than the board has room for is refused, and the old one stays", async () => {
  await using running = await startSupervised(withWorkers(configFor("http://127.0.0.1:9"), 1));
  const { version } = running.gateway.config;
  const endpoints = Array.from({ length: 250 }, (_, i) => `{ url: http://127.0.0.1:9/${i} }`).join(", ");
  const many = Array.from({ length: 5 }, (_, i) => `  more${i}: { endpoints: [ ${endpoints} ] }\n`).join("");
  running.next = snapshotOf(configFor("http://127.0.0.1:9").replace("models:", `${many}models:`));
  const [fault] = await running.gateway.reload();
  assert.match(fault ?? "", /room for \d+ counters/);
  assert.equal(running.gateway.config.version, version);
});

test("a config with more limits than there is room for changes nothing: loops that start after it serve the old one", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, '{"from":"old"}')));
  const config = withWorkers(configFor(upstream.url), 1);
  await using running = await startSupervised(config);
  const { version } = running.gateway.config;
  const models = Array.from({ length: 900 }, (_, i) => `m${i}`);
  const limits = "{ requests_per_minute: 1, tokens_per_minute: 1, max_concurrency: 1 }";
  const tenant = (name: string): string =>
    `  ${name}: { model_limits: { ${models.map((model) => `${model}: ${limits}`).join(", ")} } }\n`;
  running.next = snapshotOf(
    config
      .replace("up:", "other:")
      .replace('"*": { upstream: up }', models.map((model) => `${model}: { upstream: other }`).join("\n  "))
      .replace("test-model", "m0") + `\ntenants:\n${tenant("a")}${tenant("b")}`,
  );
  const [fault] = await running.gateway.reload();
  assert.match(fault ?? "", /room for \d+ limits/);
  assert.equal(running.gateway.config.version, version);
  await running.fail(1, "exit");
  await running.logged(/^a loop died/);
  await waitUntil(() => running.gateway.loops === 1 && loopsOf(running.gateway)[0]!.heapBytes > 0);
  assert.equal(await (await post(running.url + CHAT, chat())).text(), '{"from":"old"}');
});
