import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseDuration } from "../../../src/core/duration.ts";

test("reads milliseconds, seconds, minutes and hours, with decimals", () => {
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("0s"), 0);
  assert.equal(parseDuration("1.5s"), 1_500);
  assert.equal(parseDuration("10m"), 600_000);
  assert.equal(parseDuration("2h"), 7_200_000);
  assert.equal(parseDuration("0.5ms"), 0.5);
});

test("refuses a missing unit, a sign, a space, an exponent and unknown units", () => {
  const faults = [
    "",
    "30",
    "ms",
    "-1s",
    "+1s",
    "1 s",
    " 1s",
    "1s ",
    "1e3ms",
    ".5s",
    "1.s",
    "1d",
    "1S",
    "1s1s",
    "Infinitys",
  ];
  for (const fault of faults) assert.equal(parseDuration(fault), undefined, JSON.stringify(fault));
  assert.equal(parseDuration(`${"9".repeat(400)}ms`), undefined);
});

test("reads back every whole number of milliseconds it could be given", () => {
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(`${ms}ms`) === ms));
});

test("gives a finite number of 0 or more, or nothing, for any text", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseDuration(text);
      return ms === undefined || (Number.isFinite(ms) && ms >= 0);
    }),
  );
});
