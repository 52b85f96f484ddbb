import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, configFor, startGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { LAST_CHUNK, STREAM_HEAD, DONE_EVENTS, chunk, response, startScripted } from "../support/scripted-upstream.ts";

const CHAT = "/v1/chat/completions";

/** Names and values of a head as they stand. */
function fields(head: string): string[] {
  return head
    .split("\r\n")
    .slice(1)
    .map((line) => line.toLowerCase().replace(/:\s*/, ": "));
}

test("only the allow-list goes upstream, whatever a client sends", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  using client = rawClient(gateway.port);
  const sent = [
    "authorization: Bearer client-key",
    "x-api-key: client-key",
    "x-goog-api-key: client-key",
    "x-headwaiter-upstream: elsewhere",
    "x-forwarded-for: 1.2.3.4",
    "x-forwarded-host: evil.test",
    "forwarded: for=1.2.3.4",
    "via: 1.1 somebody",
    "cookie: a=b",
    "te: trailers",
    "keep-alive: timeout=1",
    "proxy-authorization: Basic eDp5",
    "proxy-connection: keep-alive",
    "upgrade: h2c",
    "connection: x-hop, upgrade",
    "x-hop: 1",
    "accept-encoding: gzip, br",
    "openai-organization: org-client",
    "user-agent: client/1",
    "x-custom: 1",
    "idempotency-key: idem-1",
    "openai-beta: assistants=v2",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-request-id: req-1",
  ];
  client.send(rawPost(`${CHAT}?key=client-key&api-version=1`, chat(), sent));
  assert.equal((await client.answer()).status, 200);
  const [request] = upstream.requests;
  assert.match(request!.head, /^POST \/v1\/chat\/completions HTTP\/1.1\r\n/);
  assert.deepEqual(fields(request!.head).toSorted(), [
    "accept-encoding: identity",
    "accept: application/json",
    "authorization: bearer sk-test-upstream-key",
    `content-length: ${chat().length}`,
    "content-type: application/json",
    `host: ${new URL(upstream.url).host}`,
    "idempotency-key: idem-1",
    "openai-beta: assistants=v2",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "user-agent: headwaiter",
    "x-request-id: req-1",
  ]);
});

test("a well-formed x-request-id is kept, any other replaced", async () => {
  await using gateway = await startGateway(configFor("http://127.0.0.1:9"));
  using client = rawClient(gateway.port);
  const ask = async (id: string): Promise<string | undefined> => {
    client.send(`GET /healthz HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\n\r\n`);
    return (await client.answer()).header("x-request-id");
  };
  assert.equal(await ask("abc_DEF-1.2:3"), "abc_DEF-1.2:3");
  assert.equal(await ask("x".repeat(128)), "x".repeat(128));
  for (const bad of ["", "a b", "x".repeat(129), "a,b", '"quoted"', "über", "a\tb", "<script>"]) {
    assert.match((await ask(bad)) ?? "", /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  }
});

test("nothing in a forwarded value becomes a field of its own", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  for (const value of ["a\nx-injected: 1", "a\rx-injected: 1", "a\0b"]) {
    using client = rawClient(gateway.port);
    client.send(rawPost(CHAT, chat(), [`idempotency-key: ${value}`]));
    const refused = await client.answer();
    assert.equal(refused.status, 400);
    await client.closed;
  }
  using client = rawClient(gateway.port);
  // A line that is a field of its own for the client's parser is one for ours too, and not on the list.
  client.send(rawPost(CHAT, chat({ model: "a\r\nx-injected: 1" }), ["idempotency-key: \u00e9 a", "x-injected: 1"]));
  assert.equal((await client.answer()).status, 200);
  assert.equal(upstream.requests.length, 1);
  assert.equal(upstream.requests[0]?.header("x-injected"), undefined);
});

test("what an upstream says in its head is not passed on beyond the allow-list", async () => {
  const said = {
    "set-cookie": "session=1",
    location: "http://evil.test/",
    "x-headwaiter-error": "internal",
    "x-headwaiter-upstream": "forged",
    "x-request-id": "forged",
    "access-control-allow-origin": "*",
    server: "uvicorn",
    "strict-transport-security": "max-age=1",
    "alt-svc": 'h3=":443"',
    "openai-organization": "org-secret",
    "content-disposition": "attachment",
    "cache-control": "public",
    "www-authenticate": "Basic",
    "openai-processing-ms": "12",
    "openai-version": "2020-10-01",
  };
  for (const status of [200, 400]) {
    await using upstream = await startScripted(({ socket, body }) => {
      if (status === 200 && body.includes('"stream":true')) {
        const lines = Object.entries(said)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join("");
        socket.write(STREAM_HEAD.replace("\r\n", `\r\n${lines}`) + chunk(DONE_EVENTS).toString() + LAST_CHUNK);
      } else socket.write(response(status, status === 200 ? '{"id":"x"}' : '{"error":{"message":"m"}}', said));
    });
    await using gateway = await startGateway(configFor(upstream.url));
    for (const stream of [false, true]) {
      using client = rawClient(gateway.port);
      client.send(rawPost(CHAT, chat({ stream }), ["x-request-id: mine"]));
      const answer = await client.answer();
      assert.equal(answer.status, status);
      const names = fields(answer.head).map((field) => field.slice(0, field.indexOf(":")));
      const streamed = stream && status === 200;
      assert.deepEqual(
        names.toSorted(),
        [
          "connection",
          "content-type",
          "date",
          "keep-alive",
          "openai-processing-ms",
          "openai-version",
          "x-headwaiter-attempts",
          "x-headwaiter-queue-ms",
          "x-headwaiter-upstream",
          "x-request-id",
          ...(status === 400 ? ["x-headwaiter-error"] : []),
          ...(streamed ? ["cache-control", "transfer-encoding", "x-accel-buffering"] : ["content-length"]),
        ].toSorted(),
      );
      assert.equal(answer.header("x-request-id"), "mine");
      assert.equal(answer.header("x-headwaiter-upstream"), "up");
      assert.equal(answer.header("openai-processing-ms"), "12");
    }
  }
});
