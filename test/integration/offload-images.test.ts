import assert from "node:assert/strict";
import { test } from "node:test";
import { configFor, post, startGateway } from "../support/gateway.ts";
import { blackPng, describe, picture } from "../support/pictures.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const IMAGES = { rest: "images: { max_edge: 100, format: webp }" };
const answerOk = ({ socket }: ReceivedRequest): void => void socket.write(response(200, '{"ok":true}'));

const requestWith = (image: Buffer, model = '"test-model"'): string =>
  `{"messages":[{"content":[{"image_url":{"url":"data:image/png;base64,${image.toString("base64")}"}}]}], "model" : ${model} }`;

test("a large image is scaled down before it goes upstream, in a small body and in a large one", async () => {
  await using upstream = await startScripted(answerOk);
  const config = configFor(upstream.url, IMAGES).replace(
    '"*": { upstream: up }',
    "test-model: { upstream: up, model: renamed }",
  );
  await using gateway = await startGateway(config);
  for (const noise of [false, true]) {
    const body = requestWith(await picture({ width: 400, height: 300, noise }));
    assert.equal(body.length > 256 * 1024, noise);
    assert.equal((await post(gateway.url + CHAT, body)).status, 200);
    const sent = upstream.requests.at(-1)!.body.toString();
    const match =
      /^\{"messages":\[\{"content":\[\{"image_url":\{"url":"data:image\/webp;base64,([^"]+)"\}\}\]\}\], "model" : "renamed" \}$/.exec(
        sent,
      );
    assert.deepEqual(await describe(Buffer.from(match![1]!, "base64")), { format: "webp", width: 100, height: 75 });
  }
});

test("without `images` they pass as they are", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url));
  const body = requestWith(blackPng(4000, 4000));
  await (await post(gateway.url + CHAT, body)).text();
  assert.equal(upstream.requests[0]!.body.toString(), body);
});

test("a request without images starts no thread for them", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url, IMAGES));
  await (await post(gateway.url + CHAT, '{"model":"test-model","messages":[{"role":"user","content":"hi"}]}')).text();
  await (await post(gateway.url + CHAT, `{"model":"test-model","text":"${"a".repeat(300_000)}"}`)).text();
  assert.equal(gateway.loop.runtime.offload.images.threads, 0);
});

test("a corrupt image and a bomb get 400 with the part that is at fault, and the next request is served", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url, IMAGES));
  const whole = await picture({ width: 400, height: 300 });
  for (const image of [whole.subarray(0, 200), Buffer.from("none"), blackPng(30_000, 30_000)]) {
    const answer = await post(gateway.url + CHAT, requestWith(image));
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [400, "invalid_request"]);
    const { error } = (await answer.json()) as { error: { param: string; message: string } };
    assert.equal(error.param, "messages[0].content[0].image_url.url");
    assert.match(error.message, /^The image at messages\[0\]\.content\[0\]\.image_url\.url (?:is|has) .*\.$/);
  }
  assert.equal((await post(gateway.url + CHAT, requestWith(whole))).status, 200);
  assert.equal(upstream.requests.length, 1);
});

/** Takes the images' thread for half a second. */
const HEAVY = requestWith(blackPng(8000, 8000));

test("a client that leaves while its image is scaled frees everything, and its upstream never hears of it", async () => {
  await using upstream = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(upstream.url, IMAGES));
  const clients = [1, 2].map(() => {
    const client = rawClient(gateway.port);
    client.send(rawPost(CHAT, HEAVY));
    return client;
  });
  await waitUntil(() => gateway.loop.runtime.offload.images.queued === 1);
  for (const { socket } of clients) socket.destroy();
  await waitUntil(() => gateway.accessLines.length === 2);
  assert.deepEqual(
    gateway.accessLines.map(({ outcome }) => outcome),
    ["client_gone", "client_gone"],
  );
  assert.equal(gateway.loop.runtime.offload.images.queued, 0);
  assert.equal((await post(gateway.url + CHAT, requestWith(blackPng(200, 200)))).status, 200);
  assert.equal(upstream.requests.length, 1);
});

test("a request whose image is scaled during a reload goes to the upstream of the new config", async () => {
  await using old = await startScripted(answerOk);
  await using fresh = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(old.url, IMAGES));
  const answer = post(gateway.url + CHAT, HEAVY);
  await waitUntil(() => gateway.loop.runtime.offload.images.threads === 1);
  gateway.reload(configFor(fresh.url));
  assert.equal((await answer).status, 200);
  assert.deepEqual([old.requests.length, fresh.requests.length], [0, 1]);
});

test("a reload that takes the model away while its image is scaled: 404", async () => {
  await using old = await startScripted(answerOk);
  await using gateway = await startGateway(configFor(old.url, IMAGES));
  const answer = post(gateway.url + CHAT, HEAVY);
  await waitUntil(() => gateway.loop.runtime.offload.images.threads === 1);
  gateway.reload(
    configFor(old.url).replace('"*": {', "other: {").replace("default_model: test-model", "default_model: other"),
  );
  assert.deepEqual([(await answer).status, (await answer).headers.get("x-headwaiter-error")], [404, "model_not_found"]);
});
