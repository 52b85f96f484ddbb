/** How many HTTP/2 sessions there are, which one a request goes to, and when each ends, against node:http2's server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type http2 from "node:http2";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { isFailure } from "../../src/upstream/exchange.ts";
import { FixtureEndpoint, GET } from "../unit/upstream/http2/fixture-endpoint.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";
import { Http2Upstream, answer } from "../support/http2-upstream.ts";

test("carries 1,000 requests within the peer's limit, on as few connections as that takes", async () => {
  const open = new Map<unknown, number>();
  let most = 0;
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 50 }, (stream, headers) => {
    const session = stream.session!;
    open.set(session, (open.get(session) ?? 0) + 1);
    most = Math.max(most, open.get(session)!);
    stream.once("close", () => open.set(session, open.get(session)! - 1));
    setTimeout(() => answer(stream, headers), 20);
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const begun = Array.from({ length: 1000 }, () => endpoint.begin());
  await Promise.all(begun.map(({ sink }) => sink.heard("end")));
  assert.equal(most, 50);
  assert.ok(upstream.sessions.length <= 20, `${upstream.sessions.length} connections`);
  for (const { sink } of begun) assert.deepEqual(sink.calls, ["sent", "head", "body", "flush", "end"]);
  assert.equal(endpoint.outstanding, 0);
});

test("serves those that wait in order, as places become free", async () => {
  const order: string[] = [];
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 1 }, (stream, headers) => {
    order.push(headers[":path"]!);
    setTimeout(() => answer(stream, headers), 2);
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const begun = Array.from({ length: 20 }, (_, at) => endpoint.begin({ ...GET, path: `/${at}` }));
  begun[5]!.exchange.abort();
  begun.splice(5, 1);
  await Promise.all(begun.map(({ sink }) => sink.heard("end")));
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, at) => `/v1/${at}`).filter((path) => path !== "/v1/5"),
  );
  assert.equal(upstream.sessions.length, 1);
});

test("uses the most loaded session, so that the others empty and are closed", async () => {
  const streams: http2.ServerHttp2Stream[] = [];
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 4 }, (stream) => {
    stream.respond({ ":status": 200 });
    streams.push(stream);
  });
  using endpoint = new FixtureEndpoint(upstream.url, { keepAliveMs: 50 });
  const begun = Array.from({ length: 7 }, () => endpoint.begin());
  await Promise.all(begun.map(({ sink }) => sink.heard("head")));
  assert.equal(endpoint.connections, 2);
  const [first, second] = upstream.sessions;
  const on = (session: unknown): http2.ServerHttp2Stream[] => streams.filter((stream) => stream.session === session);
  const [full, other] = on(first).length === 4 ? [first, second] : [second, first];
  // One of four leaves, one of three leaves: the next goes where three are.
  const fullLeft = on(full)[0]!;
  const otherLeft = on(other)[0]!;
  fullLeft.end();
  otherLeft.end();
  await Promise.all([once(fullLeft, "close"), once(otherLeft, "close")]);
  while (endpoint.outstanding > 5) await delay(1);
  const next = endpoint.begin();
  await next.sink.heard("head");
  assert.equal(streams.at(-1)!.session, full);
  for (const stream of on(other)) stream.end();
  await once(other!, "close");
  assert.equal(on(full).length, 4);
});

test("says saturated at once when every connection is full", async () => {
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 2 }, (stream) =>
    stream.respond({ ":status": 200 }),
  );
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const begun = [endpoint.begin(), endpoint.begin()];
  await Promise.all(begun.map(({ sink }) => sink.heard("head")));
  const refused = endpoint.open(GET, new RecordingSink());
  assert.ok(isFailure(refused));
  assert.equal(refused.kind, "saturated");
  begun[0]!.exchange.abort();
  // Free once the peer knows.
  while (isFailure(endpoint.open(GET, begun[0]!.sink))) await delay(1);
  await begun[0]!.sink.until(() => begun[0]!.sink.count("head") === 2);
  assert.equal(upstream.sessions.length, 1);
});

test("replaces a session that has served its number of streams, and lets it finish those it has", async () => {
  let long: http2.ServerHttp2Stream | undefined;
  await using upstream = await Http2Upstream.listen({}, (stream, headers) => {
    if (headers[":path"] !== "/v1/long") return answer(stream, headers);
    long = stream;
    stream.respond({ ":status": 200 });
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxSessionStreams: 5 });
  const { sink } = endpoint.begin({ ...GET, path: "/long" });
  await sink.heard("head");
  for (let n = 0; n < 12; n++) await endpoint.begin().sink.heard("end");
  assert.equal(upstream.sessions.length, 3);
  assert.equal(upstream.sessions[0]!.destroyed, false);
  long!.end("late");
  await sink.heard("end");
  assert.equal(sink.body.toString(), "late");
  await once(upstream.sessions[0]!, "close");
  assert.ok(endpoint.connections <= 2);
});

test("replaces a session that has grown old", async () => {
  await using upstream = await Http2Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxSessionAgeMs: 30 });
  await endpoint.begin().sink.heard("end");
  await once(upstream.sessions[0]!, "close");
  await endpoint.begin().sink.heard("end");
  assert.equal(upstream.sessions.length, 2);
});

test("keeps a worn session in use while it can't be replaced", async () => {
  await using upstream = await Http2Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxSessionStreams: 2, maxConnections: 1 });
  for (let n = 0; n < 6; n++) await endpoint.begin().sink.heard("end");
  assert.equal(upstream.sessions.length, 1);
});

test("closes a session that has been idle for as long as it is kept", async () => {
  await using upstream = await Http2Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { keepAliveMs: 30 });
  await endpoint.begin().sink.heard("end");
  const [code] = (await once(upstream.sessions[0]!, "goaway")) as [number];
  assert.equal(code, 0);
  await once(upstream.sessions[0]!, "close");
  while (endpoint.connections > 0) await delay(1);
  assert.equal(endpoint.wheel.size, 0);
});

test("retire: closes idle sessions now and others after their last stream, and takes nothing new", async () => {
  let long: http2.ServerHttp2Stream | undefined;
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 1 }, (stream, headers) => {
    if (headers[":path"] !== "/v1/long") return answer(stream, headers);
    long = stream;
    stream.respond({ ":status": 200 });
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const { sink } = endpoint.begin({ ...GET, path: "/long" });
  await sink.heard("head");
  await endpoint.begin().sink.heard("end");
  assert.equal(endpoint.connections, 2);
  endpoint.retire();
  await once(upstream.sessions[1]!, "close");
  const refused = endpoint.open(GET, new RecordingSink());
  assert.ok(isFailure(refused));
  assert.equal(refused.kind, "closed");
  long!.end("late");
  await sink.heard("end");
  await once(upstream.sessions[0]!, "close");
  while (endpoint.connections > 0) await delay(1);
});

test("retire: still serves those that wait", async () => {
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 1 }, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 2 });
  const begun = Array.from({ length: 8 }, () => endpoint.begin());
  endpoint.retire();
  await Promise.all(begun.map(({ sink }) => sink.heard("end")));
  while (endpoint.connections > 0) await delay(1);
});

test("destroy: fails everything once with closed, waiting or under way, and leaves no timer", async () => {
  await using upstream = await Http2Upstream.listen({ maxConcurrentStreams: 2 }, (stream) =>
    stream.respond({ ":status": 200 }),
  );
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const begun = Array.from({ length: 6 }, () => endpoint.begin());
  await begun[1]!.sink.heard("head");
  const closed = once(upstream.sessions[0]!, "close");
  endpoint.destroy();
  for (const { sink } of begun) {
    assert.equal(sink.failure?.kind, "closed");
    assert.equal(sink.count("fail"), 1);
  }
  endpoint.destroy();
  await closed;
  assert.equal(endpoint.connections, 0);
  assert.equal(endpoint.outstanding, 0);
  assert.equal(endpoint.wheel.size, 0);
  for (const { sink } of begun) assert.equal(sink.calls.at(-1), "fail");
});

test("says that a refused connection is unreachable, to all that wait for it", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  using endpoint = new FixtureEndpoint(new URL(`http://127.0.0.1:${port}`), { maxStreamsPerSession: 10 });
  const begun = Array.from({ length: 25 }, () => endpoint.begin());
  await Promise.all(begun.map(({ sink }) => sink.heard("fail")));
  for (const { sink } of begun) assert.deepEqual(sink.calls, ["fail"]);
  assert.equal(begun[0]!.sink.failure?.kind, "unreachable");
  assert.equal(begun[0]!.sink.failure.detail, "ECONNREFUSED");
  assert.equal(endpoint.connections, 0);
});
