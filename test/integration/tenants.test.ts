/** Who may ask, and for what. */
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic, { AuthenticationError } from "@anthropic-ai/sdk";
import OpenAI, { NotFoundError, PermissionDeniedError } from "openai";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEY = "hw_acme-key";
const OTHER_KEY = "hw_globex-key";

const config = (url: string, more = ""): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  up: { api_key: sk-gateway, endpoints: [ { url: ${url}/v1 } ] }
models:
  house: { upstream: up }
  other: { upstream: up }
  "gpt-*": { upstream: up }
default_model: house
tenants:
  acme: { keys: [ "sha256:${keyDigest(KEY)}" ], models: [ house, "gpt-*" ] }
  globex: { keys: [ "sha256:${keyDigest(OTHER_KEY)}" ] ${more} }
`;

const bearer = (key: string): { headers: Record<string, string> } => ({ headers: { authorization: `Bearer ${key}` } });

test("without a key, or with a wrong one, nothing is read and nothing is sent upstream", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  for (const [init, code] of [
    [{}, "key_missing"],
    [bearer("hw_nobody"), "key_invalid"],
    [bearer(keyDigest(KEY)), "key_invalid"],
    [bearer(`${KEY} `.repeat(400)), "key_invalid"],
    [{ headers: { "x-api-key": "" } }, "key_missing"],
  ] as const) {
    const answer = await post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), init);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("x-headwaiter-error"), code);
    assert.equal((await fetch(`${gateway.url}/v1/models`, init)).status, 401);
  }
  assert.equal(upstream.requests.length, 0);
  assert.equal((await fetch(`${gateway.url}/readyz`)).status, 200);
});

test("a key is taken from wherever an SDK puts it, and never goes upstream", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const body = chat({ model: "house" });
  await post(`${gateway.url}/v1/chat/completions`, body, bearer(KEY));
  await post(`${gateway.url}/v1/chat/completions`, body, { headers: { "x-api-key": KEY } });
  await post(`${gateway.url}/v1/chat/completions`, body, { headers: { "x-goog-api-key": KEY } });
  await post(`${gateway.url}/v1/chat/completions?key=${KEY}`, body);
  assert.equal(upstream.requests.length, 4);
  for (const { head } of upstream.requests) assert.ok(!head.includes(KEY) && head.includes("sk-gateway"));
  await waitUntil(() => gateway.accessLines.length === 4);
  assert.ok(gateway.accessLines.every(({ tenant }) => tenant === "acme"));
  assert.ok(!JSON.stringify(gateway.logLines).includes(KEY));
});

test("the same idempotency key of two tenants is two keys to the provider", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  for (const key of [KEY, OTHER_KEY]) {
    const headers = { authorization: `Bearer ${key}`, "idempotency-key": "once" };
    await post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), { headers });
  }
  const sent = upstream.requests.map(({ head }) => /^idempotency-key: (.*?)\r?$/im.exec(head)?.[1]);
  assert.deepEqual(sent, ["acme:once", "globex:once"]);
});

test("a tenant gets only its models: to ask for, to look up, and in the list", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const client = new OpenAI({ apiKey: KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const names: string[] = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names, ["house"]);
  assert.equal((await client.models.retrieve("gpt-5")).id, "gpt-5");
  await assert.rejects(client.models.retrieve("other"), NotFoundError);
  const ask = (model: string): Promise<unknown> => client.chat.completions.create({ model, messages: [] });
  await assert.rejects(ask("other"), PermissionDeniedError);
  await ask("gpt-5");
  await ask("house");
  assert.equal(upstream.requests.length, 2);
});

test("an SDK with a wrong key sees its own error for that", async () => {
  await using gateway = await startGateway(config("http://127.0.0.1:9"));
  const claude = new Anthropic({ apiKey: "wrong", baseURL: gateway.url, maxRetries: 0 });
  await assert.rejects(
    claude.messages.create({ model: "house", max_tokens: 1, messages: [{ role: "user", content: "x" }] }),
    AuthenticationError,
  );
});

test("a reload takes a key away, and gives another", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  const before = config(upstream.url);
  await using gateway = await startGateway(before);
  const status = async (key: string): Promise<number> =>
    (await post(`${gateway.url}/v1/chat/completions`, chat({ model: "house" }), bearer(key))).status;
  assert.deepEqual([await status(KEY), await status("new")], [200, 401]);
  gateway.reload(before.replace(keyDigest(KEY), keyDigest("new")));
  assert.deepEqual([await status(KEY), await status("new"), await status(OTHER_KEY)], [401, 200, 200]);
});

for (const onDisconnect of ["cancel", "finish"] as const) {
  test(`a client that leaves: on_disconnect ${onDisconnect}`, async () => {
    let gone = false;
    let finish = (): void => {};
    await using upstream = await startScripted(({ socket }) => {
      socket.once("close", () => (gone = true));
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
      );
      finish = () =>
        void socket.end(
          'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":70}}\n\ndata: [DONE]\n\n',
        );
    });
    await using gateway = await startGateway(config(upstream.url, `, on_disconnect: ${onDisconnect}`));
    const leaving = new AbortController();
    const answer = await post(`${gateway.url}/v1/chat/completions`, chat({ model: "house", stream: true }), {
      ...bearer(OTHER_KEY),
      signal: leaving.signal,
    });
    await answer.body!.getReader().read();
    leaving.abort();
    if (onDisconnect === "cancel") await waitUntil(() => gone);
    else {
      await waitUntil(() => gateway.loop.clientSockets === 0);
      assert.equal(gateway.accessLines.length, 0);
      finish();
    }
    const line = await gateway.access();
    const billed = onDisconnect === "cancel" ? { tokensOut: 1, tokensFrom: "counted" } : { tokensIn: 5, tokensOut: 70 };
    assert.partialDeepStrictEqual(line, { outcome: "client_gone", tenant: "globex", ...billed });
    assert.equal(gateway.loop.calls, 0);
  });
}
