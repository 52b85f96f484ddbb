/** Upstreams that break HTTP or their word: each fault has its code, and the next request is served. */
import assert from "node:assert/strict";
import net from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { rawPost } from "../support/raw-client.ts";
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

const CHAT = "/v1/chat/completions";
const ANSWER = '{"id":"c","choices":[]}';
const TIMEOUTS = "timeouts: { connect: 1s, first_byte: 300ms, idle: 300ms, total: 3s }";

interface Fault {
  readonly name: string;
  readonly stream?: boolean;
  script(request: ReceivedRequest): void;
  readonly status: number;
  /** In the header, or in the error event of a stream that has begun. */
  readonly code: string;
  /** The connection of the fault may carry the next request. */
  readonly reusable?: boolean;
}

const say = (text: string | Buffer) => (request: ReceivedRequest) => void request.socket.write(text);
const reset = (text: string | Buffer) => (request: ReceivedRequest) =>
  void request.socket.write(text, () => setImmediate(() => request.socket.resetAndDestroy()));
const hangUp = (text: string | Buffer) => (request: ReceivedRequest) => void request.socket.end(text);
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const invalid = { status: 502, code: "upstream_invalid" };
const cut = { status: 502, code: "upstream_disconnected" };
const cutStream = { stream: true, status: 200, code: "upstream_disconnected" };

const FAULTS: readonly Fault[] = [
  { name: "a hang-up before the head", script: hangUp(""), ...cut },
  { name: "a reset before the head", script: reset(""), ...cut },
  { name: "half a status line and a hang-up", script: hangUp("HTTP/1.1 20"), ...cut },
  { name: "half a head and a reset", script: reset("HTTP/1.1 200 OK\r\ncontent-ty"), ...cut },
  {
    name: "a reset within a JSON body",
    script: reset(`${HEAD}content-length: 23\r\n\r\n${ANSWER.slice(0, 9)}`),
    ...cut,
  },
  {
    name: "a hang-up within a JSON body",
    script: hangUp(`${HEAD}content-length: 23\r\n\r\n${ANSWER.slice(0, 9)}`),
    ...cut,
  },
  {
    name: "JSON cut short that ends with the connection",
    script: hangUp(`${HEAD}\r\n${ANSWER.slice(0, 9)}`),
    ...invalid,
  },
  {
    name: "JSON cut short under a right length",
    script: say(response(200, ANSWER.slice(0, 9))),
    ...invalid,
    reusable: true,
  },
  { name: "an empty 200", script: say(response(200, "")), ...invalid, reusable: true },
  {
    name: "silence after the head",
    script: say(`${HEAD}content-length: 23\r\n\r\n`),
    status: 504,
    code: "upstream_first_byte_timeout",
  },
  {
    name: "a head that never ends",
    script: drip("HTTP/1.1 200 OK\r\n", "x-more: 1\r\n"),
    status: 504,
    code: "upstream_first_byte_timeout",
  },
  {
    name: "HTML under 200",
    script: say(response(200, "<html>sign in</html>", { "content-type": "text/html" })),
    ...invalid,
  },
  {
    name: "HTML that claims to be JSON",
    script: say(response(200, "<html>sign in</html>")),
    ...invalid,
    reusable: true,
  },
  { name: "no content-type", script: say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), ...invalid },
  {
    name: "an event stream nobody asked for",
    script: say(STREAM_HEAD + chunk(tokenEvent("a")).toString()),
    ...invalid,
  },
  { name: "gzip unasked", script: say(response(200, ANSWER, { "content-encoding": "gzip" })), ...invalid },
  { name: "a redirect", script: say(response(302, "", { location: "http://127.0.0.1:1/" })), ...invalid },
  { name: "304", script: say("HTTP/1.1 304 X\r\n\r\n"), ...invalid },
  { name: "204", script: say("HTTP/1.1 204 X\r\n\r\n"), ...invalid },
  { name: "101", script: say("HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"), ...invalid },
  { name: "a hundred interim answers", script: say("HTTP/1.1 102 X\r\n\r\n".repeat(100)), ...invalid },
  { name: "something that is not HTTP", script: say("SSH-2.0-OpenSSH_9.2\r\n"), ...invalid },
  { name: "a broken chunk size", script: say(`${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}`), ...invalid },
  {
    name: "half a chunk and a hang-up",
    script: hangUp(`${HEAD}transfer-encoding: chunked\r\n\r\n10\r\n{"id"`),
    ...cut,
  },
  {
    name: "length and chunks at once",
    script: say(`${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    ...invalid,
  },
  { name: "a 100 MB header", script: pour(100, "HTTP/1.1 200 OK\r\nx: "), ...invalid },
  { name: "garbage instead of a stream", stream: true, script: say(`${STREAM_HEAD}7\r\n<html/>\r\n`), ...invalid },
  {
    name: "HTML instead of a stream",
    stream: true,
    script: say(response(200, "<html/>", { "content-type": "text/html" })),
    ...invalid,
  },
  { name: "an empty stream", stream: true, script: say(STREAM_HEAD + LAST_CHUNK), ...invalid, reusable: true },
  { name: "a stream that is reset", script: reset(STREAM_HEAD + chunk(tokenEvent("a")).toString()), ...cutStream },
  {
    name: "a stream that is hung up on",
    script: hangUp(STREAM_HEAD + chunk(tokenEvent("a")).toString()),
    ...cutStream,
  },
  {
    name: "a stream cut within an event",
    script: hangUp(`${STREAM_HEAD}${chunk(tokenEvent("a")).toString()}6\r\ndata: \r\n`),
    ...cutStream,
  },
  {
    name: "a stream cut within a chunk",
    script: hangUp(`${STREAM_HEAD}${chunk(tokenEvent("a")).toString()}ff\r\ndata: `),
    ...cutStream,
  },
  {
    name: "a stream with a broken chunk",
    stream: true,
    script: say(`${STREAM_HEAD}${chunk(tokenEvent("a")).toString()}zz\r\n`),
    status: 200,
    code: "upstream_invalid",
  },
  {
    name: "a stream that HTTP ends and its dialect does not",
    script: say(STREAM_HEAD + chunk(tokenEvent("a")).toString() + LAST_CHUNK),
    ...cutStream,
    reusable: true,
  },
];

/** Goes on for ever, a line every few milliseconds. */
function drip(head: string, line: string): (request: ReceivedRequest) => void {
  return ({ socket }) => {
    socket.write(head);
    const timer = setInterval(() => socket.write(line), 10);
    socket.once("close", () => clearInterval(timer));
  };
}

/** So many megabytes without a line end. */
function pour(megabytes: number, head: string, end = ""): (request: ReceivedRequest) => void {
  return ({ socket }) => {
    socket.write(head);
    const piece = Buffer.alloc(1_000_000, "x");
    let sent = 0;
    const more = (): void => {
      while (sent < megabytes && !socket.destroyed) {
        sent++;
        if (!socket.write(piece)) return void socket.once("drain", more);
      }
      if (end !== "") socket.write(end);
    };
    more();
  };
}

for (const fault of FAULTS) {
  test(`${fault.name}: ${fault.code}, and the next request is served as if nothing had happened`, async () => {
    let faulty = true;
    await using upstream = await startScripted((request) => {
      if (faulty) fault.script(request);
      else request.socket.write(response(200, ANSWER));
    });
    await using gateway = await startGateway(configFor(upstream.url, { upstream: TIMEOUTS }));
    const answer = await post(`${gateway.url}${CHAT}`, chat({ stream: fault.stream === true }));
    const text = await answer.text();
    assert.equal(answer.status, fault.status);
    assert.ok(text.includes(`"code":"${fault.code}"`), text);
    assert.ok(!text.includes("127.0.0.1"), "no address of ours");
    if (fault.status === 200) {
      assert.ok(text.startsWith(tokenEvent("a")));
      assert.match(text, /\n\ndata: \{"error":[^\n]+\n\n$/, "the error is an event of its own");
      assert.ok(!text.includes("[DONE]"));
    } else assert.equal(answer.headers.get("x-headwaiter-error"), fault.code);
    const line = await gateway.access();
    assert.equal(line.outcome, fault.status === 200 ? "upstream_cut" : "upstream_failed");
    assert.equal(line.code, fault.code);

    faulty = false;
    if (fault.reusable !== true) await upstream.allClosed();
    const next = await post(`${gateway.url}${CHAT}`, chat());
    assert.equal(await next.text(), ANSWER);
    assert.equal(upstream.accepted, fault.reusable === true ? 1 : 2);
  });
}

test("a refused connection: upstream_unreachable, and served once somebody listens", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  await using gateway = await startGateway(configFor(`http://127.0.0.1:${port}`));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(answer.status, 502);
  assert.equal(answer.headers.get("x-headwaiter-error"), "upstream_unreachable");
  assert.ok(!(await answer.text()).includes(String(port)));
  const back = net.createServer((socket) => socket.on("data", () => socket.write(response(200, ANSWER))));
  back.listen(port, "127.0.0.1");
  await once(back, "listening");
  assert.equal(await (await post(`${gateway.url}${CHAT}`, chat())).text(), ANSWER);
  back.close();
});

test("interim answers before the real one are passed over", async () => {
  await using upstream = await startScripted(
    say(
      `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${response(200, ANSWER).toString()}`,
    ),
  );
  await using gateway = await startGateway(configFor(upstream.url));
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(await answer.text(), ANSWER);
  assert.equal(answer.headers.get("link"), null);
});

test("a byte too many after an answer: the answer counts, the connection does not", async () => {
  await using upstream = await startScripted(say(`${response(200, ANSWER).toString()}X`));
  await using gateway = await startGateway(configFor(upstream.url));
  for (let i = 1; i <= 3; i++) {
    assert.equal(await (await post(`${gateway.url}${CHAT}`, chat())).text(), ANSWER);
    assert.equal(upstream.accepted, i);
  }
});

test("a second answer on an idle connection is never taken for the next request's", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(response(200, ANSWER), () => setImmediate(() => socket.write(response(200, '{"poisoned":true}'))));
  });
  await using gateway = await startGateway(configFor(upstream.url));
  for (let i = 0; i < 5; i++) {
    assert.equal(await (await post(`${gateway.url}${CHAT}`, chat())).text(), ANSWER);
    await upstream.allClosed();
  }
});

test("an idle connection that the upstream has closed costs one fresh attempt and no error", async () => {
  await using upstream = await startScripted(({ socket, index }) => {
    if (index > 0) socket.resetAndDestroy();
    else socket.write(response(200, ANSWER));
  });
  await using gateway = await startGateway(configFor(upstream.url));
  await (await post(`${gateway.url}${CHAT}`, chat())).text();
  const answer = await post(`${gateway.url}${CHAT}`, chat());
  assert.equal(await answer.text(), ANSWER);
  assert.equal(answer.headers.get("x-headwaiter-attempts"), "2");
});

test("an event of 300 MB without a line end passes whole, in bounded memory", async () => {
  const size = 300_000_000;
  await using upstream = await startScripted((request) =>
    pour(
      300,
      `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${(size + 6).toString(16)}\r\ndata: `,
      `\r\n${chunk(`\n\n${DONE_EVENTS}`).toString()}${LAST_CHUNK}`,
    )(request),
  );
  await using gateway = await startGateway(configFor(upstream.url, { upstream: "timeouts: { total: 30s }" }));
  const before = process.memoryUsage.rss();
  let bytes = 0;
  let peak = 0;
  // One buffer for all reads, so that what grows is not the client's.
  const client = net.connect({
    port: gateway.port,
    host: "127.0.0.1",
    onread: {
      buffer: Buffer.alloc(65_536),
      callback(length) {
        bytes += length;
        peak = Math.max(peak, process.memoryUsage.rss());
        return true;
      },
    },
  });
  client.write(rawPost(CHAT, chat({ stream: true }), ["connection: close"]));
  await once(client, "close");
  assert.ok(bytes > size);
  assert.ok(peak - before < 150_000_000, `RSS rose by ${Math.round((peak - before) / 1e6)} MB`);
  assert.equal((await gateway.access()).outcome, "completed");
});
