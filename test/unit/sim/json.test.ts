import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { asciiJson, jsonAround } from "../../../src/sim/json.ts";

test("writes any value in ASCII that parses back to it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = asciiJson(value);
      assert.match(json, /^[ -~]*$/);
      assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("splits an event around its text, whatever stands before and behind it", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.stringMatching(/^[\w{}@ ]*$/), (model, id, text) => {
      const build = (content: string) => ({ model, delta: { content }, id });
      const { before, after } = jsonAround(build);
      assert.equal(before + text + after, asciiJson(build(text)));
    }),
  );
});
