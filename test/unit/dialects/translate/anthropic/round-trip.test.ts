import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anthropicBack, anthropicFront } from "../../../../../src/dialects/translate/anthropic/translation.ts";
import { answers, requests } from "./arbitraries.ts";

/** As it is on the wire. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
const CONTEXT = { model: "asked-for", wantsUsage: true, framing: "sse" } as const;

test("a request that is written and read again is the same", () => {
  fc.assert(
    fc.property(requests, (request) => {
      const written = anthropicBack.writeRequest(request);
      assert.deepEqual(written.losses, []);
      const read = anthropicFront.readRequest(sent(written.body), {});
      assert.ok(read.ok, JSON.stringify(read));
      assert.deepEqual(read.losses, []);
      assert.deepEqual(read.request, request);
    }),
    { numRuns: 300 },
  );
});

test("an answer that is written and read again is the same", () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const read = anthropicBack.readAnswer(sent(anthropicFront.writeAnswer(answer, CONTEXT)));
      assert.deepEqual({ ...read, createdSeconds: 0 }, answer);
    }),
    { numRuns: 300 },
  );
});
