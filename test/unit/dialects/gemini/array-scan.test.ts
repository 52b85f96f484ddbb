import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { GeminiArrayScan } from "../../../../src/dialects/gemini/array-scan.ts";

const NOTE = { code: "limit_reached", message: "enough" };

test("wherever an array is cut into reads, its elements are counted, and at a boundary it can be ended as JSON", () => {
  const element = fc.record({ text: fc.string({ unit: "binary" }), "]}\\": fc.array(fc.json(), { maxLength: 2 }) });
  const property = fc.property(
    fc.array(element, { maxLength: 5 }),
    fc.constantFrom("[", " \n["),
    fc.constantFrom(",", ",\r\n", " , "),
    fc.array(fc.nat(400), { maxLength: 8 }),
    (elements, open, comma, cuts) => {
      const bytes = Buffer.from(`${open}${elements.map((one) => JSON.stringify(one)).join(comma)}\n]\n`);
      const scan = new GeminiArrayScan();
      let from = 0;
      for (const cut of [...cuts.filter((one) => one < bytes.length), bytes.length].sort((a, b) => a - b)) {
        scan.scan(bytes, from, cut);
        from = cut;
        if (!scan.atBoundary) continue;
        const ended = JSON.parse(bytes.toString("utf8", 0, cut) + scan.cutShort(NOTE)) as unknown[];
        assert.equal(JSON.stringify(ended.slice(0, -1)), JSON.stringify(elements.slice(0, scan.elements)));
        assert.partialDeepStrictEqual(ended.at(-1), { candidates: [{ finishReason: "MAX_TOKENS" }], headwaiter: NOTE });
      }
      assert.deepEqual([scan.elements, scan.complete, scan.atBoundary], [elements.length, true, false]);
    },
  );
  fc.assert(property, { numRuns: 300 });
});
