/** The HTTP/2 transport against a peer whose every frame is written by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure } from "../../src/upstream/exchange.ts";
import { STREAM_WINDOW_BYTES } from "../../src/upstream/http2/settings.ts";
import { FixtureEndpoint, GET, post } from "../unit/upstream/http2/fixture-endpoint.ts";
import {
  FRAME,
  RawPeer,
  data,
  field,
  goaway,
  headers,
  ok,
  pong,
  reset,
  settings,
} from "../unit/upstream/http2/raw-peer.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const REFUSED_STREAM = 7;
const CANCEL = 8;

test("opens no stream before the peer has sent SETTINGS", async () => {
  await using peer = await RawPeer.listen();
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.SETTINGS, 0);
  assert.deepEqual(sink.calls, []);
  assert.equal(connection.count(FRAME.HEADERS), 0);
  connection.send(settings(10));
  await connection.received(FRAME.HEADERS, 1);
  assert.deepEqual(sink.calls, ["sent"]);
});

test("waits for SETTINGS no longer than the connect timeout", async () => {
  await using peer = await RawPeer.listen();
  using endpoint = new FixtureEndpoint(peer.url, { connectTimeoutMs: 40 });
  const { sink } = endpoint.begin();
  await sink.heard("fail");
  assert.equal(sink.failure?.kind, "connect_timeout");
  assert.equal(endpoint.connections, 0);
  assert.equal(endpoint.outstanding, 0);
});

test("waits while the peer allows no streams, and goes on when it does", async () => {
  await using peer = await RawPeer.listen(settings(0));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.SETTINGS, 0);
  connection.send(settings(1));
  await sink.heard("sent");
  assert.equal(peer.connections.length, 1);
});

test("lets a waiter that is given up leave the queue at once", async () => {
  await using peer = await RawPeer.listen();
  using endpoint = new FixtureEndpoint(peer.url);
  const first = endpoint.begin();
  const second = endpoint.begin();
  const connection = await peer.connection(0);
  first.exchange.abort();
  first.exchange.abort();
  assert.equal(endpoint.outstanding, 1);
  connection.send(settings(10));
  await second.sink.heard("sent");
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1, { end: true }));
  await second.sink.heard("end");
  assert.equal(connection.count(FRAME.HEADERS), 1);
  assert.deepEqual(first.sink.calls, []);
});

test("delivers the frames of one read with one flush a stream, and the end after the last flush", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const one = endpoint.begin();
  const two = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(ok(1), data(1, "a"), ok(3), data(3, "x"), data(1, "b"), data(3, "y"), data(1, "c"));
  await Promise.all([one.sink.heard("flush"), two.sink.heard("flush")]);
  assert.deepEqual(one.sink.calls, ["sent", "head", "body", "body", "body", "flush"]);
  assert.deepEqual(two.sink.calls, ["sent", "head", "body", "body", "flush"]);
  connection.send(data(1, "d"), data(1, "e", { end: true }), data(3, "", { end: true }));
  await Promise.all([one.sink.heard("end"), two.sink.heard("end")]);
  assert.deepEqual(one.sink.calls.slice(6), ["body", "body", "flush", "end"]);
  assert.deepEqual(two.sink.calls.slice(5), ["end"]);
  assert.equal(one.sink.body.toString(), "abcde");
  assert.equal(two.sink.body.toString(), "xy");
  assert.equal(endpoint.outstanding, 0);
});

test("ends an answer without a body", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(headers(1, [field(":status", "204"), field("x-a", "1"), field("x-a", "2")], { end: true }));
  await sink.heard("end");
  assert.deepEqual(sink.calls, ["sent", "head", "end"]);
  assert.equal(sink.status, 204);
  assert.deepEqual(sink.headers, ["x-a", "1", "x-a", "2"]);
});

test("passes over 1xx answers and trailers", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(
    headers(1, [field(":status", "100")]),
    headers(1, [field(":status", "103"), field("link", "</a>")]),
    ok(1),
    data(1, "a"),
    headers(1, [field("x-checksum", "1")], { end: true }),
  );
  await sink.heard("end");
  assert.deepEqual(sink.calls, ["sent", "head", "body", "flush", "end"]);
  assert.equal(sink.status, 200);
  assert.deepEqual(sink.headers, []);
});

for (const [what, promised, sent] of [
  ["longer", 3, 4],
  ["shorter", 5, 4],
] as const) {
  test(`fails an answer whose body is ${what} than its content-length`, async () => {
    await using peer = await RawPeer.listen(settings(10));
    using endpoint = new FixtureEndpoint(peer.url);
    const { sink } = endpoint.begin();
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, 1);
    connection.send(headers(1, [field(":status", "200"), field("content-length", String(promised))]));
    connection.send(data(1, "a".repeat(sent), { end: true }));
    await sink.heard("fail");
    assert.equal(sink.failure?.kind, "protocol");
    assert.equal(sink.count("end"), 0);
    assert.equal(sink.count("fail"), 1);
  });
}

for (const status of ["099", "600", "999"]) {
  test(`fails an answer with status ${status}`, async () => {
    await using peer = await RawPeer.listen(settings(10));
    using endpoint = new FixtureEndpoint(peer.url);
    const { sink } = endpoint.begin();
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, 1);
    connection.send(headers(1, [field(":status", status)]));
    await sink.heard("fail");
    assert.equal(sink.failure?.kind, "protocol");
    assert.equal(sink.count("head"), 0);
  });
}

for (const [what, block] of [
  ["three fields of 30 KB", ["a", "b", "c"].map((name) => field(name, "x".repeat(30_000)))],
  ["200 fields", Array.from({ length: 200 }, (_, at) => field(`x-${at}`, "1"))],
] as const) {
  test(`fails an answer with ${what} in its head or trailers, and goes on with the session`, async () => {
    await using peer = await RawPeer.listen(settings(10));
    using endpoint = new FixtureEndpoint(peer.url);
    const head = endpoint.begin();
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, 1);
    connection.send(headers(1, [field(":status", "200"), ...block]));
    await head.sink.heard("fail");
    assert.equal(head.sink.failure?.kind, "protocol");
    const trailers = endpoint.begin();
    const unharmed = endpoint.begin();
    await connection.received(FRAME.HEADERS, 5);
    connection.send(ok(3), headers(3, block, { end: true }));
    await trailers.sink.heard("fail");
    assert.equal(trailers.sink.failure?.kind, "protocol");
    connection.send(ok(5, { end: true }));
    await unharmed.sink.heard("end");
    assert.equal(peer.connections.length, 1);
  });
}

test("ends a session whose peer sends a field of 70 KB, and opens another", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(headers(1, [field(":status", "200"), field("x-large", "x".repeat(70_000))]));
  await sink.heard("fail");
  assert.equal(sink.failure?.kind, "protocol");
  endpoint.begin();
  await (await peer.connection(1)).received(FRAME.HEADERS, 1);
});

for (const [name, code, safeToRetry] of [
  ["REFUSED_STREAM", REFUSED_STREAM, true],
  ["NO_ERROR", NO_ERROR, false],
  ["INTERNAL_ERROR", INTERNAL_ERROR, false],
  ["CANCEL", CANCEL, false],
] as const) {
  test(`fails a stream that is reset with ${name}; safe to retry: ${safeToRetry}`, async () => {
    await using peer = await RawPeer.listen(settings(10));
    using endpoint = new FixtureEndpoint(peer.url);
    const { sink } = endpoint.begin();
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, 1);
    if (safeToRetry) connection.send(reset(1, code));
    else connection.send(ok(1), data(1, "half"), reset(1, code));
    await sink.heard("fail");
    assert.equal(sink.failure?.kind, "disconnected");
    assert.equal(sink.failure.safeToRetry, safeToRetry);
    assert.match(sink.failure.detail, new RegExp(name));
    assert.deepEqual(sink.calls.slice(-2), safeToRetry ? ["sent", "fail"] : ["flush", "fail"]);
    assert.equal(endpoint.outstanding, 0);
    assert.equal(endpoint.connections, 1);
  });
}

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

test("resets a stream at once when it is given up, and says nothing more", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink, exchange } = endpoint.begin();
  const other = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(ok(1), data(1, "a"));
  await sink.heard("flush");
  exchange.abort();
  exchange.abort();
  assert.equal(endpoint.outstanding, 1);
  const calls = sink.calls.length;
  assert.equal((await connection.received(FRAME.RST_STREAM, 1)).payload.readUInt32BE(0), CANCEL);
  connection.send(data(1, "b"), data(1, "c", { end: true }), ok(3, { end: true }));
  await other.sink.heard("end");
  assert.equal(sink.calls.length, calls);
  exchange.pause();
  exchange.resume();
});

test("counts a stream that it reset until the peer has answered a PING sent after the reset", async () => {
  await using peer = await RawPeer.listen(settings(1));
  using endpoint = new FixtureEndpoint(peer.url, { maxConnections: 1 });
  const { sink, exchange } = endpoint.begin();
  await sink.heard("sent");
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.mute = true;
  exchange.abort();
  const ping = await connection.received(FRAME.PING, 0);
  const order = connection.frames.map((frame) => frame.type);
  assert.ok(order.indexOf(FRAME.RST_STREAM) < order.indexOf(FRAME.PING));
  assert.ok(isFailure(endpoint.open(GET, new RecordingSink())));
  connection.send(pong(ping.payload));
  while (isFailure(endpoint.open(GET, sink))) await new Promise((resolve) => setImmediate(resolve));
  await connection.received(FRAME.HEADERS, 3);
});

for (const moment of ["head", "body", "flush"] as const) {
  test(`may be given up from within its own ${moment} call`, async () => {
    await using peer = await RawPeer.listen(settings(10));
    using endpoint = new FixtureEndpoint(peer.url);
    const { sink, exchange } = endpoint.begin();
    const other = endpoint.begin();
    sink.onCall = (call) => {
      if (call === moment) exchange.abort();
    };
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, 3);
    connection.send(ok(1), data(1, "a"), data(1, "b", { end: true }), ok(3), data(3, "x", { end: true }));
    await other.sink.heard("end");
    assert.equal(sink.calls.at(-1), moment);
    assert.equal(sink.count(moment), 1);
    assert.equal(endpoint.outstanding, 0);
    // The place is free again.
    endpoint.begin();
    await connection.received(FRAME.HEADERS, 5);
  });
}

test("may be destroyed from within a body call", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin();
  const other = endpoint.begin();
  sink.onCall = (call) => {
    if (call === "body") endpoint.destroy();
  };
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 3);
  connection.send(ok(1), data(1, "a"), data(1, "b"), ok(3), data(3, "x"));
  await Promise.all([sink.heard("fail"), other.sink.heard("fail"), connection.closed]);
  assert.deepEqual(sink.calls, ["sent", "head", "body", "flush", "fail"]);
  assert.equal(other.sink.failure?.kind, "closed");
  assert.equal(endpoint.connections, 0);
});

test("delivers no more than a window after a pause, and the rest after resuming", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink, exchange } = endpoint.begin();
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  exchange.pause();
  connection.send(ok(1), ...Array.from({ length: 8 }, () => data(1, Buffer.alloc(16_384, 97))));
  await sink.until(() => sink.bodyBytes === STREAM_WINDOW_BYTES);
  assert.equal(connection.frames.filter((frame) => frame.type === FRAME.WINDOW_UPDATE && frame.stream === 1).length, 0);
  exchange.resume();
  const update = await connection.received(FRAME.WINDOW_UPDATE, 1);
  // Less at most the frame in which the pause took hold.
  assert.ok(update.payload.readUInt32BE(0) > STREAM_WINDOW_BYTES - 16_384);
  connection.send(data(1, "end", { end: true }));
  await sink.heard("end");
  assert.equal(sink.bodyBytes, STREAM_WINDOW_BYTES + 3);
});

test("stops sending a request whose answer is complete already", async () => {
  await using peer = await RawPeer.listen(settings(10));
  using endpoint = new FixtureEndpoint(peer.url);
  const { sink } = endpoint.begin(post([Buffer.alloc(1024 * 1024)]));
  const connection = await peer.connection(0);
  await connection.received(FRAME.HEADERS, 1);
  connection.send(ok(1), data(1, "too large", { end: true }));
  await sink.heard("end");
  assert.equal((await connection.received(FRAME.RST_STREAM, 1)).payload.readUInt32BE(0), CANCEL);
  assert.equal(endpoint.outstanding, 0);
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
