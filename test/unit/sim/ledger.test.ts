import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger, MAX_CANCELS } from "../../../src/sim/ledger.ts";

test("remembers the latest hang-ups, oldest first, and never more than its bound", () => {
  const ledger = new Ledger();
  for (let tag = 0; tag < MAX_CANCELS + 10; tag++) ledger.addCancel(tag);
  const cancels = ledger.cancels();
  assert.equal(cancels.length, MAX_CANCELS);
  assert.deepEqual([cancels[0]!.tag, cancels.at(-1)!.tag], [10, MAX_CANCELS + 9]);
  assert.ok(cancels.every((cancel, index) => index === 0 || cancel.atUs >= cancels[index - 1]!.atUs));
  assert.equal(ledger.stats().cancelled, MAX_CANCELS + 10);
});

test("gives as many hang-ups as asked for, and no tag as null", () => {
  const ledger = new Ledger();
  assert.deepEqual(ledger.cancels(), []);
  ledger.addCancel(undefined);
  ledger.addCancel(0);
  assert.deepEqual(
    ledger.cancels().map((cancel) => cancel.tag),
    [null, 0],
  );
  assert.deepEqual(
    ledger.cancels(1).map((cancel) => cancel.tag),
    [0],
  );
});
