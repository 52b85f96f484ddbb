import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseSize } from "../../../src/core/size.ts";

test("reads bytes, KiB, MiB and GiB, with decimals that come to whole bytes", () => {
  assert.equal(parseSize("0B"), 0);
  assert.equal(parseSize("512B"), 512);
  assert.equal(parseSize("64KiB"), 65_536);
  assert.equal(parseSize("1.5KiB"), 1_536);
  assert.equal(parseSize("20MiB"), 20_971_520);
  assert.equal(parseSize("2GiB"), 2_147_483_648);
});

test("refuses a missing or ambiguous unit, a sign, a space, part of a byte and what a number cannot hold", () => {
  const faults = [
    "",
    "64",
    "KiB",
    "64KB",
    "64kib",
    "64MB",
    "-1B",
    "+1B",
    "1 KiB",
    " 1B",
    "1B ",
    "1e3B",
    "0.5B",
    "99999999999GiB",
  ];
  for (const fault of faults) assert.equal(parseSize(fault), undefined, JSON.stringify(fault));
  assert.equal(parseSize(`${"0".repeat(400)}1B`), undefined);
});

test("reads back every whole number of bytes it could be given", () => {
  fc.assert(fc.property(fc.nat(), (bytes) => parseSize(`${bytes}B`) === bytes));
});

test("gives a whole number of 0 or more, or nothing, for any text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseSize(text);
      return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0);
    }),
  );
});
