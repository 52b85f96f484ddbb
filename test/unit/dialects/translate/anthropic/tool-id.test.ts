import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { anthropicToolId } from "../../../../../src/dialects/translate/anthropic/tool-id.ts";

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
