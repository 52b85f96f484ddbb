import assert from "node:assert/strict";
import { test } from "node:test";
import { createParser } from "eventsource-parser";
import * as fc from "fast-check";
import { SseEvents } from "../../../../src/dialects/translate/sse-events.ts";
import type { WireEvent } from "../../../../src/dialects/translate/translation.ts";

/** What eventsource-parser makes of the whole text. */
function oracle(text: string): WireEvent[] {
  const events: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ type: event ?? "", data }),
    maxBufferSize: Infinity,
  });
  parser.feed(text);
  // It keeps a CR at the very end back, since an LF may follow; a comment lets go of it and changes nothing.
  if (text.endsWith("\r")) parser.feed(":");
  return events;
}

/** Feeds `wire` in pieces that end at `cuts`, each from a buffer that is overwritten afterwards. */
function inPieces(wire: Buffer, cuts: readonly number[], parser = new SseEvents()): WireEvent[] {
  const events: WireEvent[] = [];
  const shared = Buffer.alloc(wire.length + 16);
  let from = 0;
  for (const cut of [...cuts, wire.length].sort((a, b) => a - b)) {
    shared.fill("\n");
    wire.copy(shared, 7, from, cut);
    events.push(...parser.push(shared, 7, 7 + cut - from));
    from = cut;
  }
  return events;
}

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      "data:",
      "data: ",
      "data",
      "event: ",
      "event:",
      "id: 1",
      "retry: 5",
      ":",
      ": hello",
      "datax: 1",
      " data: 1",
    ),
    fc.constantFrom("\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"),
    fc.constantFrom("{}", "[DONE]", "x", "é", "𝄞", "\u2028", "\uFEFF", "a:b", '{"a":"b"}'),
  ),
  { maxLength: 40 },
);

test("the same events as eventsource-parser, wherever the reads cut: inside characters, between CR and LF", () => {
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), (parts, cuts, mark) => {
      const text = (mark ? "\uFEFF" : "") + parts.join("");
      const wire = Buffer.from(text);
      const expected = oracle(text);
      assert.deepEqual(inPieces(wire, []), expected);
      assert.deepEqual(
        inPieces(
          wire,
          cuts.filter((cut) => cut < wire.length),
        ),
        expected,
      );
      assert.deepEqual(
        inPieces(
          wire,
          Array.from({ length: wire.length }, (_, i) => i),
        ),
        expected,
      );
    }),
    { numRuns: 1500 },
  );
});

test("a mark of the byte order is passed over at the beginning alone", () => {
  const wire = Buffer.from("\uFEFFdata: 1\n\n\uFEFFdata: 2\n\ndata: \uFEFF3\n\n");
  const expected = [
    { type: "", data: "1" },
    { type: "", data: "\uFEFF3" },
  ];
  assert.deepEqual(inPieces(wire, []), expected);
  assert.deepEqual(inPieces(wire, [1, 2, 3, 4]), expected);
});

test("bytes that are not UTF-8 become U+FFFD and end with their line", () => {
  const events = inPieces(Buffer.from("data: \xff\xe2\x82\n\ndata: ok\n\n", "latin1"), [8]);
  assert.deepEqual(events, [
    { type: "", data: "\uFFFD\uFFFD" },
    { type: "", data: "ok" },
  ]);
});

test("a last event without its blank line is handed out at the end if it can't be half of one", () => {
  const last = (text: string): readonly WireEvent[] => {
    const parser = new SseEvents();
    assert.deepEqual(parser.push(Buffer.from(text)), []);
    return parser.end();
  };
  assert.deepEqual(last('event: x\ndata: {"a":1}'), [{ type: "x", data: '{"a":1}' }]);
  assert.deepEqual(last('data: {"a":1}\n'), [{ type: "", data: '{"a":1}' }]);
  assert.deepEqual(last("data: {\ndata: }\r"), [{ type: "", data: "{\n}" }]);
  assert.deepEqual(last("data: [DONE]"), [{ type: "", data: "[DONE]" }]);
  assert.deepEqual(last('data: {"a":'), []);
  assert.deepEqual(last("event: x"), []);
  assert.deepEqual(last("data"), []);
  assert.deepEqual(last(""), []);
});

test("an event of more than its bound is a fault, in one line or many, and nothing is read after it", () => {
  const small = Buffer.from("data: 1\n\n");
  const floods = [
    Buffer.from(`data: ${"x".repeat(64)}`),
    Buffer.from(`data: ${"x".repeat(64)}\n\n`),
    Buffer.from("data: 1234567\n".repeat(8)),
    Buffer.from("data: é\n".repeat(16)),
    Buffer.concat([Buffer.from(`data: ${"x".repeat(64)}\n\n`), small]),
  ];
  for (const flood of floods) {
    for (const cuts of [[], [20], [1, 2, 3, 40]]) {
      const parser = new SseEvents(64);
      assert.deepEqual(inPieces(Buffer.concat([small, flood]), cuts, parser), [{ type: "", data: "1" }]);
      assert.match(parser.fault!, /more than 64 bytes/);
      assert.deepEqual(parser.push(small), []);
      assert.deepEqual(parser.end(), []);
    }
  }
});

test("many events and many heartbeats are no large event", () => {
  const parser = new SseEvents(64);
  const events = inPieces(Buffer.from(": heartbeat\n".repeat(100) + "data: 1\n\n".repeat(100)), [70, 500], parser);
  assert.equal(events.length, 100);
  assert.equal(parser.fault, undefined);
});

test("takes 1 MiB when nothing else is said, and no more", () => {
  const parser = new SseEvents();
  assert.equal(parser.push(Buffer.from(`data: ${"x".repeat(1024 * 1024 - 6)}\n\n`)).length, 1);
  assert.equal(parser.push(Buffer.from(`data: ${"x".repeat(1024 * 1024 - 5)}`)).length, 0);
  assert.match(parser.fault!, /more than 1048576 bytes/);
});

const BARE_ERROR = {
  error: { code: 499, message: "The operation was {cancelled}.", details: [{ "@type": "x", data: "a: b" }] },
};
const AS_VERTEX_HAS_IT = JSON.stringify(BARE_ERROR, undefined, 2);

test("an error in bare JSON behind the last event is an event, wherever the reads cut and however it is written", () => {
  for (const json of [AS_VERTEX_HAS_IT, JSON.stringify(BARE_ERROR), AS_VERTEX_HAS_IT.replaceAll(/^ +/gm, "")]) {
    for (const end of ["", "\n", "\r\n\r\n"]) {
      const wire = Buffer.from(`data: 1\r\n\r\n${json.replaceAll("\n", "\r\n")}${end}`);
      for (const cuts of [[], Array.from({ length: wire.length }, (_, i) => i)]) {
        const parser = new SseEvents();
        const [first, error, ...others] = [...inPieces(wire, cuts, parser), ...parser.end()];
        assert.deepEqual(first, { type: "", data: "1" });
        assert.equal(error?.type, "error");
        assert.deepEqual(JSON.parse(error.data), BARE_ERROR);
        assert.deepEqual(others, []);
      }
    }
  }
});

test("bare JSON that is no error, not whole or within an event is passed over, as the standard has it", () => {
  const passed = [
    "{}\n\ndata: 1\n\n",
    '{"error":null}\n\ndata: 1\n\n',
    '{\n"error": {\n\ndata: 1\n\n',
    '{"error":\ndata: 1\n\n',
    'data: 1\n{"error":{"code":1}}\n\n',
    `{\n${"}\n".repeat(100)}\ndata: 1\n\n`,
  ];
  for (const text of passed) {
    const parser = new SseEvents();
    assert.deepEqual([...inPieces(Buffer.from(text), [], parser), ...parser.end()], [{ type: "", data: "1" }], text);
  }
});

test("bare JSON has the bound of an event, and costs no more than its length", () => {
  const parser = new SseEvents(1000);
  parser.push(Buffer.from(`{\n${'"a": 1,\n'.repeat(200)}`));
  assert.match(parser.fault!, /more than 1000 bytes/);
  const many = new SseEvents();
  const startMs = performance.now();
  for (let i = 0; i < 16; i++) many.push(Buffer.from(`{\n${"}\n".repeat(30_000)}`));
  assert.ok(performance.now() - startMs < 2000);
});
