import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { didYouMean, editDistance, nearestName } from "../../../src/config/nearest-name.ts";

const KNOWN = ["host", "port", "max_body_size", "drain_timeout", "tls"];

test("finds the name that a slip of the finger meant", () => {
  assert.equal(nearestName("prot", KNOWN), "port");
  assert.equal(nearestName("hots", KNOWN), "host");
  assert.equal(nearestName("max_body_szie", KNOWN), "max_body_size");
  assert.equal(nearestName("drain_timeuot", KNOWN), "drain_timeout");
});

test("finds a name written in another case or with other separators", () => {
  assert.equal(nearestName("maxBodySize", KNOWN), "max_body_size");
  assert.equal(nearestName("DRAIN-TIMEOUT", KNOWN), "drain_timeout");
});

test("suggests nothing when nothing is near", () => {
  assert.equal(nearestName("tenants", KNOWN), undefined);
  assert.equal(nearestName("", KNOWN), undefined);
  assert.equal(nearestName("h".repeat(100_000), KNOWN), undefined);
  assert.equal(didYouMean("tenants", KNOWN), "");
});

test("a swap of two neighbours is one edit", () => {
  assert.equal(editDistance("ab", "ba"), 1);
  assert.equal(editDistance("port", "prot"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
});

test("the distance is zero only between equals, the same both ways, and at most the longer length", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const edits = editDistance(a, b);
      assert.equal(edits === 0, a === b);
      assert.equal(edits, editDistance(b, a));
      assert.ok(edits <= Math.max(a.length, b.length) && edits >= Math.abs(a.length - b.length));
    }),
  );
});
