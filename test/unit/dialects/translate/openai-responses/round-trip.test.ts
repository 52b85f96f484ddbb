import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AssistantPart } from "../../../../../src/dialects/translate/common.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-responses/read-request.ts";
import { readSignature, writeSignature } from "../../../../../src/dialects/translate/openai-responses/signature.ts";
import { writeAnswer } from "../../../../../src/dialects/translate/openai-responses/write-answer.ts";
import { answers } from "./conversations.ts";

test("what the model said, sent back as it was answered, is read as what it was: thoughts, signatures, calls and all", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const { output } = writeAnswer(answer, { model: "m", wantsUsage: true, framing: "sse" });
      const question = { role: "user", content: "Hi" };
      const next = { model: "m", input: [question, ...(output as object[]), question], store: false };
      const read = readRequest(JSON.parse(JSON.stringify(next)), {});
      assert.ok(read.ok);
      assert.deepEqual(read.losses, []);
      const said = read.request.messages.flatMap((message) => (message.role === "assistant" ? message.parts : []));
      assert.deepEqual(said, answer.parts.map(asSentBack));
    }),
    { numRuns: 300 },
  );
});

/** OpenAI's own proof has no mark but on a call. */
function asSentBack(part: AssistantPart): AssistantPart {
  if (part.kind !== "tool_call" || part.signature?.redacted !== true) return part;
  const { family, data } = part.signature;
  return { ...part, signature: { family, data } };
}

test("a proof of thoughts keeps its family, and OpenAI's stands as it is", () => {
  const data = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(
      fc.constantFrom("anthropic" as const, "gemini" as const),
      data,
      fc.boolean(),
      (family, text, redacted) => {
        const signature = { family, data: text, ...(redacted ? { redacted } : {}) };
        assert.deepEqual(readSignature(writeSignature(signature, false)), { signature, ofCall: false });
      },
    ),
  );
  assert.equal(writeSignature({ family: "openai", data: "gAAAAB" }, false), "gAAAAB");
  assert.deepEqual(readSignature("hw1.nobody.thought.x").signature.family, "openai");
});
