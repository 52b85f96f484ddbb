import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { TokenScanner } from "../../../src/bench/token-scanner.ts";
import { tokenText } from "../../../src/sim/token.ts";

type Found = readonly [index: number, sentUs: number] | "done";

function scan(text: string, cuts: readonly number[]): Found[] {
  const bytes = Buffer.from(text, "latin1");
  const found: Found[] = [];
  const sink = {
    onToken: (index: number, sentUs: number) => void found.push([index, sentUs]),
    onDone: () => void found.push("done"),
  };
  const scanner = new TokenScanner();
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < edges.length; at++) scanner.scan(bytes, edges[at - 1]!, edges[at]!, sink);
  return found;
}

const token = fc.tuple(fc.nat(10_000_000), fc.nat(2 ** 48));
/** What stands around tokens, and false starts of tokens and of the end mark. */
const noise = fc.constantFrom(
  "",
  'data: {"choices":[{"delta":{"content":"',
  '"}}]}\n\n',
  "{",
  "{{",
  "{12",
  "{12@",
  "{@5} ",
  "{3@}",
  "{7@8}x",
  "[DON",
  "[[",
  "[D{",
  "....",
);

test("finds every token and the end mark, in order, wherever reads are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, token)), fc.array(fc.nat(), { maxLength: 40 }), (parts, cuts) => {
      const text = `${parts.map(([before, [index, sentUs]]) => before + tokenText(index, sentUs)).join("")}data: [DONE]\n\n`;
      assert.deepEqual(scan(text, cuts), [...parts.map(([, found]) => found), "done"]);
    }),
  );
});

test("finds the same in one piece and byte by byte", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("{", "}", "@", "[", "]", "D", "O", "N", "E", " ", "0", "1", "9", ".")),
      (characters) => {
        const text = characters.join("");
        assert.deepEqual(
          scan(
            text,
            Array.from(characters, (_, at) => at),
          ),
          scan(text, []),
        );
      },
    ),
  );
});

test("takes nothing for a token that is not whole", () => {
  for (const text of ["{1@2}", "{@2} ", "{1@} ", "{1 @2} ", "{1@2 } ", "{1234567890123456@2} ", "1@2} ", "[DONE"]) {
    assert.deepEqual(scan(text, []), [], text);
  }
});

test("forgets a half-seen token when reset, as the next answer on a connection is another text", () => {
  const scanner = new TokenScanner();
  const sink = { onToken: () => assert.fail("two answers were read as one"), onDone: () => {} };
  scanner.scan(Buffer.from("{1@2"), 0, 4, sink);
  scanner.reset();
  scanner.scan(Buffer.from("3} "), 0, 3, sink);
});
