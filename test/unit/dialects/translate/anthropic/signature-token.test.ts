import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readSignature, writeSignature } from "../../../../../src/dialects/translate/anthropic/signature-token.ts";
import { anthropicToolId } from "../../../../../src/dialects/translate/anthropic/tool-id.ts";

test("a proof comes back as it was, with its family and its place", () => {
  const family = fc.constantFrom("openai", "anthropic", "gemini");
  const data = fc.string({ minLength: 1 }).filter((text) => !text.startsWith("hw1."));
  fc.assert(
    fc.property(family, data, fc.constantFrom("signature", "redacted", "call"), (made, proof, place) => {
      const signature = { family: made, data: proof, ...(place === "redacted" ? { redacted: true } : {}) };
      assert.deepEqual(readSignature(writeSignature(signature, place), place !== "signature"), {
        signature,
        ofCall: place === "call",
      });
    }),
  );
});

test("Anthropic's own proofs stand as they are", () => {
  assert.equal(writeSignature({ family: "anthropic", data: "EqQB" }, "signature"), "EqQB");
  assert.equal(writeSignature({ family: "anthropic", data: "EqQB", redacted: true }, "redacted"), "EqQB");
});

test("ids of tool calls are such as Anthropic takes, and two never become one", () => {
  const id = fc.oneof(fc.string(), fc.stringMatching(/^hw1_[a-zA-Z0-9_-]*$/), fc.stringMatching(/^[a-z_-]+$/));
  fc.assert(
    fc.property(id, id, (a, b) => {
      assert.match(anthropicToolId(a), /^[a-zA-Z0-9_-]+$/);
      assert.equal(anthropicToolId(a) === anthropicToolId(b), a.toWellFormed() === b.toWellFormed());
    }),
  );
  assert.equal(anthropicToolId("toolu_01A-b"), "toolu_01A-b");
});
