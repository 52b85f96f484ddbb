import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { TimerWheel } from "../../../../src/core/timer-wheel.ts";
import { Offload } from "../../../../src/offload/offload.ts";
import { mayHoldImages } from "../../../../src/offload/tasks/image-marks.ts";
import { readPassFields, readPromptFields, understand } from "../../../../src/offload/tasks/understand.ts";
import type { UnderstandInput, UnderstandOutput } from "../../../../src/offload/tasks/understand.ts";

const field = fc.oneof(
  fc.constantFrom('"m"', '"\\u006d"', '""', "null", "true", "false", "1", "{}", "[]", '" \\t"', `"${"m".repeat(257)}"`),
  fc.json({ maxDepth: 2 }),
);
const name = fc.constantFrom("model", "stream", "prompt", "messages", "\\u006dodel", "Model", "x");
const object = fc
  .array(fc.tuple(name, field), { maxLength: 6 })
  .map((members) => `{${members.map(([key, value]) => `"${key}": ${value}`).join(",")}}`);
const body = fc
  .oneof(object, fc.string(), fc.json())
  .map((text) => Buffer.from(text))
  .chain((bytes) => fc.constantFrom(bytes, bytes.subarray(1), Buffer.concat([bytes, Buffer.from([0xff])])));

function onThread(offload: Offload, input: UnderstandInput): Promise<UnderstandOutput> {
  return new Promise((resolve, reject) => {
    offload.bodies.submit({
      task: "understand",
      input,
      sizeBytes: input.body.length,
      deadlineMs: 20_000,
      onOutput: resolve,
      onFailure: reject,
    });
  });
}

test("a thread understands every body as the loop does, and gives it back as it was", async () => {
  const wheel = new TimerWheel({ tickMs: 50, slots: 64 });
  const offload = new Offload({ wheel, meter: { queued() {}, running() {}, ended() {} } });
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom("pass", "prompt"), async (bytes, fields) => {
      const kept = Buffer.from(bytes);
      const output = await onThread(offload, { body: bytes, fields, images: true, copy: true });
      assert.deepEqual(output.pass, fields === "pass" ? readPassFields(kept) : undefined);
      assert.deepEqual(output.prompt, fields === "prompt" ? readPromptFields(kept) : undefined);
      assert.ok(kept.equals(output.body));
      const usable = (output.pass ?? output.prompt)!.ok;
      assert.equal(output.mayHoldImages, usable && mayHoldImages(kept));
      assert.deepEqual(output.copy && Buffer.from(output.copy), usable ? kept : undefined);
    }),
    { numRuns: 200 },
  );
  await offload.close();
  wheel.stop();
});

test("the copy has memory of its own: it can be moved on while the body is sent", () => {
  const bytes = Buffer.from('{"model":"m"}');
  const { copy } = understand({ body: bytes, fields: "pass", images: false, copy: true });
  assert.ok(copy!.buffer !== bytes.buffer);
  assert.equal(copy!.buffer.byteLength, bytes.length);
});

test("a name or a prompt of megabytes is judged without being kept", () => {
  const long = `"${"m".repeat(2_000_000)}"`;
  assert.equal(readPassFields(Buffer.from(`{"model":${long}}`)).ok, false);
  assert.deepEqual(readPromptFields(Buffer.from(`{"prompt":${long}}`)), {
    ok: true,
    promptSpan: { start: 10, end: 10 + long.length },
  });
  assert.deepEqual(readPromptFields(Buffer.from(`{"prompt":"${" ".repeat(2_000_000)}"}`)), {
    ok: false,
    code: "prompt_empty",
    param: "prompt",
  });
});

test("a model's name may be 256 characters long, each written as an escape", () => {
  const written = "\\u006d".repeat(256);
  const fields = readPassFields(Buffer.from(`{"model":"${written}"}`));
  assert.ok(fields.ok && fields.model === "m".repeat(256));
});

test("half a surrogate pair is no model's name", () => {
  const fields = readPassFields(Buffer.from('{"model":"m\\ud800"}'));
  assert.ok(!fields.ok && fields.param === "model");
});

test("how long the answers may be is read from any API's name for it, times their number", () => {
  const bound = (body: string): number | undefined => {
    const fields = readPassFields(Buffer.from(body));
    assert.ok(fields.ok);
    return fields.maxOutputTokens;
  };
  assert.equal(bound('{"model":"m"}'), undefined);
  assert.equal(bound('{"max_tokens":100}'), 100);
  assert.equal(bound('{"max_completion_tokens":100,"max_tokens":7}'), 100);
  assert.equal(bound('{"max_output_tokens":1e3,"n":3}'), 3000);
  assert.equal(bound('{"max_tokens":10,"n":2,"best_of":5}'), 50);
  assert.equal(bound('{"max_tokens":0}'), 0);
  const answers = (body: string): number => {
    const fields = readPassFields(Buffer.from(body));
    assert.ok(fields.ok);
    return fields.answers;
  };
  assert.deepEqual(
    [answers("{}"), answers('{"n":3}'), answers('{"n":0}'), answers('{"n":2,"best_of":5}')],
    [1, 3, 1, 5],
  );
  assert.equal(bound('{"max_tokens":10,"prompt":["a","b\\"]","c"]}'), 30);
  assert.equal(bound('{"max_tokens":10,"n":2,"prompt":[[1,2],[3]]}'), 40);
  for (const one of ['"a"', "[1,2,3]", "[]", '["a"]', "null"])
    assert.equal(bound(`{"max_tokens":10,"prompt":${one}}`), 10);
  // Theirs to refuse.
  for (const wrong of ["null", '"100"', "-1", "1.5", "1e99", "[100]"])
    assert.equal(bound(`{"max_tokens":${wrong}}`), undefined);
});
