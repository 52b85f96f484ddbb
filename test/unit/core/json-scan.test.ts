import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { scanJsonObject, WantedKeys } from "../../../src/core/json-scan.ts";

const NAMES = ["model", "stream"] as const;
const WANTED = new WantedKeys(...NAMES);
const DOCUMENTED = /^nested more than 128 deep$|appears twice$|must be written in lower case$|^not valid UTF-8$/;

function scan(text: string | Buffer): ReturnType<typeof scanJsonObject> {
  return scanJsonObject(Buffer.from(text as string), WANTED);
}

/** What `JSON.parse` makes of it, if that is an object. */
function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const space = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t"), maxLength: 3 });

/** A string as JSON, each character escaped or not as chance has it. */
const jsonString = (value: string): fc.Arbitrary<string> =>
  fc.infiniteStream(fc.boolean()).map((coins) => {
    let text = '"';
    for (let i = 0; i < value.length; i++) {
      const unit = value[i]!;
      const mustEscape = unit < " " || unit === '"' || unit === "\\" || (unit >= "\ud800" && unit <= "\udfff");
      if (mustEscape || coins.next().value) text += `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
      else text += unit;
    }
    return `${text}"`;
  });

const anyString = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("model", "stream", "__proto__", "constructor", "toString", "mode", "modell", "Model", "", "é", "𝄞"),
);
const anyKey = anyString.chain(jsonString);
const number = fc.constantFrom("0", "-0", "1", "-12.5", "1e5", "1E-7", "2.5e+3", "123456789012345678901234567890");

const { value: jsonValue } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("true", "false", "null"),
    number,
    anyKey,
    tie("array"),
    tie("object"),
  ),
  array: fc
    .array(spaced(tie("value")), { maxLength: 4 })
    .chain((items) => space.map((s) => `[${items.join(",") || s}]`)),
  object: objectOf(tie("value")),
}));

function spaced(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(space, text, space).map((parts) => parts.join(""));
}

function objectOf(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.tuple(spaced(anyKey), spaced(value)).map(([key, text]) => `${key}:${text}`);
  return fc.tuple(fc.array(member, { maxLength: 5 }), space).map(([members, s]) => `{${members.join(",") || s}}`);
}

const document = spaced(objectOf(jsonValue));

/** `ok` as `JSON.parse` has it, the same values at the spans, and no fault but those that are documented. */
function checkAgainstParse(text: string): void {
  const result = scan(text);
  const object = parsedObject(text);
  if (result.ok) {
    assert.ok(object !== undefined, `accepted, though it is no object: ${text}`);
    const bytes = Buffer.from(text);
    for (const key of NAMES) {
      const span = result.spans.get(key);
      assert.equal(span !== undefined, Object.hasOwn(object, key), `${key} in ${text}`);
      if (span === undefined) continue;
      const slice = bytes.toString("utf8", span.start, span.end);
      assert.deepEqual(JSON.parse(slice), object[key]);
      assert.equal(slice.trim(), slice, "the span holds no space around the value");
    }
    assert.equal(result.spans.size, NAMES.filter((key) => Object.hasOwn(object, key)).length);
  } else {
    assert.ok(result.offset >= 0 && result.offset <= Buffer.byteLength(text));
    if (object !== undefined) assert.match(result.reason, DOCUMENTED, text);
  }
}

test("accepts what JSON.parse accepts of an object, and finds the same values in it", () => {
  fc.assert(fc.property(document, checkAgainstParse), { numRuns: 2000 });
});

test("refuses what JSON.parse refuses: any document with a byte changed, left out, doubled or put in", () => {
  const interesting = fc.constantFrom(
    ...Array.from('{}[]",:\\/ \n\t0123456789.eE+-tfnu\u0000\u001f\u007f\u00a0\u2028\ufeff'),
  );
  const mutated = fc
    .tuple(document, fc.array(fc.tuple(fc.nat(), fc.nat(3), interesting), { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) => {
      const units = Array.from(text);
      for (const [where, how, unit] of changes) {
        const at = where % (units.length + 1);
        if (how === 0) units.splice(at, 1);
        else if (how === 1) units.splice(at, 0, unit);
        else if (how === 2) units.splice(at, 1, unit);
        else units.splice(at, 0, ...units.slice(at, at + 1));
      }
      return units.join("");
    });
  fc.assert(fc.property(mutated, checkAgainstParse), { numRuns: 3000 });
});

test("agrees with JSON.parse on short texts of JSON's own characters", () => {
  const text = fc.string({
    unit: fc.constantFrom(...Array.from('{}[]",:\\ -.0123eE+tru'), '"model"', "null", "\\u006d"),
    maxLength: 12,
  });
  fc.assert(
    fc.property(text, (inner) => {
      checkAgainstParse(inner);
      checkAgainstParse(`{"model":${inner}}`);
    }),
    { numRuns: 3000 },
  );
});

for (const text of [
  "",
  " ",
  "[]",
  '"model"',
  "1",
  "null",
  "{",
  "{]",
  "{,}",
  '{"a"}',
  '{"a":}',
  '{"a":1,}',
  '{"a":1 "b":2}',
  "{'a':1}",
  "{a:1}",
  '{"a":01}',
  '{"a":1.}',
  '{"a":.5}',
  '{"a":+1}',
  '{"a":1e}',
  '{"a":-}',
  '{"a":0x1}',
  '{"a":NaN}',
  '{"a":Infinity}',
  '{"a":tru}',
  '{"a":nullx}',
  '{"a":"\n"}',
  '{"a":"\\x"}',
  '{"a":"\\u12"}',
  '{"a":"\\u12g4"}',
  '{"a":"',
  '{"a":"\\',
  '{"a":[1,]}',
  '{"a":[1}',
  '{"a":{"b":1]}',
  "{}{}",
  "{} x",
  "{}\u0000",
  "\ufeff{}",
  "{\u00a0}",
  "// c\n{}",
]) {
  test(`refuses ${JSON.stringify(text)} as JSON.parse does`, () => {
    assert.equal(parsedObject(text), undefined);
    assert.equal(scan(text).ok, false);
  });
}

test("refuses a wanted key that comes twice, however it is spelled, and names it", () => {
  for (const second of ['"model"', '"\\u006dodel"', '"m\\u006Fdel"', '"\\u006d\\u006f\\u0064\\u0065\\u006c"']) {
    const result = scan(`{"model":"a","x":1,${second}:"b"}`);
    assert.ok(!result.ok, second);
    assert.match(result.reason, /"model" appears twice/);
    assert.equal(scan(`{"x":{"model":1},${second}:"b"}`).ok, true, "nested ones do not count");
  }
  assert.equal(scan('{"x":1,"x":2,"model":"a"}').ok, true, "a key that nobody reads here may come twice");
});

test("takes an escaped key for what it spells, and longer or similar ones for something else", () => {
  const found = (text: string): string[] => {
    const result = scan(text);
    assert.ok(result.ok);
    return [...result.spans.keys()];
  };
  assert.deepEqual(found('{"\\u006dodel":"a"}'), ["model"]);
  assert.deepEqual(found('{"model\\u0000":"a","model ":"a","modèl":"a"}'), []);
  assert.deepEqual(found(`{"${"model".repeat(20)}":1}`), []);
  assert.deepEqual(found('{"\\ud800":1,"stream":true}'), ["stream"]);
});

test("refuses a wanted key in any other case, escaped or not, since some servers would read it", () => {
  for (const key of ["Model", "MODEL", "\\u004dodel", "sTream"]) {
    const result = scan(`{"a":1,"${key}":"a"}`);
    assert.ok(!result.ok, key);
    assert.match(result.reason, /lower case/);
  }
});

test("does not trip over keys that mean something to JavaScript", () => {
  const result = scan('{"__proto__":{"model":"evil"},"constructor":1,"hasOwnProperty":2,"model":"m"}');
  assert.ok(result.ok);
  assert.deepEqual([...result.spans.keys()], ["model"]);
  assert.equal(({} as { model?: unknown }).model, undefined);
});

test("accepts 128 levels, the top one among them, and refuses the 129th", () => {
  const nested = (open: string, close: string, levels: number): string =>
    `{"a":${open.repeat(levels - 1)}${close.repeat(levels - 1)}}`;
  assert.equal(scan(nested("[", "]", 128)).ok, true);
  assert.equal(scan(nested("[", "]", 129)).ok, false);
  assert.equal(scan(`{"a":${'{"b":'.repeat(127)}1${"}".repeat(128)}`).ok, true);
  assert.equal(scan(`{"a":${'{"b":'.repeat(128)}1${"}".repeat(129)}`).ok, false);
  const mixed = `{"a":${'[{"b":'.repeat(64)}1${"}]".repeat(64)}}`;
  const result = scan(mixed);
  assert.ok(!result.ok);
  assert.match(result.reason, /deep/);
});

test("refuses bytes that are not UTF-8 anywhere in the text", () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    for (const [before, after] of [
      ['{"a":"', '"}'],
      ['{"', '":1}'],
    ] as const) {
      const result = scan(Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]));
      assert.ok(!result.ok, Buffer.from(bytes).toString("hex"));
    }
  }
});

/** The quickest of several runs, milliseconds: what is measured is the work, not what else the machine does. */
function quickest(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const startedMs = performance.now();
    run();
    best = Math.min(best, performance.now() - startedMs);
  }
  return best;
}

test("refuses five megabytes of brackets in less than 50 ms and without memory for them", () => {
  for (const text of ["[".repeat(5e6), `{"a":${"[".repeat(5e6)}`, `{"a":${'{"a":'.repeat(1e6)}`, "{".repeat(5e6)]) {
    const bytes = Buffer.from(text);
    assert.equal(scanJsonObject(bytes, WANTED).ok, false);
    const heapBefore = process.memoryUsage().heapUsed;
    const tookMs = quickest(() => scanJsonObject(bytes, WANTED));
    assert.ok(process.memoryUsage().heapUsed - heapBefore < 1e6);
    assert.ok(tookMs < 50, `${tookMs} ms`);
  }
});

test("takes time in proportion to the size, whatever the text is made of", () => {
  const texts: Record<string, (size: number) => string> = {
    "escaped keys": (size) => `{${'"\\u0061":1,'.repeat(size / 11)}"z":1}`,
    "one escaped key": (size) => `{"${"\\u0061".repeat(size / 6)}":1}`,
    "long keys": (size) => `{"${"k".repeat(size)}":1}`,
    "escapes in a string": (size) => `{"a":"${'\\"'.repeat(size / 2)}"}`,
    "one number": (size) => `{"a":${"9".repeat(size)}}`,
    space: (size) => `{"a":${" ".repeat(size)}1}`,
    "short arrays": (size) => `{"a":[${"[],".repeat(size / 3)}0]}`,
    "keys that nearly match": (size) => `{${'"mode":0,'.repeat(size / 9)}"z":1}`,
    "an unfinished string": (size) => `{"a":"${"x".repeat(size)}`,
  };
  for (const [name, make] of Object.entries(texts)) {
    const small = Buffer.from(make(1e5));
    const large = Buffer.from(make(8e5));
    const smallMs = quickest(() => scanJsonObject(small, WANTED));
    const largeMs = quickest(() => scanJsonObject(large, WANTED));
    // Eight times the size. Quadratic work would take 64 times as long.
    assert.ok(largeMs < 32 * smallMs + 5, `${name}: ${smallMs} ms, then ${largeMs} ms`);
  }
});
