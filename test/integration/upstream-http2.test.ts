/** The HTTP/2 transport against node:http2's server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { isFailure } from "../../src/upstream/exchange.ts";
import { STREAM_WINDOW_BYTES } from "../../src/upstream/http2/settings.ts";
import { FixtureEndpoint, GET, post } from "../unit/upstream/http2/fixture-endpoint.ts";
import { RecordingSink } from "../unit/upstream/http2/recording-sink.ts";

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A server and what it saw. */
class Upstream implements AsyncDisposable {
  readonly sessions: http2.ServerHttp2Session[] = [];
  readonly server: http2.Http2Server;

  constructor(settings: http2.Settings, handler: Handler) {
    this.server = http2.createServer({ settings, maxSessionMemory: 1000 });
    this.server.on("session", (session) => {
      this.sessions.push(session);
      session.on("error", () => {});
    });
    this.server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      handler(stream, headers);
    });
  }

  static async listen(settings: http2.Settings, handler: Handler): Promise<Upstream> {
    const upstream = new Upstream(settings, handler);
    upstream.server.listen(0, "127.0.0.1");
    await once(upstream.server, "listening");
    return upstream;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

const answer: Handler = (stream) => {
  stream.respond({ ":status": 200 });
  stream.end("done");
};

test("sends pseudo-header fields from its address, its own fields, the request's, and the body", async () => {
  let seen: http2.IncomingHttpHeaders = {};
  const received: Buffer[] = [];
  await using upstream = await Upstream.listen({}, (stream, headers) => {
    seen = headers;
    stream.on("data", (bytes: Buffer) => received.push(bytes));
    stream.on("end", () => answer(stream, headers));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { headers: ["authorization", "Bearer key"] });
  const { sink } = endpoint.begin(post([Buffer.from("{"), Buffer.from("}")], "/chat/completions?a=b"));
  await sink.heard("end");
  assert.deepEqual(
    { ...seen },
    {
      ":method": "POST",
      ":scheme": "http",
      ":authority": upstream.url.host,
      ":path": "/v1/chat/completions?a=b",
      authorization: "Bearer key",
      "content-type": "application/json",
      "content-length": "2",
      ...Object.fromEntries(Object.getOwnPropertySymbols(seen).map((symbol) => [symbol, Reflect.get(seen, symbol)])),
    },
  );
  assert.equal(Buffer.concat(received).toString(), "{}");
  assert.equal(sink.body.toString(), "done");
});

test("refuses a request that names a pseudo-header field, and sends nothing", async () => {
  let streams = 0;
  await using upstream = await Upstream.listen({}, (stream, headers) => {
    streams++;
    answer(stream, headers);
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const waited = endpoint.begin({ ...GET, headers: [":authority", "elsewhere"] });
  await waited.sink.heard("fail");
  assert.equal(waited.sink.failure?.kind, "protocol");
  const refused = endpoint.open({ ...GET, headers: [":path", "/elsewhere"] }, new RecordingSink());
  assert.ok(isFailure(refused));
  await endpoint.begin().sink.heard("end");
  assert.equal(streams, 1);
  assert.equal(endpoint.outstanding, 0);
});

test("carries 1,000 requests within the peer's limit, on as few connections as that takes", async () => {
  const open = new Map<unknown, number>();
  let most = 0;
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 50 }, (stream, headers) => {
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
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 1 }, (stream, headers) => {
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
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 4 }, (stream) => {
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
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 2 }, (stream) =>
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
  await using upstream = await Upstream.listen({}, (stream, headers) => {
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
  await using upstream = await Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxSessionAgeMs: 30 });
  await endpoint.begin().sink.heard("end");
  await once(upstream.sessions[0]!, "close");
  await endpoint.begin().sink.heard("end");
  assert.equal(upstream.sessions.length, 2);
});

test("keeps a worn session in use while it can't be replaced", async () => {
  await using upstream = await Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxSessionStreams: 2, maxConnections: 1 });
  for (let n = 0; n < 6; n++) await endpoint.begin().sink.heard("end");
  assert.equal(upstream.sessions.length, 1);
});

test("closes a session that has been idle for as long as it is kept", async () => {
  await using upstream = await Upstream.listen({}, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { keepAliveMs: 30 });
  await endpoint.begin().sink.heard("end");
  const [code] = (await once(upstream.sessions[0]!, "goaway")) as [number];
  assert.equal(code, 0);
  await once(upstream.sessions[0]!, "close");
  while (endpoint.connections > 0) await delay(1);
  assert.equal(endpoint.wheel.size, 0);
});

test("one frozen stream of 20 MB holds up no other, and arrives whole once it goes on", async () => {
  const size = 20 * 1024 * 1024;
  await using upstream = await Upstream.listen({}, (stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/v1/large") stream.end(Buffer.alloc(size, "x"));
    else stream.end(Buffer.alloc(1024 * 1024, "y"));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const frozen = endpoint.begin({ ...GET, path: "/large" });
  await frozen.sink.heard("body");
  frozen.exchange.pause();
  const before = frozen.sink.bodyBytes;
  for (let round = 0; round < 4; round++) {
    const others = Array.from({ length: 10 }, () => endpoint.begin());
    await Promise.all(others.map(({ sink }) => sink.heard("end")));
    for (const { sink } of others) assert.equal(sink.bodyBytes, 1024 * 1024);
  }
  assert.ok(
    frozen.sink.bodyBytes - before <= 2 * STREAM_WINDOW_BYTES,
    `${frozen.sink.bodyBytes - before} came after the pause`,
  );
  frozen.exchange.resume();
  await frozen.sink.heard("end");
  assert.equal(frozen.sink.bodyBytes, size);
});

test("giving streams up in mid-flow costs the connection none of its window", async () => {
  await using upstream = await Upstream.listen({}, (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(Buffer.alloc(1024 * 1024, "x"));
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  // More than the connection's window of 12.5 MiB would be gone.
  for (let round = 0; round < 30; round++) {
    const begun = Array.from({ length: 8 }, () => endpoint.begin());
    await Promise.all(begun.map(({ sink }) => sink.heard("body")));
    for (const { exchange } of begun) exchange.abort();
  }
  const { sink } = endpoint.begin();
  await sink.heard("end");
  assert.equal(sink.bodyBytes, 1024 * 1024);
  assert.equal(upstream.sessions.length, 1);
});

test("sends a large body whole, and large bodies that are held up break no other answer", async () => {
  const size = 1024 * 1024;
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 100 }, (stream, headers) => {
    // Not read: these uploads stand still once their windows are full.
    if (headers[":path"] === "/v1/held") return;
    let received = 0;
    stream.on("data", (bytes: Buffer) => (received += bytes.length));
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(String(received));
    });
  });
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 1 });
  const body = [Buffer.alloc(size, "a"), Buffer.alloc(0), Buffer.alloc(10, "b")];
  const held = Array.from({ length: 98 }, () => endpoint.begin(post(body, "/held")));
  await Promise.all(held.map(({ sink }) => sink.heard("sent")));
  const { sink } = endpoint.begin(post(body));
  await sink.heard("end");
  assert.equal(sink.body.toString(), String(size + 10));
  for (const { exchange } of held) exchange.abort();
});

test("takes an answer that is complete before the request is, and goes on with the session", async () => {
  await using upstream = await Upstream.listen({}, (stream) => {
    stream.respond({ ":status": 413 });
    stream.end("too large");
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const { sink } = endpoint.begin(post([Buffer.alloc(4 * 1024 * 1024)]));
  await sink.heard("end");
  assert.equal(sink.status, 413);
  assert.equal(sink.body.toString(), "too large");
  assert.equal(endpoint.outstanding, 0);
  await endpoint.begin(post([Buffer.from("x")])).sink.heard("end");
  assert.equal(upstream.sessions.length, 1);
});

test("lets go of the body once it is sent, while the answer is still to come", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  await using upstream = await Upstream.listen({}, (stream) => {
    stream.on("end", () => stream.respond({ ":status": 200 }));
    stream.resume();
  });
  using endpoint = new FixtureEndpoint(upstream.url);
  const begin = (sizeBytes: number): { readonly sink: RecordingSink; readonly body: WeakRef<Uint8Array> } => {
    const bytes = new Uint8Array(sizeBytes);
    return { sink: endpoint.begin(post([bytes])).sink, body: new WeakRef(bytes) };
  };
  const begun = [begin(1000), begin(1_000_000)];
  await Promise.all(begun.map(({ sink }) => sink.heard("head")));
  const deadlineMs = performance.now() + 5000;
  while (begun.some(({ body }) => body.deref() !== undefined) && performance.now() < deadlineMs) {
    await delay(5);
    collect();
  }
  assert.deepEqual(
    begun.map(({ body }) => body.deref()),
    [undefined, undefined],
  );
  assert.equal(endpoint.outstanding, 2);
});

test("retire: closes idle sessions now and others after their last stream, and takes nothing new", async () => {
  let long: http2.ServerHttp2Stream | undefined;
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 1 }, (stream, headers) => {
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
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 1 }, answer);
  using endpoint = new FixtureEndpoint(upstream.url, { maxConnections: 2 });
  const begun = Array.from({ length: 8 }, () => endpoint.begin());
  endpoint.retire();
  await Promise.all(begun.map(({ sink }) => sink.heard("end")));
  while (endpoint.connections > 0) await delay(1);
});

test("destroy: fails everything once with closed, waiting or under way, and leaves no timer", async () => {
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 2 }, (stream) =>
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

test("leaves nothing behind after hundreds of requests, given up at any moment", async () => {
  await using upstream = await Upstream.listen({ maxConcurrentStreams: 20 }, (stream) => {
    stream.respond({ ":status": 200 });
    let left = 5;
    const timer = setInterval(() => {
      if (stream.destroyed) return clearInterval(timer);
      if (left-- > 0) stream.write("token ");
      else {
        clearInterval(timer);
        stream.end();
      }
    }, 1);
  });
  using endpoint = new FixtureEndpoint(upstream.url, { keepAliveMs: 20 });
  const begun = Array.from({ length: 600 }, () => endpoint.begin());
  const ending = begun.map(async ({ sink, exchange }, at) => {
    if (at % 3 === 0) return sink.heard("end");
    if (at % 3 === 1) await sink.heard((["sent", "head", "body", "flush"] as const)[at % 4]!);
    exchange.abort();
  });
  await Promise.all(ending);
  while (endpoint.connections > 0) await delay(2);
  assert.equal(endpoint.outstanding, 0);
  assert.equal(endpoint.wheel.size, 0);
  for (const [at, { sink }] of begun.entries()) {
    assert.equal(sink.count("fail"), 0);
    if (at % 3 === 0) assert.equal(sink.body.toString(), "token ".repeat(5));
  }
});
