/** HTTP/2 streams that are given up, paused or not needed any more, against a peer whose every frame is written by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure } from "../../src/upstream/exchange.ts";
import { STREAM_WINDOW_BYTES } from "../../src/upstream/http2/settings.ts";
import { FixtureEndpoint, GET, post } from "../unit/upstream/http2/fixture-endpoint.ts";
import { FRAME, RawPeer, data, ok, pong, settings } from "../unit/upstream/http2/raw-peer.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";

const CANCEL = 8;

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
