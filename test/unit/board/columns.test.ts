import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { columnCapacity, ColumnDirectory } from "../../../src/board/columns.ts";

test("a name keeps its column over reloads, also one that was gone for a while", () => {
  const directory = new ColumnDirectory(8);
  const first = directory.extend(["a", "b"]);
  const second = directory.extend(["b", "c"]);
  const third = directory.extend(["a", "b", "c"]);
  assert.equal(second.get("b"), first.get("b"));
  assert.equal(third.get("a"), first.get("a"));
  assert.equal(third.get("c"), second.get("c"));
  assert.equal(second.has("a"), false);
});

test("the column of a name that is gone is free once it is retired, and not before", () => {
  const directory = new ColumnDirectory(2);
  const gone = directory.extend(["a", "b"]).get("a");
  directory.extend(["b"]);
  assert.throws(() => directory.extend(["b", "c"]), RangeError);
  assert.deepEqual(directory.retire(), ["a"]);
  assert.equal(directory.extend(["b", "c"]).get("c"), gone);
});

test("what a full directory refuses changes nothing and says how much is needed", () => {
  const directory = new ColumnDirectory(3);
  const first = directory.extend(["a", "b"]);
  assert.throws(() => directory.extend(["c", "d"]), {
    name: "RangeError",
    message: "the board has room for 3 counters and 4 are needed (2 of them by earlier configs): restart to make room",
  });
  assert.deepEqual(directory.retire(), []);
  assert.deepEqual(directory.extend(["a", "b"]), first);
});

test("names given twice have one column", () => {
  assert.deepEqual([...new ColumnDirectory(1).extend(["a", "a"])], [["a", 0]]);
});

test("the columns can be sent to a thread as they are", () => {
  const columns = new ColumnDirectory(8).extend(["endpoint:a", "tenant:b"]);
  assert.deepEqual(structuredClone(columns), columns);
});

test("a board is made with room for three times as many names again", () => {
  assert.equal(columnCapacity(0), 1024);
  assert.equal(columnCapacity(256), 1024);
  assert.equal(columnCapacity(1000), 4000);
});

test("over any reloads no two names share a column, known ones keep theirs, and all are within the capacity", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"), { maxLength: 8 });
  fc.assert(
    fc.property(fc.nat(10), fc.array(fc.tuple(names, fc.boolean())), (capacity, reloads) => {
      const directory = new ColumnDirectory(capacity);
      const model = new Map<string, number>();
      let current: string[] = [];
      for (const [names, retires] of reloads) {
        const needed = new Set([...model.keys(), ...names]).size;
        if (needed > capacity) {
          assert.throws(() => directory.extend(names), RangeError);
        } else {
          const columns = directory.extend(names);
          assert.deepEqual([...columns.keys()].toSorted(), names.toSorted());
          for (const [name, column] of columns) {
            assert.equal(model.get(name) ?? column, column);
            assert.ok(column >= 0 && column < capacity);
            model.set(name, column);
          }
          current = names;
        }
        assert.equal(new Set(model.values()).size, model.size);
        assert.equal(directory.size, model.size);
        if (!retires) continue;
        const gone = [...model.keys()].filter((name) => !current.includes(name));
        assert.deepEqual(directory.retire().toSorted(), gone.toSorted());
        for (const name of gone) model.delete(name);
      }
    }),
  );
});
