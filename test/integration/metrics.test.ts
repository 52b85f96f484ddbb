import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createAdminServer } from "../../src/admin/admin-server.ts";
import { LoopMetrics } from "../../src/observe/loop-metrics.ts";
import { exposition } from "../../src/observe/metric.ts";
import { startSim } from "../../src/sim/server.ts";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";

async function startAdmin(gateway: TestGateway, token?: string): Promise<AsyncDisposable & { url: string }> {
  const { loop } = gateway;
  const page = new LoopMetrics();
  const subject = {
    get notReady() {
      return loop.draining ? ("draining" as const) : null;
    },
    metrics() {
      page.take(loop, loop.metrics.snapshot());
      return Promise.resolve(page.page());
    },
    status: () => ({ calls: loop.calls }),
    reload: () => Promise.resolve([]),
  };
  const server = createAdminServer(subject, () => token).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Sample line → value. */
async function scrape(url: string): Promise<Map<string, number>> {
  const answer = await fetch(`${url}/metrics`);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const samples = new Map<string, number>();
  for (const line of (await answer.text()).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    assert.match(line, /^headwaiter_[a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})? -?[0-9.e+-]+$/);
    samples.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return samples;
}

test("counters move with requests, and gauges return to zero", async () => {
  const sim = await startSim({ ttftMs: 0, gapMs: 0, tokens: 5 });
  await using gateway = await startGateway(configFor(sim.url.origin));
  await using admin = await startAdmin(gateway);
  await (await post(gateway.url + CHAT, chat({ stream: true, stream_options: { include_usage: true } }))).text();
  await (await post(gateway.url + CHAT, chat())).text();
  await (await post(gateway.url + CHAT, chat({ user: "sim:x500" }))).text();
  await (await post(gateway.url + CHAT, chat({ stream: true, user: "sim:t0:g1:n9:c4" }))).text();
  await (await post(gateway.url + CHAT, "{")).text();
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat({ stream: true, user: "sim:t0:g20:n1000" })));
  await client.until("{2@");

  const during = await scrape(admin.url);
  assert.equal(during.get('headwaiter_streams_open{upstream="up"}'), 1);
  assert.equal(during.get(`headwaiter_endpoint_outstanding{upstream="up",endpoint="${sim.url.origin}"}`), 1);
  client.socket.destroy();
  await waitUntil(() => gateway.loop.calls === 0);

  const samples = await scrape(admin.url);
  const requests = (outcome: string): number | undefined =>
    samples.get(`headwaiter_requests_total{dialect="openai",upstream="up",model="*",outcome="${outcome}"}`);
  assert.equal(requests("completed"), 2);
  assert.equal(requests("upstream_status"), 1);
  assert.equal(requests("upstream_cut"), 1);
  assert.equal(requests("client_gone"), 1);
  assert.equal(samples.get('headwaiter_requests_total{dialect="openai",upstream="",model="",outcome="refused"}'), 1);
  assert.equal(samples.get('headwaiter_refused_total{code="invalid_json"}'), 1);
  assert.equal(samples.get('headwaiter_streams_open{upstream="up"}'), 0);
  assert.equal(samples.get(`headwaiter_endpoint_outstanding{upstream="up",endpoint="${sim.url.origin}"}`), 0);
  const attempts = (result: string): number | undefined =>
    samples.get(`headwaiter_upstream_attempts_total{upstream="up",endpoint="${sim.url.origin}",result="${result}"}`);
  assert.equal(attempts("ok"), 4);
  assert.equal(attempts("status"), 1);
  assert.ok(samples.get('headwaiter_tokens_total{direction="output",upstream="up",model="*"}')! >= 5 + 5 + 4 + 2);
  assert.ok(samples.get("headwaiter_ttft_seconds_count")! >= 3);
  assert.equal(samples.get("headwaiter_overhead_seconds_count"), 5);
  for (const name of ["rss_bytes", "open_sockets"]) assert.ok(samples.get(`headwaiter_${name}`)! >= 0, name);
  // The pulse reports once a second.
  const delay = /^headwaiter_loop_delay_seconds\{loop="\d+",quantile="0\.99"\} [\d.e-]+$/m;
  await waitUntil(() => delay.test(exposition(gateway.loop.metrics.snapshot())));
  await sim.close();
});

test("a client's own words never become a label", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9").replace('"*"', '"test-*"'));
  await using admin = await startAdmin(gateway);
  await (await post(gateway.url + CHAT, chat({ model: 'evil"\n' }))).text();
  await (await post(gateway.url + CHAT, chat({ model: "test-client-made" }))).text();
  await fetch(`${gateway.url}/evil-path`);
  const text = await (await fetch(`${admin.url}/metrics`)).text();
  assert.ok(!text.includes("evil") && !text.includes("client-made"));
});

test("both planes say that they live and are ready; the admin part of the API asks for its token", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  await using admin = await startAdmin(gateway, "secret-token");
  await using closed = await startAdmin(gateway);
  for (const url of [gateway.url, admin.url]) {
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
    assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), { status: "ready" });
    assert.equal((await fetch(`${url}/healthz`, { method: "HEAD" })).status, 200);
    assert.equal((await fetch(`${url}/healthz`, { method: "POST" })).headers.get("allow"), "GET, HEAD");
    assert.equal((await fetch(`${url}/nowhere`)).headers.get("x-headwaiter-error"), "route_not_found");
  }
  const ask = async (url: string, authorization?: string): Promise<Response> =>
    fetch(`${url}/admin/v1/status`, authorization === undefined ? {} : { headers: { authorization } });
  assert.deepEqual(await (await ask(admin.url, "Bearer secret-token")).json(), { calls: 0 });
  for (const wrong of [undefined, "Bearer", "Bearer wrong", "Basic secret-token", "secret-token"]) {
    const refused = await ask(admin.url, wrong);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("www-authenticate"), "Bearer");
  }
  // Without a token in the config nobody gets in.
  for (const guess of [undefined, "Bearer ", "Bearer undefined"])
    assert.equal((await ask(closed.url, guess)).status, 401);
});
