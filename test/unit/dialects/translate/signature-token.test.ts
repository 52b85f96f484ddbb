import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import * as anthropic from "../../../../src/dialects/translate/anthropic/signature.ts";
import type { ReasoningSignature } from "../../../../src/dialects/translate/common.ts";
import * as gemini from "../../../../src/dialects/translate/gemini/signature.ts";
import * as responses from "../../../../src/dialects/translate/openai-responses/signature.ts";
import { readToken, writeToken } from "../../../../src/dialects/translate/signature-token.ts";

const signatures: fc.Arbitrary<ReasoningSignature> = fc
  .tuple(
    fc.constantFrom("openai" as const, "anthropic" as const, "gemini" as const),
    fc
      .string({ minLength: 1, unit: "grapheme" })
      .filter((text) => !text.startsWith("hw1.") && !text.startsWith("aHcx")),
    fc.boolean(),
  )
  .map(([family, data, redacted]) => (redacted ? { family, data, redacted } : { family, data }));

test("a token says whose proof it is, and of what", () => {
  fc.assert(
    fc.property(signatures, fc.boolean(), (signature, ofCall) => {
      const { redacted: _, ...plain } = signature;
      assert.deepEqual(readToken(writeToken(signature, ofCall)), { signature: ofCall ? plain : signature, ofCall });
    }),
  );
  for (const other of ["", "EqQB", "hw1.nobody.thought.x", "hw1.openai.thought", "xhw1.openai.call.y"]) {
    assert.equal(readToken(other), undefined, other);
  }
});

test("what an Anthropic caller gives back is what it got", () => {
  fc.assert(
    fc.property(signatures, (signature) => {
      const isRedacted = signature.redacted === true;
      const back = anthropic.readSignature(anthropic.writeSignature(signature, false), isRedacted);
      assert.deepEqual(back, { signature, ofCall: false });
    }),
  );
  const call = { family: "gemini", data: "g" } as const;
  assert.deepEqual(anthropic.readSignature(anthropic.writeSignature(call, true), true), {
    signature: call,
    ofCall: true,
  });
});

test("what a Responses caller gives back is what it got", () => {
  fc.assert(
    fc.property(signatures, (signature) => {
      const back = responses.readSignature(responses.writeSignature(signature, false));
      assert.deepEqual(back, { signature, ofCall: false });
    }),
  );
});

test("what a Gemini caller gives back is what it got, in either alphabet of base64", () => {
  fc.assert(
    fc.property(
      signatures.filter(({ family, redacted }) => family !== "gemini" || redacted !== true),
      (signature) => {
        const written = gemini.writeSignature(signature);
        assert.deepEqual(gemini.readSignature(written), signature);
        if (signature.family === "gemini") return;
        assert.match(written, /^[A-Za-z0-9+/]+=*$/);
        const urlSafe = written.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
        assert.deepEqual(gemini.readSignature(urlSafe), signature);
      },
    ),
  );
});

test("each API's own proofs stand as they are", () => {
  assert.equal(anthropic.writeSignature({ family: "anthropic", data: "EqQB" }, false), "EqQB");
  assert.equal(anthropic.writeSignature({ family: "anthropic", data: "EqQB", redacted: true }, false), "EqQB");
  assert.equal(responses.writeSignature({ family: "openai", data: "gAAAAB" }, false), "gAAAAB");
  assert.equal(gemini.writeSignature({ family: "gemini", data: "AVSoXO" }), "AVSoXO");
});
