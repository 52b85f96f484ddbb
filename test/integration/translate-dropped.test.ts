/** What an answer has that its caller's API has no place for: told in a header where there is still one to be sent. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let text = "It rains.";

before(async () => {
  upstream = await startScripted(({ socket, body }) => {
    const isStream = (JSON.parse(body.toString()) as { stream?: boolean }).stream === true;
    socket.write(
      isStream
        ? response(200, STREAM, { "content-type": "text/event-stream" })
        : response(200, JSON.stringify(answer())),
    );
  });
  const config = configFor(upstream.url, { rest: "translate: strict\n" });
  gateway = await startGateway(config.replace("dialect: openai", "dialect: anthropic"));
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-opus-4-8",
  usage: { input_tokens: 3, output_tokens: 2 },
};
const answer = (): object => ({
  ...MESSAGE,
  content: [{ type: "text", text, citations: [{ type: "char_location", cited_text: "rain" }] }],
  stop_reason: "end_turn",
});
const STREAM = [
  { type: "message_start", message: { ...MESSAGE, content: [] } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation: { type: "char_location" } } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "It rains." } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } },
  { type: "message_stop" },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join("");

const ask = (more: object = {}): Promise<Response> =>
  post(`${gateway.url}/v1/responses`, JSON.stringify({ model: "claude-opus-4-8", input: "Weather?", ...more }));
/** An earlier answer's citations: of the request, and worth a warning too. */
const CITING = {
  input: [
    {
      role: "assistant",
      content: [{ type: "output_text", text: "Rain.", annotations: [{ type: "url_citation", url: "https://x.test" }] }],
    },
    { role: "user", content: "Sure?" },
  ],
};
const dropped = (from: Response): string | null => from.headers.get("x-headwaiter-dropped");

test("citations of a whole answer are named in a header, beside what its request lost, and nothing is refused", async () => {
  const plain = await ask();
  assert.deepEqual([plain.status, dropped(plain)], [200, "answer.content[].citations"]);
  assert.match(await plain.text(), /It rains\./);
  const citing = await ask(CITING);
  const both = "input[0].content[0].annotations,answer.content[].citations";
  assert.deepEqual([citing.status, dropped(citing)], [200, both]);
});

test("so they are where the answer is so large that it is translated off the loop", async () => {
  text = "It rains. ".repeat(40_000);
  const large = await ask();
  text = "It rains.";
  assert.deepEqual([large.status, dropped(large)], [200, "answer.content[].citations"]);
});

test("a stream has sent its headers before they come, and says what its request lost alone", async () => {
  const stream = await ask({ ...CITING, stream: true });
  assert.deepEqual([stream.status, dropped(stream)], [200, "input[0].content[0].annotations"]);
  assert.match(await stream.text(), /event: response\.completed/);
});
