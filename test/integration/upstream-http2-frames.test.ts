/** The HTTP/2 transport against a peer whose every frame is written by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FixtureEndpoint } from "../unit/upstream/http2/fixture-endpoint.ts";
import { FRAME, RawPeer, data, field, headers, ok, reset, settings } from "../unit/upstream/http2/raw-peer.ts";

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
