/** llhttp's own cases: what it accepts we read the same way, what its strict mode refuses we never accept. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert as assertProperty, integer, property, uniqueArray } from "fast-check";
import { readLlhttpCases } from "./llhttp-cases.ts";
import type { LlhttpCase } from "./llhttp-cases.ts";
import { everyCut, parseCut } from "./parse.ts";
import type { Parsed } from "./parse.ts";

const FIXTURES = fileURLToPath(new URL("../../../../../shared/fixtures/http-response", import.meta.url));

/** Where we refuse on purpose what llhttp takes. */
const STRICTER: readonly { readonly matches: (one: LlhttpCase) => boolean; readonly why: string }[] = [
  { matches: ({ input }) => /^(RTSP|ICE)\//.test(input.toString("latin1")), why: "not HTTP" },
  { matches: ({ input }) => input.toString("latin1").startsWith("HTTP/0.9"), why: "0.9 has no head" },
  {
    matches: ({ input }) => /^[\r\n]|^HTTP\/1\.1 1(?:.+\r\n)*\r\n\r\n/.test(input.toString("latin1")),
    why: "an empty line before a status line",
  },
  { matches: ({ expected }) => expected.status === 101, why: "we never ask to switch protocols" },
  {
    // llhttp reads `chunked, deflate`, `chunkedchunked` or `chunked` + `identity` until the connection closes.
    matches: ({ expected }) => {
      const codings = expected.headers.filter(
        (_, at) => at % 2 === 1 && expected.headers[at - 1] === "transfer-encoding",
      );
      const bodiless = expected.status === 204 || expected.status === 304;
      return codings.length > 0 && codings.join().toLowerCase() !== "chunked" && !bodiless;
    },
    why: "a transfer-encoding that is not just chunked: two parsers may disagree on where the body ends",
  },
];

const absent = existsSync(FIXTURES) ? false : "../shared/fixtures/http-response is not there";
const cases = absent === false ? readLlhttpCases(FIXTURES) : [];

/** Each case whole, cut in two everywhere, byte by byte, and at random. */
function forEachCut(one: LlhttpCase, check: (parsed: Parsed, cuts: readonly number[]) => void): void {
  for (const cuts of everyCut(one.input)) check(parseCut(one.input, cuts), cuts);
  const positions = uniqueArray(integer({ min: 1, max: Math.max(1, one.input.length - 1) }), { maxLength: 8 });
  assertProperty(
    property(positions, (cuts) => {
      const ascending = cuts.sort((a, b) => a - b);
      check(parseCut(one.input, ascending), ascending);
    }),
    { numRuns: 50 },
  );
}

test("there are llhttp cases to read", { skip: absent }, () => {
  assert.ok(cases.length > 0);
});

for (const one of cases.filter(({ type, skipBody }) => /^response(-finish)?$/.test(type) && !skipBody)) {
  const stricter = STRICTER.find(({ matches }) => matches(one));
  const { expected } = one;
  if (expected.error !== undefined || stricter !== undefined) {
    test(`never accepts ${one.name} (${stricter?.why ?? expected.error})`, () => {
      forEachCut(one, (parsed, cuts) => assert.notEqual(parsed.outcome, "complete", `cut at ${cuts.join()}`));
    });
    continue;
  }
  test(`reads as llhttp does: ${one.name}`, () => {
    forEachCut(one, (parsed, cuts) => {
      const where = `cut at ${cuts.join()}`;
      assert.equal(parsed.fault, null, where);
      assert.equal(parsed.status, expected.status, where);
      assert.deepEqual(parsed.headers, expected.headers, where);
      assert.equal(parsed.body, expected.body, where);
      const complete = expected.completeAt !== undefined || expected.untilClose;
      assert.equal(parsed.outcome, complete ? "complete" : "incomplete", where);
      // A surplus is left where it is, for the connection to see and close.
      if (expected.completeAt !== undefined) assert.ok(parsed.consumed <= expected.completeAt, where);
      if (expected.untilClose) assert.equal(parsed.keepAlive, false, where);
    });
  });
}

for (const one of cases.filter(({ type }) => type.startsWith("response-lenient-"))) {
  // These two are about what comes behind a complete response; we never look at that on the same connection.
  if (/keep-alive|data-after-close/.test(one.type)) {
    test(`ends the connection after ${one.name}`, () => {
      forEachCut(one, (parsed) => assert.deepEqual([parsed.outcome, parsed.keepAlive], ["complete", false]));
    });
  } else {
    test(`never accepts what only llhttp's lenient mode takes: ${one.name}`, () => {
      forEachCut(one, (parsed, cuts) => assert.notEqual(parsed.outcome, "complete", `cut at ${cuts.join()}`));
    });
  }
}
