import assert from "node:assert/strict";
import { test } from "node:test";
import { readRequest } from "../../../../../src/dialects/translate/openai-responses/read-request.ts";

function echoOf(more: object): unknown {
  const read = readRequest({ model: "m", input: "x", ...more }, {});
  assert.ok(read.ok);
  return read.echo;
}

test("an answer repeats what the API repeats of a request, and nothing else", () => {
  const said = {
    instructions: "i",
    temperature: 0.5,
    metadata: { a: "b" },
    tool_choice: "none",
    text: { verbosity: "low" },
  };
  assert.deepEqual(echoOf({ ...said, store: true, stream: true, strange: 1, user: null }), said);
});

test("what is too large to be said three times in a stream is left out", () => {
  assert.deepEqual(echoOf({ instructions: "x".repeat(20_000), temperature: 1 }), { temperature: 1 });
  const description = "x".repeat(9_000);
  const tools = [{ type: "function", name: "f", parameters: null, strict: null, description }];
  assert.deepEqual(echoOf({ instructions: description, tools }), { instructions: description });
});
