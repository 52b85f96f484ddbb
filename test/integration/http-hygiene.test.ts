import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import type { RawAnswer } from "../support/raw-client.ts";
import {
  DONE_EVENTS,
  LAST_CHUNK,
  STREAM_HEAD,
  chunk,
  response,
  startScripted,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";

const ANSWER = '{"id":"c","choices":[]}';
const CHAT = "/v1/chat/completions";
const HEALTH = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";

/** An upstream that answers everything, streamed where that was asked for, and a gateway before it. */
async function startBoth(rest = ""): Promise<AsyncDisposable & { upstream: ScriptedUpstream; gateway: TestGateway }> {
  const upstream = await startScripted(({ socket, body }) => {
    if (body.includes('"stream":true')) {
      socket.write(STREAM_HEAD);
      socket.write(chunk(tokenEvent("a") + DONE_EVENTS));
      socket.write(LAST_CHUNK);
    } else socket.write(response(200, ANSWER));
  });
  const gateway = await startGateway(configFor(upstream.url).replace("port: 0, drain", `${rest}port: 0, drain`));
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function assertRefusal(answer: RawAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.head);
  assert.equal(answer.header("x-headwaiter-error"), code);
  assert.match(answer.header("x-request-id") ?? "", /^[A-Za-z0-9._:-]{1,128}$/);
  assert.equal(answer.header("content-type"), "application/json");
  const { error } = JSON.parse(answer.body) as { error: { message: string; type: string; code: string } };
  assert.equal(error.code, code);
  assert.ok(error.message.length > 0);
  assert.equal(typeof error.type, "string");
}

const DOUBTFUL: readonly (readonly [name: string, request: string])[] = [
  ["two Host fields", `GET /healthz HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n`],
  [
    "a second Host behind 2,000 other fields",
    `GET /healthz HTTP/1.1\r\nhost: a\r\n${"a:\r\n".repeat(2500)}host: b\r\n\r\n`,
  ],
  ["no Host field", "GET /healthz HTTP/1.1\r\n\r\n"],
  ["Transfer-Encoding in HTTP/1.0", `POST ${CHAT} HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  [
    "Transfer-Encoding beside Content-Length",
    `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["two Content-Lengths", `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
  ["a signed Content-Length", `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: +2\r\n\r\n{}`],
  [
    "a transfer coding besides chunked",
    `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["an absolute-form target", "GET http://elsewhere.test/healthz HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["an asterisk target", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["a body on GET", "GET /healthz HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"],
  ["a chunked body on HEAD", "HEAD /healthz HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a version other than 1.0 and 1.1", "GET /healthz HTTP/2.0\r\nhost: a\r\n\r\n"],
  ["a bare LF", "GET /healthz HTTP/1.1\nhost: a\n\n"],
  ["a folded header", "GET /healthz HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n"],
  ["a space before the colon", "GET /healthz HTTP/1.1\r\nhost : a\r\n\r\n"],
  ["a NUL in a header", "GET /healthz HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n"],
  ["something that is not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"],
];

for (const [name, request] of DOUBTFUL) {
  test(`${name} is refused with 400, and nothing pipelined behind it is served`, async () => {
    await using both = await startBoth();
    using client = rawClient(both.gateway.port);
    client.send(request + rawPost(CHAT, chat()));
    // A refused HEAD has no body to look at.
    if (request.startsWith("HEAD")) assert.match(await client.until("\r\n\r\n"), /^HTTP\/1.1 400 /);
    else assertRefusal(await client.answer(), 400, "bad_request");
    await client.closed;
    assert.equal(client.received.match(/HTTP\/1.1 \d/g)?.length, 1, "one answer");
    assert.equal(both.upstream.requests.length, 0);
  });
}

test("a head of more than 32 KiB gets 431, also while the client is still sending it", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(`GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(40 * 1024)}`);
  for (let i = 0; i < 20; i++) client.send("y".repeat(64 * 1024));
  assertRefusal(await client.answer(), 431, "headers_too_large");
  await client.closed;
});

test("a head that comes too slowly gets 408 and the connection ends", async () => {
  await using gateway = await startGateway(
    configFor("http://127.0.0.1:9"),
    {},
    { headersMs: 100, checkIntervalMs: 20 },
  );
  using client = rawClient(gateway.port);
  client.send("GET /healthz HTTP/1.1\r\nhost: a\r\n");
  assertRefusal(await client.answer(), 408, "request_timeout");
  await client.closed;
});

test("a body that comes too slowly gets 408, and its call is settled", async () => {
  const slow = { headersMs: 100, requestMs: 200, checkIntervalMs: 20 };
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"), {}, slow);
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat()).slice(0, -5));
  assertRefusal(await client.answer(), 408, "request_timeout");
  await client.closed;
  assert.equal((await gateway.access()).status, 0);
  assert.equal(gateway.loop.calls, 0);
});

test("a refused client that neither reads on nor closes is cut off after a moment", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port, { allowHalfOpen: true });
  client.send("NOT HTTP\r\n\r\n");
  await client.until("bad_request");
  assert.equal(both.gateway.loop.openSockets(), 1);
  await waitUntil(() => both.gateway.loop.openSockets() === 0);
});

test("an idle connection is closed after the keep-alive time", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"), {}, { keepAliveMs: 50 });
  using client = rawClient(gateway.port);
  client.send(HEALTH);
  assert.equal((await client.answer()).status, 200);
  await client.closed;
});

test("Expect: 100-continue gets its 100, and then the answer", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  const body = chat();
  client.send(rawPost(CHAT, body, ["expect: 100-continue"]).slice(0, -body.length));
  await client.until("HTTP/1.1 100 Continue\r\n\r\n");
  client.send(body);
  assert.equal((await client.answer()).body, ANSWER);
});

test("Expect: 100-continue with a body declared too large gets 413 and no 100", async () => {
  await using both = await startBoth("max_body_size: 1KiB, ");
  using client = rawClient(both.gateway.port);
  client.send(`POST ${CHAT} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1025\r\n\r\n`);
  assertRefusal(await client.answer(), 413, "body_too_large");
  assert.ok(!client.received.includes("100 Continue"));
  await client.closed;
});

test("any other expectation gets 417", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(rawPost(CHAT, chat(), ["expect: a-miracle"]));
  assertRefusal(await client.answer(), 417, "expectation_failed");
  await client.closed;
  assert.equal(both.upstream.requests.length, 0);
});

for (const framing of ["declared", "chunked"] as const) {
  test(`a body too large (${framing}) gets 413 while it is still being sent, and the connection ends`, async () => {
    await using both = await startBoth("max_body_size: 1KiB, ");
    using client = rawClient(both.gateway.port);
    const field = framing === "declared" ? "content-length: 4000000" : "transfer-encoding: chunked";
    client.send(`POST ${CHAT} HTTP/1.1\r\nhost: a\r\n${field}\r\n\r\n`);
    const piece = "x".repeat(40_000);
    for (let i = 0; i < 100; i++) client.send(framing === "declared" ? piece : `9c40\r\n${piece}\r\n`);
    if (framing === "chunked") client.send(LAST_CHUNK);
    client.send(rawPost(CHAT, chat()));
    const answer = await client.answer();
    assertRefusal(answer, 413, "body_too_large");
    assert.equal(answer.header("connection"), "close");
    await client.closed;
    assert.equal(client.received.match(/HTTP\/1.1 \d/g)?.length, 1, "one answer");
    assert.equal(both.upstream.requests.length, 0);
    assert.equal((await both.gateway.access()).code, "body_too_large");
  });
}

test("a body of exactly max_body_size passes, and one byte more does not", async () => {
  await using both = await startBoth("max_body_size: 1KiB, ");
  using client = rawClient(both.gateway.port);
  const filler = (bytes: number): string => {
    const empty = chat({ user: "" });
    return chat({ user: "x".repeat(bytes - empty.length) });
  };
  client.send(rawPost(CHAT, filler(1024)));
  assert.equal((await client.answer()).status, 200);
  client.send(rawPost(CHAT, filler(1025)));
  assertRefusal(await client.answer(), 413, "body_too_large");
});

test("pipelined requests are answered in their order, streams among them", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(
    rawPost(CHAT, chat()) + rawPost(CHAT, chat({ stream: true })) + HEALTH + rawPost(CHAT, "{") + rawPost(CHAT, chat()),
  );
  assert.equal((await client.answer()).body, ANSWER);
  assert.equal((await client.answer()).body, tokenEvent("a") + DONE_EVENTS);
  assert.equal((await client.answer()).body, '{"status":"ok"}');
  assertRefusal(await client.answer(), 400, "invalid_json");
  assert.equal((await client.answer()).body, ANSWER);
});

test("sixteen requests may wait behind an answer under way; one more closes the connection", async () => {
  const held: (() => void)[] = [];
  await using upstream = await startScripted(({ socket }) => void held.push(() => socket.write(response(200, ANSWER))));
  await using gateway = await startGateway(configFor(upstream.url));
  using patient = rawClient(gateway.port);
  patient.send(rawPost(CHAT, chat()) + HEALTH.repeat(16));
  using greedy = rawClient(gateway.port);
  greedy.send(rawPost(CHAT, chat()) + HEALTH.repeat(17));
  await greedy.closed;
  assert.equal(greedy.received, "");
  held[0]?.();
  for (let i = 0; i < 17; i++) assert.equal((await patient.answer()).status, 200);
});

test("an HTTP/1.0 client gets a stream without chunks, ended by the close, even if it claims to take chunks", async () => {
  await using both = await startBoth();
  for (const fields of ["", "TE: chunked\r\n", "connection: keep-alive\r\n"]) {
    using client = rawClient(both.gateway.port);
    const body = chat({ stream: true });
    client.send(`POST ${CHAT} HTTP/1.0\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`);
    await client.closed;
    const answer = await client.answer();
    assert.equal(answer.header("transfer-encoding"), undefined);
    assert.equal(answer.body, tokenEvent("a") + DONE_EVENTS);
  }
});

test("a connection carries the next request after a stream, a refusal and an answer", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  for (let i = 0; i < 3; i++) {
    client.send(rawPost(CHAT, chat({ stream: true })));
    assert.equal((await client.answer()).body, tokenEvent("a") + DONE_EVENTS);
    client.send(rawPost(CHAT, "[]"));
    assertRefusal(await client.answer(), 400, "invalid_json");
    client.send(rawPost(CHAT, chat()));
    assert.equal((await client.answer()).body, ANSWER);
  }
  assert.equal(both.gateway.loop.openSockets(), 2, "one client, one upstream");
});

test("HEAD gets the head alone", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(`HEAD /healthz HTTP/1.1\r\nhost: a\r\n\r\n${HEALTH}`);
  const both200 = await client.until('{"status":"ok"}');
  assert.match(
    both200,
    /^HTTP\/1.1 200 OK\r\n(?:[^\r]+\r\n)*content-length: 15\r\n(?:[^\r]+\r\n)*\r\nHTTP\/1.1 200 OK/i,
  );
});

test("an unknown path gets 404, an unknown method 405 with what is allowed, and the connection lives on", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send("GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n");
  assertRefusal(await client.answer(), 404, "route_not_found");
  for (const path of [
    "/v1/chat/completions/",
    "//v1/chat/completions",
    "/v1/../v1/chat/completions",
    "/V1/chat/completions",
  ]) {
    client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    assertRefusal(await client.answer(), 404, "route_not_found");
  }
  client.send(`GET ${CHAT} HTTP/1.1\r\nhost: a\r\n\r\n`);
  const notGet = await client.answer();
  assertRefusal(notGet, 405, "method_not_allowed");
  assert.equal(notGet.header("allow"), "POST");
  client.send("DELETE /v1/models HTTP/1.1\r\nhost: a\r\n\r\n");
  const notDelete = await client.answer();
  assertRefusal(notDelete, 405, "method_not_allowed");
  assert.equal(notDelete.header("allow"), "GET, HEAD");
  client.send(HEALTH);
  assert.equal((await client.answer()).status, 200);
});

test("a small body on an unknown route is dropped, and the connection serves the next request", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(rawPost("/nowhere", chat()) + rawPost(CHAT, chat()));
  assertRefusal(await client.answer(), 404, "route_not_found");
  assert.equal((await client.answer()).status, 200);
  assert.equal(both.upstream.requests.length, 1);
});

test("CONNECT opens no tunnel", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send(`CONNECT 127.0.0.1:80 HTTP/1.1\r\nhost: a\r\n\r\n${HEALTH}`);
  await client.closed;
  assert.ok(!client.received.includes(" 200 "));
});

test("an offer to upgrade is passed over", async () => {
  await using both = await startBoth();
  using client = rawClient(both.gateway.port);
  client.send("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  const answer = await client.answer();
  assert.equal(answer.status, 200);
  assert.equal(answer.header("upgrade"), undefined);
});

test("garbage behind a request whose stream is under way ends that connection, and adds nothing to the stream", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD);
    socket.write(chunk(tokenEvent("a")));
  });
  await using gateway = await startGateway(configFor(upstream.url));
  using client = rawClient(gateway.port);
  client.send(rawPost(CHAT, chat({ stream: true })));
  await client.until("data: ");
  client.send("\0garbage\r\n\r\n");
  await client.closed;
  assert.equal(client.received.match(/HTTP\/1.1 \d/g)?.length, 1, "one answer");
  assert.ok(!client.received.endsWith(LAST_CHUNK));
  await upstream.allClosed();
});

test("a client that does not take a whole answer is cut off after the stall timeout", async () => {
  const large = JSON.stringify({ id: "x".repeat(250_000) });
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, large)));
  await using gateway = await startGateway(configFor(upstream.url, { rest: "streams: { stall_timeout: 200ms }" }));
  using client = rawClient(gateway.port);
  client.socket.pause();
  // The kernel takes some megabytes for a client that does not read; then the rest of an answer waits in the gateway.
  let sent = 0;
  await waitUntil(() => {
    if (sent - gateway.accessLines.length < 8) {
      sent++;
      client.send(rawPost(CHAT, chat()));
    }
    return sent > 8 && gateway.loop.openSockets() === 1;
  }, "the client is cut off and the upstream's connection is left");
});
