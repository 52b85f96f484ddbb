/** Gemini's embeddings: one text, and several in a batch whose every request names the model. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GoogleGenAI } from "@google/genai";
import { post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";

const config = (url: string): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  google: { dialect: gemini, endpoints: [ { url: ${url}/v1beta } ] }
models:
  house: { upstream: google, model: gemini-embedding-001 }
  "gemini-*": { upstream: google }
`;
const BATCH = "models/house:batchEmbedContents";

const answer = JSON.stringify({ embeddings: [{ values: [1] }, { values: [2] }], embedding: { values: [1] } });

test("Google's SDK embeds several texts with a model that has another name upstream", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, answer)));
  await using gateway = await startGateway(config(upstream.url));
  const google = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: gateway.url } });
  const { embeddings } = await google.models.embedContent({ model: "house", contents: ["é \u2028", "b"] });
  assert.deepEqual(
    embeddings?.map(({ values }) => values),
    [[1], [2]],
  );
  const [sent] = upstream.requests;
  assert.match(sent!.head, /^POST \/v1beta\/models\/gemini-embedding-001:batchEmbedContents /);
  const body = JSON.parse(sent!.body.toString()) as { requests: { model: string; content: unknown }[] };
  assert.deepEqual(
    body.requests,
    ["é \u2028", "b"].map((text) => ({
      model: "models/gemini-embedding-001",
      content: { role: "user", parts: [{ text }] },
    })),
  );
});

test("a batch passes byte for byte where the model keeps its name, and as it is where it is none", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, answer)));
  await using gateway = await startGateway(config(upstream.url));
  const own =
    '{ "requests": [ {"model" : "models/gemini-x", "content": {"parts": [{"text": "\\u00e9"}]}, "x": 1.0} ] }';
  await post(`${gateway.url}/v1beta/models/gemini-x:batchEmbedContents`, own);
  assert.equal(upstream.requests[0]!.body.toString(), own);
  const large = JSON.stringify({ requests: [{ model: "models/gemini-x", x: "a".repeat(300_000) }] });
  await post(`${gateway.url}/v1beta/models/gemini-x:batchEmbedContents`, large);
  assert.equal(upstream.requests[1]!.body.toString(), large);
  for (const odd of ['{"requests":{"a":1}}', '{"requests":[1,null,{"content":{}}]}', "{}"]) {
    await post(`${gateway.url}/v1beta/${BATCH}`, odd);
    assert.equal(upstream.requests.at(-1)!.body.toString(), odd);
  }
  await post(`${gateway.url}/v1beta/${BATCH}`, '{"model":"models/house","requests":[{"model":"models/house"}]}');
  const name = "models/gemini-embedding-001";
  assert.deepEqual(JSON.parse(upstream.requests.at(-1)!.body.toString()), { model: name, requests: [{ model: name }] });
});

test("a batch that is too large to be written anew is refused with what to do", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, answer)));
  await using gateway = await startGateway(config(upstream.url));
  const requests = [{ model: "models/house", content: { parts: [{ text: "a".repeat(300_000) }] } }];
  const refused = await post(`${gateway.url}/v1beta/${BATCH}`, JSON.stringify({ requests }));
  assert.deepEqual([refused.status, refused.headers.get("x-headwaiter-error")], [413, "body_too_large"]);
  assert.match(await refused.text(), /smaller batches/);
  assert.equal(upstream.requests.length, 0);
  const one = { model: "models/house", content: { parts: [{ text: "a".repeat(300_000) }] } };
  await post(`${gateway.url}/v1beta/models/house:embedContent`, JSON.stringify(one));
  const sent = upstream.requests[0]!.body.toString();
  assert.ok(sent === JSON.stringify({ ...one, model: "models/gemini-embedding-001" }));
});
