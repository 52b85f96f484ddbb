import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import OpenAI, { RateLimitError } from "openai";
import { startSim } from "../../src/sim/server.ts";
import type { Sim } from "../../src/sim/server.ts";

/** What JSON holds, for tests that look at a few fields of it. */
// oxlint-disable-next-line typescript/no-explicit-any -- the assertions are the types here
type Json = any;

let sim: Sim;

before(async () => {
  sim = await startSim({ ttftMs: 5, gapMs: 1, tokens: 4 });
});

after(() => sim.close());

const TEXT = /^(?:\{\d+@\d+\} )+$/;

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, sim.url), { method: "POST", headers, body: JSON.stringify(body) });
}

async function events(response: Response): Promise<EventSourceMessage[]> {
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /^text\/event-stream/);
  const all: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => all.push(event),
    onError: (error) => assert.fail(error),
    onComment: (comment) => assert.fail(comment),
  });
  parser.feed(await response.text());
  return all;
}

/** The tokens' places, checked to be stamped in the order of sending. */
function tokenIndexes(text: string): number[] {
  const tokens = [...text.matchAll(/\{(\d+)@(\d+)\} /g)].map((match) => [Number(match[1]), Number(match[2])] as const);
  assert.ok(tokens.every((token, at) => at === 0 || token[1] >= tokens[at - 1]![1]));
  return tokens.map((token) => token[0]);
}

test("streams chat completions as OpenAI does: role first, tokens, finish reason, usage where asked, [DONE]", async () => {
  const request = { model: "mödel", stream: true, messages: [{ role: "user", content: "12345678" }] };
  const all = await events(await post("/v1/chat/completions", { ...request, stream_options: { include_usage: true } }));
  assert.equal(all.at(-1)!.data, "[DONE]");
  const chunks: Json[] = all.slice(0, -1).map((event) => JSON.parse(event.data));
  assert.ok(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.model === "mödel"));
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.deepEqual(
    chunks.slice(1, 5).map((chunk) => tokenIndexes(chunk.choices[0].delta.content)),
    [[0], [1], [2], [3]],
  );
  assert.deepEqual(chunks[5].choices, [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]);
  assert.deepEqual(
    [chunks[6].choices, chunks[6].usage],
    [[], { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 }],
  );
  assert.equal(chunks.length, 7);

  const plain = await events(await post("/v1/chat/completions", request));
  assert.ok(plain.slice(0, -1).every((event) => !("usage" in JSON.parse(event.data))));
  const sizeBytes = plain[2]!.data.length + "data: \n\n".length;
  assert.ok(sizeBytes > 170 && sizeBytes < 215, `a token event of ${sizeBytes} bytes`);
});

test("serves the openai SDK: chat streamed and whole, completions, embeddings, models, errors", async () => {
  const client = new OpenAI({ baseURL: new URL("/v1", sim.url).href, apiKey: "none", maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "hello" }];
  let text = "";
  for await (const chunk of await client.chat.completions.create({ model: "sim", stream: true, messages })) {
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.deepEqual(tokenIndexes(text), [0, 1, 2, 3]);

  const chat = await client.chat.completions.create({ model: "sim", messages });
  assert.match(chat.choices[0]!.message.content!, TEXT);
  assert.deepEqual(chat.usage, { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 });

  const completion = await client.completions.create({ model: "sim", prompt: "sim:n2" });
  assert.deepEqual(tokenIndexes(completion.choices[0]!.text), [0, 1]);
  let streamed = "";
  for await (const chunk of await client.completions.create({ model: "sim", prompt: "hi", stream: true })) {
    streamed += chunk.choices[0]!.text;
  }
  assert.deepEqual(tokenIndexes(streamed), [0, 1, 2, 3]);

  const input = ["one", "two"];
  const asked = await client.embeddings.create({ model: "sim", input });
  const floats = await client.embeddings.create({ model: "sim", input, encoding_format: "float" });
  assert.equal(asked.data.length, 2);
  assert.deepEqual(Array.from(asked.data[1]!.embedding), floats.data[1]!.embedding);

  assert.deepEqual(
    (await client.models.list()).data.map((model) => model.id),
    ["sim"],
  );
  assert.equal((await client.models.retrieve("sim")).id, "sim");
  const failing = client.chat.completions.create({ model: "sim", messages: [{ role: "user", content: "sim:x429" }] });
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof RateLimitError);
    assert.equal(error.headers.get("retry-after"), "1");
    return true;
  });
});

test("streams and answers messages as Anthropic does", async () => {
  const request = { model: "claude", max_tokens: 64, messages: [{ role: "user", content: "12345678" }] };
  const all = await events(await post("/v1/messages", { ...request, stream: true }));
  assert.deepEqual(
    all.map((event) => event.event),
    [
      "message_start",
      "content_block_start",
      "ping",
      ...Array.from({ length: 4 }, () => "content_block_delta"),
      "content_block_stop",
      "message_delta",
      "message_stop",
    ],
  );
  const data: Json[] = all.map((event) => JSON.parse(event.data));
  assert.ok(all.every((event, at) => data[at].type === event.event));
  assert.equal(data[0].message.usage.input_tokens, 2);
  assert.deepEqual(tokenIndexes(data.map((event) => event.delta?.text ?? "").join("")), [0, 1, 2, 3]);
  assert.equal(data[8].delta.stop_reason, "end_turn");
  assert.equal(data[8].usage.output_tokens, 4);

  const whole: Json = await (await post("/v1/messages", request)).json();
  assert.deepEqual(
    [whole.type, whole.role, whole.model, whole.stop_reason],
    ["message", "assistant", "claude", "end_turn"],
  );
  assert.match(whole.content[0].text, TEXT);
  assert.equal(whole.usage.output_tokens, 4);

  assert.deepEqual(await (await post("/v1/messages/count_tokens", request)).json(), { input_tokens: 2 });
  const models = await fetch(new URL("/v1/models", sim.url), { headers: { "anthropic-version": "2023-06-01" } });
  assert.equal(((await models.json()) as Json).data[0].type, "model");
});

test("streams and answers as Gemini does: events, a JSON array, whole, counts, embeddings, models", async () => {
  const request = { contents: [{ role: "user", parts: [{ text: "12345678" }] }] };
  const model = "/v1beta/models/gemini-sim";
  const all = (await events(await post(`${model}:streamGenerateContent?alt=sse`, request))).map((event): Json =>
    JSON.parse(event.data),
  );
  const array: Json = await (await post(`${model}:streamGenerateContent`, request)).json();
  for (const chunks of [all, array]) {
    const text = chunks.map((chunk: Json) => chunk.candidates[0].content.parts[0].text).join("");
    assert.deepEqual(tokenIndexes(text), [0, 1, 2, 3]);
    assert.equal(chunks.length, 5);
    assert.deepEqual(
      chunks.map((chunk: Json) => chunk.candidates[0].finishReason),
      [undefined, undefined, undefined, undefined, "STOP"],
    );
    assert.equal(chunks[4].modelVersion, "gemini-sim");
    assert.deepEqual(chunks[4].usageMetadata, { promptTokenCount: 2, candidatesTokenCount: 4, totalTokenCount: 6 });
  }
  const whole: Json = await (await post(`${model}:generateContent`, request)).json();
  assert.match(whole.candidates[0].content.parts[0].text, TEXT);
  assert.deepEqual(await (await post(`${model}:countTokens`, request)).json(), { totalTokens: 2 });
  const one: Json = await (await post(`${model}:embedContent`, { content: request.contents[0] })).json();
  const batch = { requests: [{ content: request.contents[0] }, { content: request.contents[0] }] };
  const two: Json = await (await post(`${model}:batchEmbedContents`, batch)).json();
  assert.deepEqual(two.embeddings, [one.embedding, one.embedding]);
  const models: Json = await (await fetch(new URL("/v1beta/models", sim.url))).json();
  assert.equal(models.models[0].name, "models/sim");
});

test("takes a base URL with the version, without it, or with it twice", async () => {
  const chat = { model: "sim", messages: [] };
  for (const path of [
    "/chat/completions",
    "/v1/chat/completions",
    "/v1/v1/chat/completions",
    "/v1beta/chat/completions",
  ]) {
    const answer: Json = await (await post(path, chat)).json();
    assert.equal(answer.object, "chat.completion", path);
  }
  for (const path of [
    "/models/m:generateContent",
    "/v1/models/m:generateContent",
    "/v1beta/models/m:generateContent",
  ]) {
    const answer: Json = await (await post(path, {})).json();
    assert.equal(answer.modelVersion, "m", path);
  }
});

test("refuses what is not a JSON object, a missing model, unknown paths and methods in the dialect's own shape", async () => {
  const dialects = [
    {
      path: "/v1/chat/completions",
      message: (body: Json) => body.error.message,
      type: (body: Json) => body.error.type,
    },
    { path: "/v1/messages", message: (body: Json) => body.error.message, type: (body: Json) => body.type },
    {
      path: "/v1beta/models/m:generateContent",
      message: (body: Json) => body.error.message,
      type: (body: Json) => body.error.status,
    },
  ];
  for (const { path, message, type } of dialects) {
    for (const body of ["", "{", "[]", "null", '"sim:n1"', '{"model":"sim"}}']) {
      const response = await fetch(new URL(path, sim.url), { method: "POST", body });
      assert.equal(response.status, 400, `${path} ${body}`);
      const answer: Json = await response.json();
      assert.equal(typeof message(answer), "string");
      assert.ok(["invalid_request_error", "error", "INVALID_ARGUMENT"].includes(type(answer)));
    }
    assert.equal((await fetch(new URL(path, sim.url))).status, 405);
  }
  assert.equal((await post("/v1/chat/completions", { messages: [] })).status, 400);
  assert.equal((await post("/v1/messages", { messages: [] })).status, 400);
  assert.equal((await post("/v1/nothing", {})).status, 404);
  assert.equal((await post("/v1beta/models/m:nothing", {})).status, 404);
  assert.equal((await fetch(new URL("/sim/nothing", sim.url))).status, 404);
  assert.equal((await fetch(new URL("/health", sim.url))).status, 200);
});

test("answers a request longer than 32 MiB with 413", async () => {
  const body = Buffer.alloc(33 * 1_048_576, " ");
  const response = await fetch(new URL("/v1/messages", sim.url), { method: "POST", body });
  assert.equal(response.status, 413);
  assert.equal(((await response.json()) as Json).error.type, "request_too_large");
});
