import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { BudgetFile } from "../../../src/limits/budget-file.ts";
import type { SavedBudget } from "../../../src/limits/ledger-state.ts";

const HOUR_MS = 3_600_000;
const budget = (amount: number): SavedBudget => ({
  name: "tenant:acme usd/1h",
  windowMs: HOUR_MS,
  used: [[HOUR_MS, amount]],
});

function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "headwaiter-budgets-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "store");
}

test("what a process writes the next one reads", (t) => {
  const directory = directoryFor(t);
  const one = new BudgetFile(directory);
  assert.deepEqual(one.read(), []);
  assert.ok(one.write([budget(1)]));
  assert.ok(one.write([budget(2)]));
  assert.deepEqual(new BudgetFile(directory).read(), [budget(2)]);
  // For its owner alone.
  assert.equal(statSync(one.path).mode & 0o777, 0o600);
});

test("nothing is written where nothing has changed, and no directory made for nothing", (t) => {
  const one = new BudgetFile(directoryFor(t));
  assert.ok(one.write([]));
  assert.throws(() => statSync(one.path));
  assert.ok(one.write([budget(1)]));
  rmSync(one.path);
  assert.ok(one.write([budget(1)]));
  assert.throws(() => statSync(one.path));
});

for (const hasFile of [false, true]) {
  test(`of two processes the one that started later keeps the file, ${hasFile ? "though it has used nothing yet" : "also where there was none"}`, async (t) => {
    const directory = directoryFor(t);
    const earlier = new BudgetFile(directory);
    earlier.read();
    if (hasFile) assert.ok(earlier.write([budget(1)]));
    const beganMs = Date.now();
    while (Date.now() === beganMs) await new Promise(setImmediate);
    const later = new BudgetFile(directory);
    const left = later.read();
    assert.equal(left.length, hasFile ? 1 : 0);
    assert.ok(later.write(hasFile ? left : [budget(1)]));
    assert.equal(earlier.write([budget(5)]), false);
    assert.ok(later.write([budget(3)]));
    assert.deepEqual(new BudgetFile(directory).read(), [budget(3)]);
  });
}

test("a file of a clock that was ahead is taken over like any other", (t) => {
  const directory = directoryFor(t);
  const before = new BudgetFile(directory);
  assert.ok(before.write([budget(1)]));
  const text = readFileSync(before.path, "utf8").replace(/\d{13}/, String(Date.now() + 1000 * HOUR_MS));
  writeFileSync(before.path, text);
  const after = new BudgetFile(directory);
  assert.deepEqual(after.read(), [budget(1)]);
  assert.ok(after.write([budget(2)]));
  assert.equal(before.write([budget(9)]), false);
  assert.deepEqual(new BudgetFile(directory).read(), [budget(2)]);
});

test("a damaged file of a clock that was ahead is taken over, too", (t) => {
  const directory = directoryFor(t);
  const file = new BudgetFile(directory);
  assert.ok(file.write([budget(1)]));
  writeFileSync(file.path, `{"generation":${Date.now() + 1000 * HOUR_MS},"budgets":[{`);
  const after = new BudgetFile(directory);
  assert.throws(() => after.read());
  assert.ok(after.write([budget(2)]));
  assert.deepEqual(new BudgetFile(directory).read(), [budget(2)]);
});

for (const text of [
  "",
  "[]",
  "null",
  '{"generation":1,"budgets":{}}',
  '{"generation":1,"budgets":[',
  '{"budgets":[]}',
]) {
  test(`a file that is none is said to be so, and written over once there is something to write: ${text}`, (t) => {
    const directory = directoryFor(t);
    const one = new BudgetFile(directory);
    assert.ok(one.write([budget(1)]));
    writeFileSync(one.path, text);
    const next = new BudgetFile(directory);
    assert.throws(() => next.read());
    assert.ok(next.write([]));
    assert.equal(readFileSync(one.path, "utf8"), text);
    assert.ok(next.write([budget(2)]));
    assert.deepEqual(new BudgetFile(directory).read(), [budget(2)]);
  });
}
