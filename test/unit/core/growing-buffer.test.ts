import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { GrowingBuffer } from "../../../src/core/growing-buffer.ts";

test("gives back exactly what was put in, however it was cut, and is empty afterwards", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 60 }), (pieces) => {
      const gathered = new GrowingBuffer();
      const adopt = fc.sample(fc.boolean(), { numRuns: pieces.length, seed: pieces.length });
      pieces.forEach((piece, i) =>
        adopt[i] === true ? gathered.adopt(Buffer.from(piece)) : gathered.append(Buffer.from(piece)),
      );
      assert.equal(gathered.length, Buffer.concat(pieces).length);
      assert.deepEqual(gathered.take(), Buffer.concat(pieces));
      assert.equal(gathered.length, 0);
      assert.equal(gathered.take().length, 0);
    }),
  );
});

test("a million pieces of one byte cost memory of their order, not of their number", () => {
  const gathered = new GrowingBuffer();
  const before = process.memoryUsage();
  for (let i = 0; i < 1_000_000; i++) gathered.append(Buffer.of(i & 255));
  const after = process.memoryUsage();
  assert.equal(gathered.length, 1_000_000);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 64 * 1024 * 1024);
  assert.equal(gathered.take()[257], 1);
});
