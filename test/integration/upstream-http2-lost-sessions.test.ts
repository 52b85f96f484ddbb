/** HTTP/2 sessions that say GOAWAY, fall silent, break off or misbehave, and what becomes of their streams. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure } from "../../src/upstream/exchange.ts";
import { FixtureEndpoint, GET } from "../unit/upstream/http2/fixture-endpoint.ts";
import { FRAME, RawPeer, data, goaway, ok, settings } from "../unit/upstream/http2/raw-peer.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;

test("after GOAWAY finishes the streams up to the last, fails those beyond as safe to retry, and opens new ones elsewhere", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const first = endpoint.begin();
  const second = endpoint.begin();
  const beyond = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 5);
  connection.send(ok(1), data(1, "a"), goaway(3, NO_ERROR));
  await beyond.sink.heard("fail");
  assert.equal(beyond.sink.failure?.kind, "disconnected");
  assert.equal(beyond.sink.failure.safeToRetry, true);
  const retried = endpoint.begin(GET, { fresh: true });
  const next = await peer.connection(1);
  await next.received(FRAME.HEADERS, 1);
  connection.send(data(1, "b", { end: true }), ok(3), data(3, "c", { end: true }));
  await Promise.all([first.sink.heard("end"), second.sink.heard("end")]);
  assert.equal(first.sink.body.toString(), "ab");
  await connection.closed;
  next.send(ok(1, { end: true }));
  await retried.sink.heard("end");
  assert.equal(connection.count(FRAME.HEADERS), 3);
});

test("closes a session that said GOAWAY even if the peer never closes its half", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  connection.socket.allowHalfOpen = true;
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1, { end: true }), goaway(1, NO_ERROR));
  await sink.heard("end");
  await new Promise((resolve) => connection.socket.once("end", resolve));
  const startMs = performance.now();
  while (endpoint.connections > 0 && performance.now() - startMs < 5000)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(endpoint.connections, 0);
});

test("after GOAWAY with an error, tells apart which streams the peer has worked on", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const worked = endpoint.begin();
  const beyond = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(goaway(1, INTERNAL_ERROR));
  await Promise.all([worked.sink.heard("fail"), beyond.sink.heard("fail")]);
  assert.equal(worked.sink.failure?.safeToRetry, false);
  assert.equal(beyond.sink.failure?.safeToRetry, true);
  assert.equal(worked.sink.failure.kind, "disconnected");
});

test("respects a limit that the peer lowers later", async () => {
  await using peer = await RawPeer.listen(settings(3));
  using endpoint = new FixtureEndpoint(peer.url);
  endpoint.begin();
  endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(settings(2));
  // Ours, and the acknowledgements of both of the peer's.
  await connection.counted(FRAME.SETTINGS, 3);
  const third = endpoint.begin();
  const next = await peer.connection(1);
  await third.sink.heard("sent");
  await next.received(FRAME.HEADERS, 1);
  assert.equal(connection.count(FRAME.HEADERS), 2);
});

test("fails every stream of a lost connection once", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const begun = Array.from({ length: 10 }, () => endpoint.begin());
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 19);
  connection.send(ok(1), data(1, "half"));
  await begun[0]!.sink.heard("flush");
  connection.socket.resetAndDestroy();
  await Promise.all(begun.map(({ sink }) => sink.heard("fail")));
  await new Promise((resolve) => setImmediate(resolve));
  for (const { sink } of begun) {
    assert.equal(sink.count("fail"), 1);
    assert.equal(sink.failure?.kind, "disconnected");
    assert.equal(sink.failure.safeToRetry, false);
  }
  assert.equal(endpoint.connections, 0);
  assert.equal(endpoint.outstanding, 0);
});

test("a request on a session that lay idle and ends before it says anything is safe to retry", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const warm = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1, { end: true }));
  await warm.sink.heard("end");
  const { sink } = endpoint.begin();
  await connection.received(FRAME.HEADERS, 3);
  connection.socket.destroy();
  await sink.heard("fail");
  assert.equal(sink.failure?.kind, "disconnected");
  assert.equal(sink.failure.safeToRetry, true);
});

test("a fresh request avoids an idle session that was used before", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const warm = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1, { end: true }));
  await warm.sink.heard("end");
  endpoint.begin(GET, { fresh: true });
  await (await peer.connection(1)).received(FRAME.HEADERS, 1);
  endpoint.begin();
  await (await peer.connection(1)).received(FRAME.HEADERS, 3);
});

test("gives up a session that has gone silent and does not answer PING", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url, { pingAfterMs: 60, pingTimeoutMs: 40 });
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  connection.mute = true;
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1), data(1, "a"));
  await sink.heard("fail");
  assert.equal(connection.count(FRAME.PING), 1);
  assert.equal(sink.failure?.kind, "disconnected");
  assert.match(sink.failure.detail, /PING/);
  assert.equal(sink.failure.safeToRetry, false);
  await connection.closed;
});

test("keeps a silent session that answers PING", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url, { pingAfterMs: 40, pingTimeoutMs: 2000 });
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.counted(FRAME.PING, 3);
  connection.send(ok(1, { end: true }));
  await sink.heard("end");
});

test("fails what is under way when the peer sends garbage, and serves the next request on a new connection", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const begun = [endpoint.begin(), endpoint.begin()];
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(Buffer.alloc(200, 0xff));
  await Promise.all(begun.map(({ sink }) => sink.heard("fail")));
  for (const { sink } of begun) assert.equal(sink.failure?.kind, "protocol");
  const next = endpoint.begin();
  const second = await peer.connection(1);
  await second.received(FRAME.HEADERS, 1);
  second.send(ok(1, { end: true }));
  await next.sink.heard("end");
});

test("ends a session that floods it with empty frames, within bounds", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1), ...Array.from({ length: 5000 }, () => data(1, "")));
  await sink.heard("fail");
  assert.equal(sink.failure?.kind, "protocol");
});

test("says that a peer which does not speak HTTP/2 is unreachable", async () => {
  await using peer = await RawPeer.listen(Buffer.from("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
  using endpoint = new FixtureEndpoint(peer.url);
  const begun = [endpoint.begin(), endpoint.begin(), endpoint.begin()];
  await Promise.all(begun.map(({ sink }) => sink.heard("fail")));
  for (const { sink } of begun) assert.equal(sink.failure?.kind, "unreachable");
  assert.equal(peer.connections.length, 1);
});

test("says saturated at once when as many wait as the last connection will take", async () => {
  await using peer = await RawPeer.listen();
  using endpoint = new FixtureEndpoint(peer.url, { maxConnections: 2, maxStreamsPerSession: 3 });
  for (let n = 0; n < 6; n++) endpoint.begin();
  assert.equal(endpoint.connections, 2);
  const refused = endpoint.open(GET, new RecordingSink());
  assert.ok(isFailure(refused));
  assert.equal(refused.kind, "saturated");
  assert.equal(endpoint.outstanding, 6);
});
