import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ByteSearch, KeySearch, skipSpaces, startsWith } from "../../../src/dialects/byte-search.ts";

/** Few letters, so that there are many near misses. */
const letters = fc.string({ unit: fc.constantFrom("a", "b", '"', ":"), minLength: 2, maxLength: 6 });
const haystack = fc.array(fc.oneof(letters, fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 30 });

test("finds what Buffer.indexOf finds, and nothing that reaches over the end", () => {
  fc.assert(
    fc.property(letters, haystack, fc.nat(200), fc.nat(200), (needle, pieces, a, b) => {
      const bytes = Buffer.from(pieces.join(needle));
      const start = Math.min(a, b, bytes.length);
      const end = Math.min(Math.max(a, b), bytes.length);
      const at = bytes.subarray(start, end).indexOf(needle, 0, "latin1");
      const expected = at === -1 ? -1 : start + at + needle.length;
      assert.equal(new ByteSearch(needle).after(bytes, start, end), expected);
    }),
    { numRuns: 3000 },
  );
});

test("finds a needle of any length and alphabet in bytes of any value", () => {
  const needles = fc.string({ unit: "grapheme-ascii", minLength: 2, maxLength: 255 });
  fc.assert(
    fc.property(
      needles,
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array({ maxLength: 600 }),
      (needle, before, after) => {
        const bytes = Buffer.concat([before, Buffer.from(needle), after]);
        const at = bytes.indexOf(needle);
        assert.equal(new ByteSearch(needle).after(bytes, 0, bytes.length), at + needle.length);
        assert.equal(new ByteSearch(needle).after(bytes, 0, at + needle.length - 1), -1);
      },
    ),
  );
});

test("finds the value of a key, with spaces or without, and not the same text elsewhere", () => {
  const search = new KeySearch("usage");
  const valueOf = (text: string): string | undefined => {
    const bytes = Buffer.from(`${text}"usage":{`);
    const end = Buffer.byteLength(text);
    const value = search.valueAfter(bytes, 0, end);
    return value === -1 ? undefined : bytes.toString("utf8", value, end);
  };
  assert.equal(valueOf('{"usage":{}}'), "{}}");
  assert.equal(valueOf('{"usage" : null}'), "null}");
  assert.equal(valueOf('{"token":"usage","a":[{"usage":   1}]}'), "1}]}");
  for (const text of [
    '{"a":"usage"}',
    '{"a":"\\"usage\\":{}"}',
    '{"Usage":1}',
    '{"usages":1}',
    '{"usage"',
    '{"usage":',
    "",
  ]) {
    assert.equal(valueOf(text), undefined, text);
  }
});

test("finds a key's value where JSON.parse does, in any object without nesting", () => {
  const key = fc.oneof(fc.constantFrom("usage", 'usage":', "usag", "", '"usage"'), fc.string());
  const objects = fc.dictionary(key, fc.oneof(fc.string(), fc.constant("usage"), fc.integer(), fc.constant(null)));
  fc.assert(
    fc.property(objects, fc.boolean(), (object, spaced) => {
      const text = spaced ? JSON.stringify(object, null, " ").replaceAll("\n", "") : JSON.stringify(object);
      const bytes = Buffer.from(text);
      const value = new KeySearch("usage").valueAfter(bytes, 0, bytes.length);
      assert.equal(value !== -1, Object.hasOwn(object, "usage"));
      if (value === -1) return;
      assert.ok(bytes.toString("utf8", value).startsWith(JSON.stringify(object["usage"])));
    }),
    { numRuns: 1000 },
  );
});

test("skips spaces and compares beginnings within the bounds alone", () => {
  const bytes = Buffer.from("ab   cd");
  assert.deepEqual([skipSpaces(bytes, 2, 7), skipSpaces(bytes, 2, 4), skipSpaces(bytes, 7, 7)], [5, 4, 7]);
  assert.equal(startsWith(bytes, 5, 7, Buffer.from("cd")), true);
  assert.equal(startsWith(bytes, 5, 6, Buffer.from("cd")), false);
  assert.equal(startsWith(bytes, 0, 7, Buffer.from("b")), false);
  assert.equal(startsWith(bytes, 3, 3, Buffer.from("")), true);
});
