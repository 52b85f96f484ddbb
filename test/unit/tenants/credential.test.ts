import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { readCredential } from "../../../src/tenants/credential.ts";

test("the key is found wherever an SDK sends it", () => {
  assert.equal(readCredential({ authorization: "Bearer k1" }, "/v1/chat/completions"), "k1");
  assert.equal(readCredential({ "x-api-key": "k2" }, "/v1/messages"), "k2");
  assert.equal(readCredential({ "x-goog-api-key": "k3" }, "/v1beta/models/m:generateContent"), "k3");
  assert.equal(readCredential({}, "/v1beta/models/m:streamGenerateContent?alt=sse&key=k4"), "k4");
});

test("the scheme is Bearer in any case, and what surrounds the key is not part of it", () => {
  assert.equal(readCredential({ authorization: "bEARER   k " }, "/"), "k");
});

test("an Authorization of another scheme, or without a key, is passed over", () => {
  for (const authorization of ["Basic dTpw", "Bearer", "Bearer ", "Bearerk", ""]) {
    assert.equal(readCredential({ authorization, "x-api-key": "k" }, "/"), "k", authorization);
    assert.equal(readCredential({ authorization }, "/"), undefined, authorization);
  }
});

test("of several keys Authorization goes first, then x-api-key, then x-goog-api-key, then the query", () => {
  const fields = { authorization: "Bearer a", "x-api-key": "b", "x-goog-api-key": "c" };
  assert.equal(readCredential(fields, "/?key=d"), "a");
  assert.equal(readCredential({ ...fields, authorization: undefined }, "/?key=d"), "b");
  assert.equal(readCredential({ "x-goog-api-key": "c" }, "/?key=d"), "c");
});

test("only a parameter that is called key is one, and the first of several", () => {
  assert.equal(readCredential({}, "/?monkey=a&keys=b"), undefined);
  assert.equal(readCredential({}, "/?key="), undefined);
  assert.equal(readCredential({}, "/path/key=a"), undefined);
  assert.equal(readCredential({}, "/?monkey=a&key=b&key=c"), "b");
});

test("any key comes out of a query as it was encoded into it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (key) => {
      assert.equal(readCredential({}, `/v1beta/models?alt=sse&key=${encodeURIComponent(key)}`), key);
    }),
  );
});

test("no target makes it throw", () => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      const found = readCredential({}, `/?key=${rest}`);
      assert.ok(found === undefined || typeof found === "string");
    }),
  );
});
