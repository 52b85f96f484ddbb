import assert from "node:assert/strict";
import { test } from "node:test";
import { post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";

/** Two upstreams of different dialects, exact names, patterns and a rename. */
const config = (url: string): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  up: { endpoints: [ { url: ${url}/v1 } ] }
  claude: { dialect: anthropic, endpoints: [ { url: ${url}/v1 } ] }
models:
  plain: { upstream: up }
  house: { upstream: up, model: "vendor/llama-3" }
  "gpt-*": { upstream: up }
  "claude-*": { upstream: claude }
`;

test("the list holds the exact names, and one model is found by name or pattern", async () => {
  await using gateway = await startGateway(config("http://127.0.0.1:9"));
  const list = (await (await fetch(`${gateway.url}/v1/models`)).json()) as { object: string; data: { id: string }[] };
  assert.equal(list.object, "list");
  assert.deepEqual(
    list.data.map(({ id }) => id),
    ["plain", "house"],
  );
  const one = await fetch(`${gateway.url}/v1/models/gpt-5%2Fmini`);
  assert.deepEqual(await one.json(), { id: "gpt-5/mini", object: "model", created: 0, owned_by: "up" });
  for (const id of ["nobody", "__proto__", "%zz", ""]) {
    const none = await fetch(`${gateway.url}/v1/models/${id}`);
    assert.equal(none.status, 404);
    assert.ok(none.headers.get("x-headwaiter-error")?.endsWith("_not_found"));
  }
});

test("a renamed model changes those bytes and no other; an unrenamed one none", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const body = (model: string): string =>
    `{ "x" : 1e2, "model"\t:\n${model} , "u": "\\u00e9\\/", "n": 12345678901234567890, "__proto__": {"model": "other"}}`;
  await post(`${gateway.url}/v1/chat/completions`, body('"ho\\u0075se"'));
  await post(`${gateway.url}/v1/completions`, body('"plain"'));
  await post(`${gateway.url}/v1/embeddings`, body('"gpt-5"'));
  assert.deepEqual(
    upstream.requests.map(({ head, body: sent }) => [head.split(" ", 2)[1], sent.toString()]),
    [
      ["/v1/chat/completions", body('"vendor/llama-3"')],
      ["/v1/completions", body('"plain"')],
      ["/v1/embeddings", body('"gpt-5"')],
    ],
  );
});

test("what can't be translated gets 400 dialect_mismatch where the model's upstream speaks another API", async () => {
  await using gateway = await startGateway(config("http://127.0.0.1:9"));
  const answer = await post(`${gateway.url}/v1/embeddings`, '{"model":"claude-5","input":"x"}');
  assert.equal(answer.status, 400);
  assert.equal(answer.headers.get("x-headwaiter-error"), "dialect_mismatch");
});

test("a prompt without a default model gets 400 that says so", async () => {
  await using gateway = await startGateway(config("http://127.0.0.1:9"));
  const answer = await post(`${gateway.url}/api/v1/stream`, '{"prompt":"x"}');
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /default_model/);
});
