import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI, {
  APIConnectionError,
  APIError,
  APIUserAbortError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { startSim } from "../../src/sim/server.ts";
import type { Sim } from "../../src/sim/server.ts";
import { configFor, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { waitUntil } from "../support/wait-until.ts";

let sim: Sim;
let gateway: TestGateway;
let client: OpenAI;

before(async () => {
  sim = await startSim({ ttftMs: 5, gapMs: 1, tokens: 10 });
  const exact = 'models:\n  test-model: { upstream: up }\n  other: { upstream: up, model: "x" }\n';
  gateway = await startGateway(configFor(sim.url.origin).replace(/models:\n.*\n/, exact));
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "client-key", maxRetries: 0 });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await sim.close();
});

const ask = (content: string, model = "test-model") => ({ model, messages: [{ role: "user" as const, content }] });

test("streams: every token once and in order, then usage, then the end", async () => {
  const stream = await client.chat.completions.create({
    ...ask("sim:t5:g1:n50"),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage: unknown = null;
  let finish: unknown = null;
  for await (const event of stream) {
    text += event.choices[0]?.delta.content ?? "";
    finish = event.choices[0]?.finish_reason ?? finish;
    usage = event.usage ?? usage;
  }
  const tokens = [...text.matchAll(/\{(\d+)@\d+\}/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    tokens,
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(finish, "stop");
  assert.equal((usage as { completion_tokens: number }).completion_tokens, 50);
});

test("answers whole, with our headers to be seen", async () => {
  const { data, response } = await client.chat.completions.create(ask("sim:n3")).withResponse();
  assert.match(data.choices[0]?.message.content ?? "", /^\{0@\d+\} \{1@\d+\} \{2@\d+\}/);
  assert.equal(data.usage?.completion_tokens, 3);
  assert.equal(response.headers.get("x-headwaiter-upstream"), "up");
  assert.ok(response.headers.get("x-request-id"));
});

test("completions, embeddings and the list of models", async () => {
  const completion = await client.completions.create({ model: "test-model", prompt: "sim:n2" });
  assert.equal(completion.usage?.completion_tokens, 2);
  const embeddings = await client.embeddings.create({ model: "test-model", input: ["a", "b"] });
  assert.equal(embeddings.data.length, 2);
  const models = await client.models.list();
  assert.deepEqual(
    models.data.map(({ id }) => id),
    ["test-model", "other"],
  );
  assert.equal((await client.models.retrieve("other")).id, "other");
});

test("abort: the loop ends, and the upstream is hung up on", async () => {
  const { cancelled } = sim.stats();
  const stream = await client.chat.completions.create({ ...ask("sim:t1:g5:n100000"), stream: true });
  let events = 0;
  for await (const _ of stream) if (++events === 5) stream.controller.abort();
  await waitUntil(() => sim.stats().cancelled === cancelled + 1);
  assert.equal((await gateway.access((line) => line.outcome === "client_gone")).tokensFrom, "counted");
  const controller = new AbortController();
  const waiting = client.chat.completions.create(ask("sim:t60000"), { signal: controller.signal });
  await waitUntil(() => sim.stats().openStreams === 1);
  controller.abort();
  await assert.rejects(waiting, APIUserAbortError);
  await waitUntil(() => sim.stats().openStreams === 0);
});

test("errors come as the SDK's own classes", async () => {
  const fails = (content: string, stream: boolean): Promise<unknown> =>
    client.chat.completions.create({ ...ask(content), stream });
  for (const stream of [false, true]) {
    await assert.rejects(fails("sim:x400", stream), BadRequestError);
    await assert.rejects(fails("sim:x404", stream), NotFoundError);
    await assert.rejects(fails("sim:x429", stream), (error) => {
      assert.ok(error instanceof RateLimitError);
      assert.equal(error.headers?.get("retry-after"), "1");
      assert.match(error.message, /Simulated error 429/);
      return true;
    });
    await assert.rejects(fails("sim:x500", stream), InternalServerError);
    await assert.rejects(fails("sim:x503", stream), InternalServerError);
  }
  await assert.rejects(client.chat.completions.create(ask("x", "nobody")), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
    assert.equal(error.requestID, error.headers?.get("x-request-id"));
    return true;
  });
  await assert.rejects(client.chat.completions.create({ ...ask("x"), model: 5 as unknown as string }), BadRequestError);
});

test("a stream that is cut in the middle throws, and never looks complete", async () => {
  const stream = await client.chat.completions.create({ ...ask("sim:t1:g1:n50:c7"), stream: true });
  let tokens = 0;
  await assert.rejects(
    async () => {
      for await (const event of stream) if (event.choices[0]?.delta.content) tokens++;
    },
    (error) => {
      assert.ok(error instanceof APIError && !(error instanceof APIConnectionError));
      assert.equal(error.code, "upstream_disconnected");
      return true;
    },
  );
  assert.equal(tokens, 7);
});

test("the SDK's own retry goes through a 503 of ours", async () => {
  const retrying = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "client-key", maxRetries: 1 });
  const before = sim.stats().requests;
  await assert.rejects(retrying.chat.completions.create(ask("sim:x503")), InternalServerError);
  assert.equal(sim.stats().requests, before + 2);
});
