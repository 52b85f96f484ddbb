import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { stringText, walkJson } from "../../../../src/offload/tasks/json-walk.ts";

type Found = Record<string, string>;

const WANTED = new Set(["url", "data"]);
const BELOW = new Set(["in"]);

/** Path → the wanted strings of the object there, by walking over the bytes. */
function walked(body: string): Found {
  const bytes = Buffer.from(body);
  const found: Found = {};
  const repeated = walkJson(bytes, { below: BELOW, wanted: WANTED }, ({ path, strings }) => {
    for (const [key, span] of strings) found[JSON.stringify([...path, key])] = stringText(bytes, span);
  });
  assert.equal(repeated, undefined);
  return found;
}

/** The same, by looking at the parsed value. */
function parsed(value: unknown, path: (string | number)[] = [], found: Found = {}): Found {
  if (typeof value !== "object" || value === null) return found;
  for (const [name, member] of Object.entries(value)) {
    const key = Array.isArray(value) ? Number(name) : name;
    const place = [...path, key];
    if (typeof key === "string" && WANTED.has(key) && typeof member === "string" && BELOW.has(String(place[0]))) {
      found[JSON.stringify(place)] = member;
    }
    parsed(member, place, found);
  }
  return found;
}

const key = fc.oneof(fc.constantFrom("in", "url", "data", "out"), fc.string({ maxLength: 6 }));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "medium" },
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom('"', "\\", '\\\\"', "{[,:]}", 1.5, true, null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4 }),
  ),
}));
const document = fc.dictionary(key, value, { maxKeys: 4 });

test("finds in the bytes what JSON.parse finds, with its path, however it is written", () => {
  fc.assert(
    fc.property(document, fc.constantFrom(undefined, 1, "\n\t "), (content, space) => {
      const body = JSON.stringify(content, undefined, space);
      assert.deepEqual(walked(body), parsed(content));
      // Every character that is no ASCII letter, digit or structure as an escape, in keys as well.
      const escaped = body.replaceAll(
        /[lx\u0080-\uffff]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
      const readable = !/\\\\u|true|null|false/.test(escaped) && !/\\[^u"\\/bfnrt]/.test(escaped);
      if (readable && isJson(escaped)) assert.deepEqual(walked(escaped), parsed(JSON.parse(escaped)));
    }),
    { numRuns: 500 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test("says where a wanted member stands twice, and only below the wanted places", () => {
  const walk = (body: string): unknown => walkJson(Buffer.from(body), { below: BELOW, wanted: WANTED }, () => {});
  assert.deepEqual(walk('{"in":[0,{"url":"a","x":{},"\\u0075rl":"b"}]}'), { path: ["in", 1, "url"] });
  assert.equal(walk('{"out":{"url":"a","url":"b"}}'), undefined);
  assert.equal(walk('{"in":[{"url":"a"},{"url":"b"}]}'), undefined);
});

test("takes time in proportion to the body, also where a string is nothing but escapes", () => {
  const text = JSON.stringify({ in: { data: "\n".repeat(1_000_000), url: '"'.repeat(1_000_000) } });
  const startMs = performance.now();
  assert.equal(Object.keys(walked(text)).length, 2);
  assert.ok(performance.now() - startMs < 2000);
});
