/** OpenAI's Responses API: passed on where the upstream has it, with what only the provider keeps; translated where it has not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { startSimInThread } from "../../src/sim/in-thread.ts";
import { startGateway } from "../support/gateway.ts";
import { chunk, LAST_CHUNK, response, startScripted, STREAM_HEAD } from "../support/scripted-upstream.ts";

const config = (url: string, upstream = ""): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  up: { responses: native, api_key: sk-gateway, endpoints: [ { url: ${url}/v1 } ] ${upstream} }
models:
  "*": { upstream: up }
`;

const client = (url: string): OpenAI => new OpenAI({ apiKey: "client", baseURL: `${url}/v1`, maxRetries: 0 });

test("a stored response is read, streamed again, cancelled and deleted by its id", async () => {
  await using upstream = await startScripted(
    ({ socket }) => void socket.write(response(200, '{"id":"resp_1","output":[]}')),
  );
  await using gateway = await startGateway(config(upstream.url));
  const openai = client(gateway.url);
  assert.equal((await openai.responses.retrieve("resp_1", { include: ["reasoning.encrypted_content"] })).id, "resp_1");
  await openai.responses.cancel("resp_1");
  await openai.responses.delete("resp_1");
  await fetch(`${gateway.url}/v1/responses/resp_1?starting_after=3&key=theirs&model=m&other=1`);
  assert.deepEqual(
    upstream.requests.map(({ head }) => head.split(" ", 2).join(" ")),
    [
      "GET /v1/responses/resp_1?include%5B%5D=reasoning.encrypted_content",
      "POST /v1/responses/resp_1/cancel",
      "DELETE /v1/responses/resp_1",
      "GET /v1/responses/resp_1?starting_after=3",
    ],
  );
  for (const { head } of upstream.requests) assert.match(head, /^authorization: Bearer sk-gateway\r?$/im);
  for (const id of ["..%2Fmodels", "a/b", "a%20b", "x".repeat(200)]) {
    assert.equal((await fetch(`${gateway.url}/v1/responses/${id}`)).status, 404);
  }
  assert.equal(upstream.requests.length, 4);
});

test("with several upstreams that keep responses, a client has to say by which model; with none it is told so", async () => {
  await using upstream = await startScripted(
    ({ socket }) => void socket.write(response(200, '{"id":"r","output":[]}')),
  );
  const two = config(upstream.url).replace(
    "models:",
    `  up2: { responses: native, endpoints: [ { url: ${upstream.url}/v1 } ] }\nmodels:\n  second: { upstream: up2 }`,
  );
  await using gateway = await startGateway(two);
  const refused = await fetch(`${gateway.url}/v1/responses/r`);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /\?model=/);
  const found = await fetch(`${gateway.url}/v1/responses/r?model=second`);
  assert.equal(found.headers.get("x-headwaiter-upstream"), "up2");
  await using none = await startGateway(config(upstream.url).replace("native", "chat"));
  assert.match(await (await fetch(`${none.url}/v1/responses/r`)).text(), /No upstream here keeps responses/);
});

test("a native stream passes as it is, with its usage in the log; broken off it ends in an error event", async () => {
  const event = (type: string, fields: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const begin =
    event("response.created", { sequence_number: 0, response: { id: "r", status: "in_progress", output: [] } }) +
    event("response.output_text.delta", {
      sequence_number: 1,
      item_id: "i",
      output_index: 0,
      content_index: 0,
      delta: "Hi",
    });
  const end = event("response.completed", {
    sequence_number: 2,
    response: {
      id: "r",
      status: "completed",
      output: [],
      usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 },
    },
  });
  let isWhole = true;
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk(begin).toString());
    if (isWhole) socket.write(chunk(end).toString() + LAST_CHUNK);
    else socket.end();
  });
  await using gateway = await startGateway(config(upstream.url));
  const body = JSON.stringify({ model: "m", input: "x", stream: true });
  const ask = async (): Promise<string> =>
    (
      await fetch(`${gateway.url}/v1/responses`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json" },
      })
    ).text();
  assert.equal(await ask(), begin + end);
  assert.partialDeepStrictEqual(await gateway.access(), {
    outcome: "completed",
    tokensIn: 7,
    tokensOut: 2,
    tokensFrom: "upstream",
  });
  isWhole = false;
  const broken = await ask();
  assert.ok(broken.startsWith(begin));
  assert.match(broken, /event: error\ndata: \{"type":"error","code":"upstream_disconnected"/);
});

test("an upstream without the API gets chat completions, and the SDK does not notice", async (t) => {
  const sim = await startSimInThread();
  t.after(() => sim.close());
  await using gateway = await startGateway(config(sim.url.origin).replace("native", "auto"));
  const openai = client(gateway.url);
  const whole = await openai.responses.create({ model: "m", input: "hello sim:t1:g1:n3" });
  assert.equal(whole.status, "completed");
  assert.match(whole.output_text, /^\{0@\d+\} \{1@\d+\} \{2@\d+\} $/);
  let text = "";
  let last = "";
  for await (const event of await openai.responses.create({ model: "m", stream: true, input: "hello sim:t1:g1:n3" })) {
    if (event.type === "response.output_text.delta") text += event.delta;
    last = event.type;
  }
  assert.match(text, /^\{0@\d+\} \{1@\d+\} \{2@\d+\} $/);
  assert.equal(last, "response.completed");
  await assert.rejects(
    openai.responses.create({ model: "m", input: "x", previous_response_id: "resp_0" }),
    /previous_response_id/,
  );
});

test("the version that Azure asks for goes with each request", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url, ", api_version: 2024-10-21"));
  await client(gateway.url).chat.completions.create({ model: "m", messages: [] });
  assert.match(upstream.requests[0]!.head, /^POST \/v1\/chat\/completions\?api-version=2024-10-21 HTTP/);
});
