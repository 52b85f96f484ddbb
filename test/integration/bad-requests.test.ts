import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { array, assert as assertProperty, asyncProperty, nat, oneof, record, uint8Array } from "fast-check";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";

let upstream: ScriptedUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  const yaml = configFor(upstream.url).replace('"*"', "test-model");
  gateway = await startGateway(yaml);
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const BODIES: readonly (readonly [
  name: string,
  body: string | Buffer,
  status: number,
  code: string,
  param?: string,
])[] = [
  ["an empty body", "", 400, "invalid_json"],
  ["no JSON", "hello", 400, "invalid_json"],
  ["half an object", '{"model":"test-model"', 400, "invalid_json"],
  ["an array", '["model"]', 400, "invalid_json"],
  ["null", "null", 400, "invalid_json"],
  ["text behind the object", `${chat()}x`, 400, "invalid_json"],
  ["a second object behind the first", chat() + chat(), 400, "invalid_json"],
  ["a comment", `/* */${chat()}`, 400, "invalid_json"],
  ["a byte order mark", `\uFEFF${chat()}`, 400, "invalid_json"],
  [
    "bytes that are not UTF-8",
    Buffer.concat([Buffer.from('{"model":"test-model","x":"'), Buffer.from([0xff]), Buffer.from('"}')]),
    400,
    "invalid_json",
  ],
  ["UTF-16", Buffer.from(chat(), "utf16le"), 400, "invalid_json"],
  ["no model", "{}", 400, "invalid_request", "model"],
  ["a null model", '{"model":null}', 400, "invalid_request", "model"],
  ["a number for a model", '{"model":5}', 400, "invalid_request", "model"],
  ["an object for a model", '{"model":{"a":1}}', 400, "invalid_request", "model"],
  ["an empty model", '{"model":""}', 400, "invalid_request", "model"],
  ["an endless model", JSON.stringify({ model: "x".repeat(257) }), 400, "invalid_request", "model"],
  ["an unknown model", '{"model":"nobody"}', 404, "model_not_found", "model"],
  ["__proto__ for a model", '{"model":"__proto__"}', 404, "model_not_found", "model"],
  ["toString for a model", '{"model":"toString"}', 404, "model_not_found", "model"],
  ["line ends in a model", '{"model":"a\\r\\nx-injected: 1"}', 404, "model_not_found", "model"],
  ["a model named twice", '{"model":"test-model","model":"other"}', 400, "invalid_request"],
  ["a model named twice, once escaped", '{"model":"test-model","\\u006dodel":"other"}', 400, "invalid_request"],
  ["stream twice", '{"model":"test-model","stream":true,"stream":false}', 400, "invalid_request"],
  ["a text for stream", chat({ stream: "yes" }), 400, "invalid_request", "stream"],
  ["a number for stream", chat({ stream: 1 }), 400, "invalid_request", "stream"],
  ["deep nesting", `{"model":"test-model","x":${"[".repeat(200)}${"]".repeat(200)}}`, 400, "invalid_request"],
  ["five megabytes of [", "[".repeat(5_000_000), 400, "invalid_json"],
  ["five megabytes of [ within", `{"model":"test-model","x":${"[".repeat(5_000_000)}`, 400, "invalid_request"],
];

for (const [name, body, status, code, param] of BODIES) {
  test(`${name}: ${status} ${code}, nothing sent upstream, and the connection lives on`, async () => {
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: a\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    using client = rawClient(gateway.port);
    for (let i = 0; i < 2; i++) {
      client.send(head);
      client.send(body);
      const answer = await client.answer();
      assert.equal(answer.status, status);
      assert.equal(answer.header("x-headwaiter-error"), code);
      assert.equal(answer.header("x-injected"), undefined);
      const { error } = JSON.parse(answer.body) as { error: Record<string, unknown> };
      assert.deepEqual([error["code"], error["type"], error["param"]], [code, "invalid_request_error", param ?? null]);
    }
    assert.equal(upstream.accepted, 0);
  });
}

test("a content-encoding gets 415, but identity", async () => {
  for (const encoding of ["gzip", "br", "deflate", "gzip, identity", "x"]) {
    const answer = await post(gateway.url + CHAT, chat(), { headers: { "content-encoding": encoding } });
    assert.equal(answer.status, 415);
    assert.equal(answer.headers.get("x-headwaiter-error"), "content_encoding_unsupported");
  }
  const known = await post(gateway.url + CHAT, '{"model":"nobody"}', { headers: { "content-encoding": "identity" } });
  assert.equal(known.status, 404);
  assert.equal(upstream.accepted, 0);
});

test("what a web page can send without asking gets 415", async () => {
  const pages: readonly (readonly string[])[] = [
    ["sec-fetch-site: cross-site"],
    ["sec-fetch-site: same-site"],
    ["origin: http://evil.test"],
    ["origin: null"],
  ];
  for (const fields of pages) {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "text/plain; application/json",
    ]) {
      using client = rawClient(gateway.port);
      client.send(rawPost(CHAT, chat(), fields).replace("application/json", type));
      const answer = await client.answer();
      assert.equal(answer.status, 415);
      assert.equal(answer.header("x-headwaiter-error"), "content_type_unsupported");
      assert.equal(answer.header("access-control-allow-origin"), undefined);
    }
  }
  assert.equal(upstream.accepted, 0);
});

test("a page's question before it sends JSON gets no permission", async () => {
  using client = rawClient(gateway.port);
  client.send(
    `OPTIONS ${CHAT} HTTP/1.1\r\nhost: a\r\norigin: http://evil.test\r\naccess-control-request-method: POST\r\n\r\n`,
  );
  const answer = await client.answer();
  assert.equal(answer.status, 405);
  assert.equal(answer.header("access-control-allow-origin"), undefined);
});

test("every refusal of a call has its access line, and none holds a prompt", async () => {
  const secret = "correct horse battery staple";
  await post(gateway.url + CHAT, JSON.stringify({ model: "nobody", messages: [{ content: secret }] }));
  await post(gateway.url + CHAT, chat(), { headers: { "content-encoding": "br" } });
  const line = await gateway.access((l) => l.code === "content_encoding_unsupported");
  assert.deepEqual([line.outcome, line.endedBy, line.status, line.route], ["refused", "gateway", 415, CHAT]);
  assert.ok(!JSON.stringify(gateway.logLines).includes(secret));
});

test("the listener survives random bytes and mutated requests, and still serves", async () => {
  const whole = Buffer.from(rawPost(CHAT, '{"model":"nobody"}') + rawPost("/api/v1/stream", '{"prompt":" "}'));
  const mutation = record({ at: nat(whole.length - 1), drop: nat(8), put: uint8Array({ maxLength: 8 }) });
  const mutated = array(mutation, { minLength: 1, maxLength: 4 }).map((mutations) => {
    let bytes = whole;
    for (const { at, drop, put } of mutations)
      bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]);
    return bytes;
  });
  const input = oneof(uint8Array({ maxLength: 300 }), mutated);
  await assertProperty(
    asyncProperty(array(input, { minLength: 1, maxLength: 3 }), async (pieces) => {
      const client = rawClient(gateway.port);
      for (const piece of pieces) client.send(piece);
      client.socket.end();
      await client.closed;
      // Whatever was said is HTTP: answers, one behind the other.
      if (client.received !== "") assert.match(client.received, /^HTTP\/1\.1 [1-5]\d\d /);
      assert.ok(!client.received.includes("HTTP/1.1 500"));
    }),
    { numRuns: 300 },
  );
  assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
  assert.equal(upstream.accepted, 0);
  assert.equal(gateway.loop.calls, 0);
});

test("a key that is `model` but for its case is refused, and nothing is sent upstream", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  for (const body of ['{"model":"a","MODEL":"b"}', '{"Model":"b","model":"a"}', '{"model":"a","\\u004dodel":"b"}']) {
    const answer = await post(`${gateway.url}/v1/chat/completions`, body);
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [400, "invalid_request"]);
  }
  assert.equal(upstream.requests.length, 0);
});

test("past the loop's share of unfinished bodies a request gets 503 overloaded, and what was taken is given back", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(configFor(upstream.url));
  const { receiving } = gateway.loop.resources;
  const taken = 512 * 1024 * 1024;
  receiving.bytes = taken;
  const refused = await post(`${gateway.url}/v1/chat/completions`, chat());
  assert.deepEqual([refused.status, refused.headers.get("x-headwaiter-error")], [503, "overloaded"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.equal(upstream.requests.length, 0);
  assert.equal(receiving.bytes, taken);
  receiving.bytes = 0;
  assert.equal((await post(`${gateway.url}/v1/chat/completions`, chat())).status, 200);
  assert.equal(receiving.bytes, 0);
});

test("a client that leaves in the middle of its body gives back what it took", async () => {
  await using upstream = await startScripted(() => {});
  await using gateway = await startGateway(configFor(upstream.url));
  const { receiving } = gateway.loop.resources;
  const client = rawClient(gateway.port);
  client.send("POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n" + "x".repeat(100));
  await waitUntil(() => receiving.bytes === 100);
  client[Symbol.dispose]();
  assert.equal((await gateway.access()).outcome, "client_gone");
  assert.equal(receiving.bytes, 0);
});
