/** What a Responses stream that is ended early says once more: whatever came whole, however long its events were. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponsesScan } from "../../../../src/dialects/openai/responses-scan.ts";

const READ_BYTES = 16 * 1024;
const LONG = "0123456789".repeat(7000);
const MESSAGE = { id: "m", type: "message", status: "in_progress", role: "assistant", content: [] };
const TEXT_DELTA = "response.output_text";
const ARGUMENTS_DELTA = "response.function_call_arguments";

type Fields = Readonly<Record<string, unknown>>;

function event(type: string, fields: Fields): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function added(index: number, item: Fields): string {
  return event("response.output_item.added", { output_index: index, item });
}

function call(id: string): Fields {
  return { id, type: "function_call", status: "in_progress", arguments: "" };
}

function textPart(text: string): Fields {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function partAdded(index: number): string {
  return event("response.content_part.added", { output_index: index, content_index: 0, part: textPart("") });
}

/** `text` in deltas of 1000 characters. */
function deltas(name: string, index: number, text: string): string {
  const pieces = text.match(/.{1,1000}/gs) ?? [];
  return pieces.map((delta) => event(`${name}.delta`, { output_index: index, delta })).join("");
}

/** A scan that has read `wire` as a socket brings it: the long lines in pieces. */
function scanned(wire: string): ResponsesScan {
  const scan = new ResponsesScan({ mayBeCut: true });
  const bytes = Buffer.from(wire);
  for (let at = 0; at < bytes.length; at += READ_BYTES) {
    const read = Buffer.from(bytes.subarray(at, at + READ_BYTES));
    scan.scan(read, 0, read.length);
  }
  return scan;
}

interface Ending {
  readonly types: readonly string[];
  readonly output: readonly Fields[];
}

function endingOf(scan: ResponsesScan): Ending {
  const events = scan
    .cutShort({ code: "limit_reached", message: "No tokens are left." })
    .trim()
    .split("\n\n")
    .map((one) => JSON.parse(one.slice(one.indexOf("\ndata: ") + 7)) as Fields);
  const last = events.at(-1)!["response"] as { readonly output: readonly Fields[] };
  return { types: events.map(({ type }) => String(type)), output: last.output };
}

/** An item's message, from `added` to `done`. */
function message(index: number, text: string): string {
  const here = { output_index: index, content_index: 0 };
  return (
    added(index, MESSAGE) +
    partAdded(index) +
    deltas(TEXT_DELTA, index, text) +
    event("response.output_text.done", { ...here, text }) +
    event("response.content_part.done", { ...here, part: textPart(text) }) +
    event("response.output_item.done", {
      output_index: index,
      item: { ...MESSAGE, status: "completed", content: [textPart(text)] },
    })
  );
}

test("a message whose last events are longer than a line that is kept is said again whole, and completed", () => {
  const wire = message(0, LONG) + added(1, call("f")) + deltas(ARGUMENTS_DELTA, 1, '{"a');
  const { output, types } = endingOf(scanned(wire));
  assert.deepEqual(output, [
    { ...MESSAGE, status: "completed", content: [textPart(LONG)] },
    { ...call("f"), status: "incomplete", arguments: '{"a' },
  ]);
  assert.deepEqual(types, [
    "response.function_call_arguments.done",
    "response.output_item.done",
    "response.incomplete",
  ]);
});

test("a part that was ended by an overlong event is not ended again, and its item is closed as incomplete", () => {
  const here = { output_index: 0, content_index: 0 };
  const begin = added(0, MESSAGE) + partAdded(0) + deltas(TEXT_DELTA, 0, LONG);
  const textDone = event("response.output_text.done", { ...here, text: LONG });
  const partDone = event("response.content_part.done", { ...here, part: textPart(LONG) });
  const whole = [{ ...MESSAGE, status: "incomplete", content: [textPart(LONG)] }];
  assert.deepEqual(endingOf(scanned(begin + textDone)), {
    types: ["response.content_part.done", "response.output_item.done", "response.incomplete"],
    output: whole,
  });
  assert.deepEqual(endingOf(scanned(begin + textDone + partDone)), {
    types: ["response.output_item.done", "response.incomplete"],
    output: whole,
  });
});

for (const order of ["before", "after"] as const) {
  test(`of several open items an overlong event ends the one that it names ${order} the item`, () => {
    const item = { ...call("a"), status: "completed", arguments: LONG };
    const done =
      order === "before"
        ? event("response.output_item.done", { output_index: 0, item })
        : event("response.output_item.done", { item, output_index: 0, sequence_number: 9 });
    const wire =
      added(0, call("a")) +
      added(1, call("b")) +
      deltas(ARGUMENTS_DELTA, 0, LONG) +
      deltas(ARGUMENTS_DELTA, 1, "{half") +
      done +
      deltas(ARGUMENTS_DELTA, 1, " and more");
    assert.deepEqual(endingOf(scanned(wire)).output, [
      item,
      { ...call("b"), status: "incomplete", arguments: "{half and more" },
    ]);
  });
}

test("an overlong event that names no item ends none", () => {
  const item = { ...call("a"), status: "completed", arguments: LONG };
  const wire = added(0, call("a")) + deltas(ARGUMENTS_DELTA, 0, "{half") + event("response.output_item.done", { item });
  assert.deepEqual(endingOf(scanned(wire)).output, [{ ...call("a"), status: "incomplete", arguments: "{half" }]);
});

test("text that is said four times over counts once: 1.5 MB of it are kept", () => {
  const text = "0123456789".repeat(5000);
  const wire = Array.from({ length: 30 }, (_, index) => message(index, text)).join("");
  const { output } = endingOf(scanned(wire));
  assert.equal(output.length, 30);
  for (const item of output) {
    assert.deepEqual(item, { ...MESSAGE, status: "completed", content: [textPart(text)] });
  }
});

test("what was kept before 2 MiB were passed is said again, and nothing that came after", () => {
  const text = "x".repeat(3_000_000);
  const wire = message(0, "first") + message(1, text) + message(2, "third");
  const { output } = endingOf(scanned(wire));
  assert.deepEqual(output[0], { ...MESSAGE, status: "completed", content: [textPart("first")] });
  assert.equal(output.length, 2);
  assert.equal(output[1]!["status"], "completed");
  const [part] = output[1]!["content"] as readonly { readonly text: string }[];
  assert.ok(part!.text.length > 2_000_000 && part!.text.length <= 2 * 1024 * 1024, String(part!.text.length));
});

test("at most 128 items are kept, and each index once: what was added first stands", () => {
  const wire =
    added(3, { ...call("first") }) +
    deltas(ARGUMENTS_DELTA, 3, "{}") +
    Array.from({ length: 75_000 }, (_, index) => added(index % 200, { id: "other" })).join("");
  const { output } = endingOf(scanned(wire));
  assert.equal(output.length, 128);
  assert.deepEqual(output[3], { ...call("first"), status: "incomplete", arguments: "{}" });
});

test("deltas of one type make no string of its name but the first, and each type's text goes to its own item", () => {
  const scan = scanned(added(0, MESSAGE) + partAdded(0) + added(1, call("f")));
  const first = Buffer.from(deltas(TEXT_DELTA, 0, "y".repeat(100_000)));
  let made = 0;
  first.toString = (...range) => (made++, Buffer.prototype.toString.apply(first, range));
  scan.scan(first, 0, first.length);
  assert.equal(made, 1);
  for (const [name, index] of [
    [ARGUMENTS_DELTA, 1],
    [TEXT_DELTA, 0],
    [ARGUMENTS_DELTA, 1],
  ] as const) {
    const bytes = Buffer.from(deltas(name, index, "z"));
    scan.scan(bytes, 0, bytes.length);
  }
  assert.deepEqual(endingOf(scan).output, [
    { ...MESSAGE, status: "incomplete", content: [textPart(`${"y".repeat(100_000)}z`)] },
    { ...call("f"), status: "incomplete", arguments: "zz" },
  ]);
});
