import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { GatewayError } from "../../../src/core/errors.ts";
import type { BackName, FrontName } from "../../../src/dialects/translate/registry.ts";
import type { AnswerContext } from "../../../src/dialects/translate/translation.ts";
import { StreamTranslation } from "../../../src/relay/stream-translation.ts";
import { FIXTURES, skipRecorded } from "../../support/recorded-streams.ts";

const CONTEXT: AnswerContext = { model: "m", wantsUsage: false, framing: "sse" };
const FRONT_NAMES = ["openai_chat", "openai_responses", "anthropic", "gemini"] as const satisfies readonly FrontName[];

const translation = (front: FrontName, back: BackName, context: Partial<AnswerContext> = {}): StreamTranslation =>
  new StreamTranslation({ front, back, context: { ...CONTEXT, ...context } });

function feed(stream: StreamTranslation, text: string): string {
  const bytes = Buffer.from(`??${text}??`);
  return stream.feed(bytes, 2, bytes.length - 2);
}

const sse = (...events: readonly object[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const chunk = (delta: object, finish: string | null = null): object => ({
  id: "c",
  model: "m",
  created: 1,
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const DONE = "data: [DONE]\n\n";

/** Data of the events in `text`. */
const dataOf = (text: string): string[] => [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => data!);
const parsedOf = (text: string): Record<string, unknown>[] =>
  dataOf(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as Record<string, unknown>);

/** How each API says that an answer is complete, and that it is not. */
const ENDS: Readonly<Record<FrontName, RegExp>> = {
  openai_chat: /\[DONE\]/g,
  openai_responses: /^event: response\.(?:completed|incomplete)$/gm,
  anthropic: /^event: message_stop$/gm,
  gemini: /"finishReason":"[A-Z_]+"/g,
};
const ERROR = /"error":\{/;

for (const front of FRONT_NAMES) {
  test(`${front}: an answer is complete with its end, and its token events are counted`, () => {
    const stream = translation(front, "openai");
    const text =
      feed(stream, sse(chunk({ role: "assistant", content: "" }), chunk({ content: "a" }), chunk({ content: "b" }))) +
      feed(stream, sse(chunk({}, "stop")));
    assert.deepEqual([stream.complete, stream.failed, stream.tokenEvents], [false, false, 2]);
    const all = text + feed(stream, DONE);
    assert.deepEqual([stream.complete, stream.failed], [true, false]);
    assert.equal(all.match(ENDS[front])?.length, 1);
    assert.equal(feed(stream, sse(chunk({ content: "late" }))) + stream.end(), "");
  });

  test(`${front}: an upstream's own error ends it as failed, without an end`, () => {
    const stream = translation(front, "openai");
    const text =
      feed(stream, sse(chunk({ content: "a" }), { error: { message: "boiled over" } })) +
      feed(stream, DONE) +
      stream.end();
    assert.deepEqual([stream.complete, stream.failed], [false, true]);
    assert.match(text, ERROR);
    assert.match(text, /boiled over/);
    assert.equal(text.match(ENDS[front]), null);
  });

  test(`${front}: what is cut short before it began is a whole stream all the same`, () => {
    const stream = translation(front, "openai");
    const text = stream.cutShort({ code: "limit_reached", message: "enough" });
    assert.match(text, /^: limit_reached: enough\n\n/);
    assert.deepEqual([stream.complete, stream.failed], [true, false]);
    assert.equal(text.match(ENDS[front])?.length, 1);
    const [first] = parsedOf(text);
    if (front === "openai_chat") {
      assert.deepEqual((first!["choices"] as { delta: object }[])[0]!.delta, {
        role: "assistant",
        content: "",
        refusal: null,
      });
    } else if (front === "anthropic") assert.equal(first!["type"], "message_start");
    else if (front === "openai_responses") assert.equal(first!["type"], "response.created");
    else assert.equal(text.match(/"finishReason":"MAX_TOKENS"/g)?.length, 1);
    assert.equal(stream.errorEvent(new GatewayError("draining")), "");
  });

  test(`${front}: what is cut short behind its finish is not finished a second time`, () => {
    const stream = translation(front, "anthropic");
    const begun = feed(
      stream,
      sse(
        { type: "message_start", message: { id: "m", model: "m", usage: { input_tokens: 1, output_tokens: 1 } } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "a" } },
        { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
      ),
    );
    const text = begun + stream.cutShort({ code: "limit_reached", message: "enough" });
    assert.equal(text.match(ENDS[front])?.length, 1);
    const finishes = text.match(/"(?:finish_reason|stop_reason|finishReason)":"\w+"/g) ?? [];
    assert.equal(finishes.length, front === "openai_responses" ? 0 : 1);
    assert.deepEqual(stream.usage(), { inputTokens: 1, outputTokens: 5 });
  });

  test(`${front}: an error of ours before anything has come is an error event alone`, () => {
    const stream = translation(front, "anthropic");
    const text = stream.errorEvent(new GatewayError("upstream_disconnected"));
    assert.match(text, ERROR);
    assert.equal(text.match(ENDS[front]), null);
    assert.deepEqual([stream.complete, stream.failed], [false, true]);
  });

  test(
    `${front}: the error that Vertex writes in bare JSON ends the stream, whose answer seemed finished, as failed`,
    { skip: skipRecorded },
    () => {
      const name = `${FIXTURES}gemini-mock/vertexai/streaming-failure-error-mid-stream.txt`;
      assert.ok(existsSync(name));
      const wire = readFileSync(name);
      for (const size of [wire.length, 1, 7]) {
        const stream = translation(front, "gemini");
        let text = "";
        for (let at = 0; at < wire.length; at += size) text += stream.feed(wire, at, Math.min(at + size, wire.length));
        text += stream.end();
        assert.deepEqual([stream.complete, stream.failed], [false, true]);
        assert.match(text, /First /);
        assert.match(text, /The operation was cancelled\./);
        assert.match(text, ERROR);
        assert.equal(text.match(ENDS[front]), null);
      }
    },
  );
}

test("a stream that its writer gives up, since the answer is too large for it, has failed", () => {
  const stream = translation("openai_responses", "openai");
  let text = feed(stream, sse(chunk({ content: "a" })));
  const large = sse(chunk({ content: "x".repeat(900_000) }));
  for (let i = 0; i < 20; i++) text += feed(stream, large).slice(-2000);
  text += feed(stream, sse(chunk({}, "stop")) + DONE) + stream.end();
  assert.deepEqual([stream.complete, stream.failed], [false, true]);
  assert.equal(text.match(/^event: error$/gm)?.length, 1);
  assert.equal(text.match(ENDS.openai_responses), null);
});

test("calls that are too large for their writers fail the stream, too", () => {
  for (const front of ["anthropic", "gemini"] as const) {
    const stream = translation(front, "openai");
    const call = (index: number, name: string | undefined, json: string): object =>
      chunk({ tool_calls: [{ index, id: name && `call_${index}`, function: { name, arguments: json } }] });
    // The second waits for the first, which is never whole.
    feed(stream, sse(call(0, "f", '{"a":"'), call(1, "g", '{"a":"')));
    const large = sse(call(1, undefined, "x".repeat(900_000)));
    let text = "";
    for (let i = 0; i < 6; i++) text += feed(stream, large);
    text += feed(stream, sse(chunk({}, "tool_calls")) + DONE) + stream.end();
    assert.deepEqual([stream.complete, stream.failed], [false, true], front);
    assert.match(text, ERROR);
    assert.equal(text.match(ENDS[front]), null);
  }
});

test("an event with a picture of several megabytes passes; one that is larger than any ends the stream", () => {
  const data = Buffer.alloc(3 * 1024 * 1024, 7).toString("base64");
  const picture = (bytes: string): string =>
    sse({
      candidates: [
        { index: 0, content: { role: "model", parts: [{ inlineData: { mimeType: "image/png", data: bytes } }] } },
      ],
    });
  const stream = translation("openai_chat", "gemini");
  const text = feed(stream, picture(data));
  assert.equal(stream.failed, false);
  assert.ok(text.includes(`data:image/png;base64,${data}`));
  assert.match(feed(stream, picture(data.repeat(5))), ERROR);
  assert.deepEqual([stream.complete, stream.failed], [false, true]);
  const letters = translation("openai_chat", "anthropic");
  feed(letters, sse({ type: "ping", padding: "x".repeat(1024 * 1024) }));
  assert.equal(letters.failed, true);
});

test("thoughts that the caller is not told are counted as tokens and not written", () => {
  const wire = sse(
    chunk({ reasoning_content: "hm" }),
    chunk({ reasoning_content: "so" }),
    chunk({ content: "x" }, "stop"),
  );
  const asked = translation("anthropic", "openai", { thoughts: "told" });
  assert.match(feed(asked, wire + DONE), /thinking_delta/);
  const unasked = translation("anthropic", "openai", { thoughts: "hidden" });
  const text = feed(unasked, wire + DONE);
  assert.doesNotMatch(text, /thinking|hm/);
  assert.match(text, /"text":"x"/);
  assert.deepEqual([unasked.tokenEvents, unasked.complete], [3, true]);
});

test("a JSON array is whole at the end of whatever ends it, and holds no comment", () => {
  const array = { framing: "json_array" } as const;
  const whole = translation("gemini", "openai", array);
  const body = feed(whole, sse(chunk({ content: "a" }), chunk({}, "stop")) + DONE);
  assert.equal((JSON.parse(body) as unknown[]).length, 2);
  const cut = translation("gemini", "openai", array);
  assert.equal((JSON.parse(cut.cutShort({ code: "limit_reached", message: "enough" })) as unknown[]).length, 1);
  const failed = translation("gemini", "openai", array);
  assert.match(JSON.stringify(JSON.parse(failed.errorEvent(new GatewayError("draining")))), ERROR);
});
