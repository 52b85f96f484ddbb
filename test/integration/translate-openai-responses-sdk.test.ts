/** The official SDK sends what is read, and reads what is written. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import OpenAI, { APIError, BadRequestError } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import type { Response, ResponseInputItem } from "openai/resources/responses/responses";
import { z } from "zod";
import type { AssistantPart, CommonAnswer } from "../../src/dialects/translate/common.ts";
import { writeAnswer } from "../../src/dialects/translate/openai-responses/write-answer.ts";
import { startResponsesFront } from "../support/responses-front.ts";
import type { ResponsesFront } from "../support/responses-front.ts";
import { answers, cutPlaces, eventsOf } from "../unit/dialects/translate/openai-responses/conversations.ts";

let front: ResponsesFront;
let client: OpenAI;

before(async () => {
  front = await startResponsesFront();
  client = new OpenAI({ baseURL: front.baseURL, apiKey: "key", maxRetries: 0 });
});
after(() => front[Symbol.asyncDispose]());

const ASK = { model: "house", input: "Hi" };
const CONTEXT = { model: "house", wantsUsage: true, framing: "sse" } as const;

function answerOf(...parts: AssistantPart[]): CommonAnswer {
  const stopReason = parts.some(({ kind }) => kind === "tool_call") ? "tool_calls" : "stop";
  return { id: "msg_1", model: "m", createdSeconds: 1, parts, stopReason, usage: { inputTokens: 3, outputTokens: 2 } };
}

/** Without what the SDK adds to the items itself. */
const asJson = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (/^parsed(?:_arguments)?$/.test(key) ? undefined : inner)),
  ) as unknown;

/** What the model said, as a user of the SDK sees it. */
function seen(response: Response): unknown {
  const { status, output, output_text: text, incomplete_details: details, usage } = response;
  return asJson({ status, output, text, details, usage });
}

test("any stream: the SDK's final response is the whole answer, and so is what it adds up itself", async () => {
  await fc.assert(
    fc.asyncProperty(answers, cutPlaces, async (answer, cuts) => {
      const events = eventsOf(answer, cuts);
      front.script(events);
      const text = answer.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
      const whole = writeAnswer(answer, CONTEXT) as unknown as Response;
      const expected = seen({ ...whole, output_text: text });

      const stream = client.responses.stream(ASK);
      let added = "";
      stream.on("response.output_text.delta", ({ delta }) => void (added += delta));
      assert.deepEqual(seen(await stream.finalResponse()), expected);
      assert.equal(added, text);

      // Without the last event there is only what the deltas and the items have said.
      front.script(events.slice(0, -1));
      const cut = await client.responses.stream(ASK).finalResponse();
      assert.equal(cut.status, "in_progress");
      assert.deepEqual(asJson(cut.output), asJson(whole.output));
    }),
    { numRuns: 60 },
  );
});

test("any whole answer is read as what it says", async () => {
  await fc.assert(
    fc.asyncProperty(answers, async (answer) => {
      front.script(answer);
      const response = await client.responses.create(ASK);
      const text = answer.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
      assert.equal(response.output_text, text);
      assert.deepEqual(
        seen(response),
        seen({ ...(writeAnswer(answer, CONTEXT) as unknown as Response), output_text: text }),
      );
    }),
    { numRuns: 30 },
  );
});

test("the plain event stream can be read on to its end, numbered without a gap", async () => {
  front.script(eventsOf(answerOf({ kind: "reasoning", text: "Hm" }, { kind: "text", text: "Hello" }), [2]));
  const numbers: number[] = [];
  let last = "";
  for await (const event of await client.responses.create({ ...ASK, stream: true })) {
    numbers.push(event.sequence_number);
    last = event.type;
  }
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i),
  );
  assert.equal(last, "response.completed");
});

test("an error in the middle is thrown, with its code, and the text so far has been seen", async () => {
  for (const helper of [false, true]) {
    const started = eventsOf(answerOf({ kind: "text", text: "half" }), []).slice(0, 3);
    front.script([
      ...started,
      { kind: "error", message: "The upstream fell silent.", status: 504, code: "upstream_idle_timeout" },
    ]);
    let text = "";
    const read = async (): Promise<void> => {
      const events = helper ? client.responses.stream(ASK) : await client.responses.create({ ...ASK, stream: true });
      for await (const event of events) if (event.type === "response.output_text.delta") text += event.delta;
    };
    await assert.rejects(read(), (error) => {
      assert.ok(error instanceof APIError);
      assert.equal(error.code, "upstream_idle_timeout");
      assert.match(error.message, /fell silent/);
      return true;
    });
    assert.equal(text, "half");
  }
});

test("a conversation with a tool: what the SDK sends back is read as what was said, signatures and all", async () => {
  const said: AssistantPart[] = [
    { kind: "reasoning", text: "Hm", signature: { family: "anthropic", data: "proof" } },
    { kind: "text", text: "Let me see." },
    {
      kind: "tool_call",
      id: "call_1",
      name: "weather",
      arguments: '{"city":"Oslo"}',
      signature: { family: "gemini", data: "c2ln" },
    },
    { kind: "tool_call", id: "call_2", name: "weather", arguments: '{"city":"Rome"}' },
  ];
  const call = { ...ASK, tools: [weather], parallel_tool_calls: true, store: false, stream: true as const };
  front.script(eventsOf(answerOf(...said), [3]), eventsOf(answerOf({ kind: "text", text: "Sunny." }), []));
  const first = await client.responses.stream(call).finalResponse();
  const calls = first.output.flatMap((item) => (item.type === "function_call" ? [item] : []));
  const second = await client.responses
    .stream({
      ...call,
      input: [
        { role: "user", content: "Hi" },
        ...(first.output as ResponseInputItem[]),
        ...calls.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "sun" })),
      ],
    })
    .finalResponse();
  assert.equal(second.output_text, "Sunny.");
  assert.deepEqual(
    front.requests.flatMap(({ losses }) => losses),
    [],
  );
  assert.deepEqual(front.requests[1]!.request.messages, [
    { role: "user", parts: [{ kind: "text", text: "Hi" }] },
    { role: "assistant", parts: said },
    {
      role: "user",
      parts: ["call_1", "call_2"].map((id) => ({
        kind: "tool_result",
        id,
        name: "weather",
        content: [{ kind: "text", text: "sun" }],
        isError: false,
      })),
    },
  ]);
});

const weather = {
  type: "function",
  name: "weather",
  description: "Weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
} as const;

test("structured output: the SDK's schema arrives, and the answer is parsed by it, whole and streamed", async () => {
  const format = zodTextFormat(z.object({ city: z.string(), degrees: z.number() }), "weather");
  const answer = answerOf({ kind: "text", text: '{"city":"Oslo","degrees":3}' });
  front.script(answer);
  const parsed = await client.responses.parse({ ...ASK, text: { format } });
  assert.deepEqual(parsed.output_parsed, { city: "Oslo", degrees: 3 });
  const { outputFormat } = front.requests[0]!.request;
  assert.partialDeepStrictEqual(outputFormat, {
    kind: "schema",
    name: "weather",
    strict: true,
    schema: { type: "object" },
  });
  front.script(eventsOf(answer, [5, 9]));
  const streamed = await client.responses.stream({ ...ASK, text: { format } }).finalResponse();
  assert.deepEqual(streamed.output_parsed, { city: "Oslo", degrees: 3 });
});

test("what the request said is repeated in the answer", async () => {
  front.script(answerOf({ kind: "text", text: "x" }));
  const response = await client.responses.create({
    ...ASK,
    instructions: "Be brief.",
    temperature: 0.5,
    tools: [weather],
  });
  assert.deepEqual([response.instructions, response.temperature, response.tools], ["Be brief.", 0.5, [weather]]);
});

test("what only OpenAI holds is refused by name", async () => {
  await assert.rejects(client.responses.create({ ...ASK, previous_response_id: "resp_1" }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.param, "previous_response_id");
    return true;
  });
});
