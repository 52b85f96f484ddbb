import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { processLimits } from "../../../src/admission/process-readings.ts";

const MIB = 1024 * 1024;

test("clients get just under half of the files where a stream takes two, and all but a reserve where it takes one", () => {
  const capacity = { memoryLimitBytes: 512 * MIB, openFileLimit: 20_000 };
  assert.equal(processLimits({ ...capacity, mayUseHttp1: true }).socketLimit, 9872);
  assert.equal(processLimits({ ...capacity, mayUseHttp1: false }).socketLimit, 19_744);
});

test("two connections for each client and the reserve never pass the limit, however low it is", () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 2 ** 20 }), (openFileLimit) => {
      const { socketLimit } = processLimits({ memoryLimitBytes: MIB, openFileLimit, mayUseHttp1: true });
      assert.ok(2 * socketLimit < openFileLimit && socketLimit > 0);
    }),
  );
});

test("what is not limited is not divided either", () => {
  const limits = processLimits({ memoryLimitBytes: Infinity, openFileLimit: Infinity, mayUseHttp1: true });
  assert.deepEqual(Object.values(limits), [Infinity, Infinity, Infinity]);
});
