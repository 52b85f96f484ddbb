import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import {
  DONE_EVENTS,
  LAST_CHUNK,
  STREAM_HEAD,
  chunk,
  response,
  startScripted,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";

test("a stream keeps the config it started with; new requests get the new one; the old connections end", async () => {
  const held: ReceivedRequest[] = [];
  await using old = await startScripted((request) => {
    if (request.body.includes("stream")) held.push(request);
    else request.socket.write(response(200, '{"from":"old"}'));
  });
  await using fresh = await startScripted(({ socket }) => void socket.write(response(200, '{"from":"new"}')));
  await using gateway = await startGateway(configFor(old.url));
  await (await post(gateway.url + CHAT, chat())).text();
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat({ stream: true })));
  await waitUntil(() => held.length === 1);
  held[0]!.socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  await client.until(tokenEvent("a"));

  gateway.reload(configFor(fresh.url));
  assert.equal(await (await post(gateway.url + CHAT, chat())).text(), '{"from":"new"}');
  const outstanding = (): number => [...gateway.loop.endpoints()].reduce((sum, one) => sum + one.outstanding, 0);
  assert.equal(outstanding(), 1, "the stream on the old endpoint still counts");
  held[0]!.socket.write(chunk(tokenEvent("b") + DONE_EVENTS).toString() + LAST_CHUNK);
  assert.equal((await client.answer()).body, tokenEvent("a") + tokenEvent("b") + DONE_EVENTS);
  await old.allClosed();
  await waitUntil(() => outstanding() === 0);
  // The client's connection lives on, under the new config.
  client.send(rawPost(CHAT, chat()));
  assert.equal((await client.answer()).body, '{"from":"new"}');
});

test("an endpoint that has not changed keeps its connections over a reload", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  for (let i = 0; i < 5; i++) {
    await (await post(gateway.url + CHAT, chat())).text();
    gateway.reload(configFor(upstream.url, { rest: `streams: { heartbeat: ${i + 1}s }` }));
  }
  assert.equal(upstream.accepted, 1);
});

test("a changed key makes new connections", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  await (await post(gateway.url + CHAT, chat())).text();
  gateway.reload(configFor(upstream.url).replace("sk-test-upstream-key", "sk-another-key"));
  await (await post(gateway.url + CHAT, chat())).text();
  assert.deepEqual(
    upstream.requests.map((request) => [request.index, request.header("authorization")]),
    [
      [0, "Bearer sk-test-upstream-key"],
      [0, "Bearer sk-another-key"],
    ],
  );
  await waitUntil(() => upstream.open.size === 1);
});

test("a request that was being received during the reload is served by the new config", async () => {
  await using fresh = await startScripted(({ socket }) => void socket.write(response(200, '{"from":"new"}')));
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  using client = rawClient(gateway.port);
  const request = rawPost(CHAT, chat());
  client.send(request.slice(0, -5));
  await waitUntil(() => gateway.loop.calls === 1);
  gateway.reload(configFor(fresh.url));
  client.send(request.slice(-5));
  assert.equal((await client.answer()).body, '{"from":"new"}');
});

test("a reused connection that dies after a reload is the upstream's failure, not a shutdown of ours", async () => {
  const held: ReceivedRequest[] = [];
  await using upstream = await startScripted((request) => {
    if (request.index === 0) request.socket.write(response(200, "{}"));
    else held.push(request);
  });
  await using gateway = await startGateway(configFor(upstream.url));
  await (await post(gateway.url + CHAT, chat())).text();
  const answer = post(gateway.url + CHAT, chat());
  await waitUntil(() => held.length === 1);
  gateway.reload(configFor(upstream.url).replace("sk-test-upstream-key", "sk-another-key"));
  held[0]!.socket.destroy();
  const refused = await answer;
  assert.deepEqual([refused.status, refused.headers.get("x-headwaiter-error")], [502, "upstream_disconnected"]);
});
