import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldFault, Fields, isRecord, reading } from "../../../../src/dialects/translate/json-pick.ts";

const fault = (field: string, message: string): FieldFault => new FieldFault(field, message);

test("reads each type, and names the path of what is of another", () => {
  const fields = new Fields({
    s: "x",
    n: 1.5,
    i: 3,
    b: false,
    o: { s: "y" },
    l: [1],
    w: "low",
    ss: ["a"],
    os: [{ s: "z" }],
  });
  assert.equal(fields.string("s"), "x");
  assert.equal(fields.requiredString("s"), "x");
  assert.equal(fields.number("n"), 1.5);
  assert.equal(fields.integer("i", { min: 3, max: 3 }), 3);
  assert.equal(fields.boolean("b"), false);
  assert.equal(fields.requiredObject("o").string("s"), "y");
  assert.deepEqual(fields.record("o"), { s: "y" });
  assert.deepEqual(fields.list("l"), [1]);
  assert.equal(fields.oneOf("w", ["high", "low"]), "low");
  assert.deepEqual(fields.strings("ss"), ["a"]);
  assert.equal(fields.objects("os")[0]!.string("s"), "z");

  assert.deepEqual(
    reading(() => fields.string("n")),
    fault("n", "must be a string"),
  );
  assert.deepEqual(
    reading(() => fields.number("s")),
    fault("s", "must be a number"),
  );
  assert.deepEqual(
    reading(() => fields.integer("n")),
    fault("n", "must be a whole number"),
  );
  assert.deepEqual(
    reading(() => fields.number("i", { min: 4 })),
    fault("i", "must be at least 4"),
  );
  assert.deepEqual(
    reading(() => fields.number("i", { max: 2 })),
    fault("i", "must be at most 2"),
  );
  assert.deepEqual(
    reading(() => fields.boolean("s")),
    fault("s", "must be true or false"),
  );
  assert.deepEqual(
    reading(() => fields.record("l")),
    fault("l", "must be an object"),
  );
  assert.deepEqual(
    reading(() => fields.object("l")),
    fault("l", "must be an object"),
  );
  assert.deepEqual(
    reading(() => fields.list("o")),
    fault("o", "must be an array"),
  );
  assert.deepEqual(
    reading(() => fields.oneOf("s", ["a", "b"])),
    fault("s", "must be one of a, b"),
  );
  assert.deepEqual(
    reading(() => fields.strings("l")),
    fault("l[0]", "must be a string"),
  );
  assert.deepEqual(
    reading(() => fields.objects("l")),
    fault("l[0]", "must be an object"),
  );
  assert.deepEqual(
    reading(() => fields.requiredString("none")),
    fault("none", "is missing"),
  );
  assert.deepEqual(
    reading(() => fields.requiredObject("none")),
    fault("none", "is missing"),
  );
  assert.deepEqual(
    reading(() => fields.requiredObject("o").number("s")),
    fault("o.s", "must be a number"),
  );
  assert.deepEqual(
    reading(() => fields.objects("os")[0]!.number("s")),
    fault("os[0].s", "must be a number"),
  );
  assert.deepEqual(
    reading(() => new Fields([])),
    fault("", "must be an object"),
  );
});

test("null and what is missing are the same; only own keys are there", () => {
  const fields = new Fields(JSON.parse('{"a":null,"__proto__":{"b":1}}') as unknown);
  for (const key of ["a", "b", "toString", "constructor", "none"]) {
    assert.equal(fields.has(key), false, key);
    assert.equal(fields.value(key), undefined, key);
    assert.deepEqual(fields.objects(key), []);
    assert.equal(fields.strings(key), undefined);
  }
  assert.equal(isRecord(null), false);
  assert.equal(isRecord([]), false);
  assert.equal(isRecord({}), true);
});

test("what nobody asked for is listed, what is null is not", () => {
  const fields = new Fields({ a: 1, b: 2, c: null, d: undefined });
  fields.has("a");
  fields.value("b");
  assert.deepEqual(fields.unread(), ["a"]);
});

test("an error that is no fault passes through", () => {
  assert.throws(
    () =>
      reading(() => {
        throw new TypeError("ours");
      }),
    TypeError,
  );
});
