/** Anthropic's and Gemini's APIs in front of upstreams that speak the same: paths, headers, models' names, errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { post, startGateway } from "../support/gateway.ts";
import { chunk, LAST_CHUNK, response, startScripted, STREAM_HEAD } from "../support/scripted-upstream.ts";

const config = (url: string): string => `server: { port: 0 }
admin: { port: 0 }
upstreams:
  claude: { dialect: anthropic, api_key: sk-ant-gateway, endpoints: [ { url: ${url}/v1 } ] }
  google: { dialect: gemini, api_key: AIza-gateway, endpoints: [ { url: ${url}/v1beta } ] }
models:
  house: { upstream: claude, model: claude-real }
  "claude-*": { upstream: claude }
  flash: { upstream: google, model: gemini-real }
  "gemini-*": { upstream: google }
`;

const field = (head: string, name: string): string[] =>
  [...head.matchAll(new RegExp(`^${name}: (.*?)\\r?$`, "gim"))].map(([, value]) => value!);

test("an Anthropic request passes with the version and betas of the client, or with ours where it names none", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const body = '{"max_tokens": 5,  "model":"house","messages":[]}';
  const own = { "x-api-key": "hw-client", "anthropic-version": "2024-01-01", "anthropic-beta": "a,b" };
  await post(`${gateway.url}/v1/messages`, body, { headers: own });
  await post(`${gateway.url}/v1/messages/count_tokens`, '{"model":"claude-x"}');
  const [first, second] = upstream.requests;
  assert.match(first!.head, /^POST \/v1\/messages HTTP/);
  assert.equal(first!.body.toString(), body.replace("house", "claude-real"));
  assert.deepEqual(field(first!.head, "anthropic-version"), ["2024-01-01"]);
  assert.deepEqual(field(first!.head, "anthropic-beta"), ["a,b"]);
  assert.deepEqual(field(first!.head, "x-api-key"), ["sk-ant-gateway"]);
  assert.match(second!.head, /^POST \/v1\/messages\/count_tokens HTTP/);
  assert.deepEqual(field(second!.head, "anthropic-version"), ["2023-06-01"]);
});

test("a Gemini request passes with the model's name in its path, under v1beta and v1, and never with the client's key", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const body = '{"contents":[]}';
  await post(`${gateway.url}/v1beta/models/gemini-2:generateContent?key=theirs`, body);
  await post(`${gateway.url}/v1/models/flash:countTokens`, '{"model": "models/flash", "contents":[]}');
  await post(`${gateway.url}/v1beta/models/gemini-2%2F..%2F..:generateContent`, body);
  assert.deepEqual(
    upstream.requests.map(({ head, body: sent }) => [head.split(" ", 2)[1], sent.toString()]),
    [
      ["/v1beta/models/gemini-2:generateContent", body],
      ["/v1beta/models/gemini-real:countTokens", '{"model": "models/gemini-real", "contents":[]}'],
      ["/v1beta/models/gemini-2%2F..%2F..:generateContent", body],
    ],
  );
  for (const { head } of upstream.requests) assert.deepEqual(field(head, "x-goog-api-key"), ["AIza-gateway"]);
});

test("a Gemini stream in the form of an array passes element by element, as it was", async () => {
  const elements = [
    '[{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}',
    ',\r\n{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}',
    "]",
  ];
  let next = (): void => {};
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD.replace("text/event-stream", "application/json") + chunk(elements[0]!).toString());
    next = () => void socket.write(chunk(elements[1]!).toString() + chunk(elements[2]!).toString() + LAST_CHUNK);
  });
  await using gateway = await startGateway(config(upstream.url));
  const answer = await post(`${gateway.url}/v1beta/models/gemini-2:streamGenerateContent`, '{"contents":[]}');
  assert.equal(answer.status, 200);
  const reader = answer.body!.getReader();
  const first = await reader.read();
  assert.equal(Buffer.from(first.value ?? []).toString(), elements[0]);
  next();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read())
    rest += Buffer.from(read.value).toString();
  assert.equal(rest, elements[1]! + elements[2]!);
  const line = await gateway.access();
  assert.partialDeepStrictEqual(line, { outcome: "completed", tokensIn: 3, tokensOut: 2 });
  assert.equal(line.route, "/v1beta/models/{model}:streamGenerateContent");
});

test("what comes in place of an array and is none is an error", async () => {
  for (const body of ['{"error":{"code":500,"message":"no"}}', " \n", " ".repeat(300) + "[]", "x".repeat(1000)]) {
    await using upstream = await startScripted(({ socket }) => {
      socket.write(STREAM_HEAD.replace("text/event-stream", "application/json") + chunk(body).toString() + LAST_CHUNK);
    });
    await using gateway = await startGateway(config(upstream.url));
    const answer = await post(`${gateway.url}/v1beta/models/gemini-2:streamGenerateContent`, "{}");
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [502, "upstream_invalid"]);
    assert.equal(((await answer.json()) as { error: { code: number } }).error.code, 502);
  }
});

test("an array that breaks off does not end as if it were whole", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD.replace("text/event-stream", "application/json") + chunk('[{"candidates":[]}').toString());
    setImmediate(() => socket.end(LAST_CHUNK));
  });
  await using gateway = await startGateway(config(upstream.url));
  const answer = await post(`${gateway.url}/v1beta/models/gemini-2:streamGenerateContent`, "{}");
  await assert.rejects(answer.text());
});

test("errors and lists have the shape of the API that asks", async () => {
  await using gateway = await startGateway(config("http://127.0.0.1:9"));
  const read = async (path: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> =>
    (await (await fetch(gateway.url + path, { headers })).json()) as Record<string, unknown>;
  const anthropic = { "anthropic-version": "2023-06-01" };
  assert.equal((await read("/v1/models"))["object"], "list");
  assert.deepEqual(await read("/v1/models", anthropic), {
    data: ["house", "flash"].map((id) => ({
      type: "model",
      id,
      display_name: id,
      created_at: "1970-01-01T00:00:00Z",
    })),
    has_more: false,
    first_id: "house",
    last_id: "flash",
  });
  assert.equal((await read("/v1/models/claude-9", anthropic))["id"], "claude-9");
  const listed = (await read("/v1beta/models"))["models"] as { name: string }[];
  assert.deepEqual(
    listed.map(({ name }) => name),
    ["models/house", "models/flash"],
  );
  assert.equal((await read("/v1/models/flash", { "x-goog-api-key": "k" }))["name"], "models/flash");
  assert.equal((await read("/v1beta/models/flash"))["name"], "models/flash");
  const none = await post(`${gateway.url}/v1/messages`, '{"model":"nobody"}');
  assert.equal(none.status, 404);
  assert.partialDeepStrictEqual(await none.json(), { type: "error", error: { type: "not_found_error" } });
  const wrong = await post(`${gateway.url}/v1beta/models/nobody:generateContent`, "{}");
  assert.partialDeepStrictEqual(await wrong.json(), { error: { code: 404, status: "NOT_FOUND" } });
});

test("an API's own fields don't go to an upstream that speaks another", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, "{}")));
  await using gateway = await startGateway(config(upstream.url));
  const body = '{"model":"claude-x","messages":[{"role":"user","content":"x"}]}';
  const headers = { "openai-beta": "assistants=v2", "idempotency-key": "once" };
  await post(`${gateway.url}/v1/chat/completions`, body, { headers });
  const { head } = upstream.requests[0]!;
  assert.deepEqual(field(head, "openai-beta"), []);
  assert.deepEqual(field(head, "idempotency-key"), ["once"]);
  assert.deepEqual(field(head, "anthropic-version"), ["2023-06-01"]);
});
