import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { LinkedList, ListMember } from "../../../src/core/linked-list.ts";

class Item extends ListMember {
  readonly id: number;

  constructor(id: number) {
    super();
    this.id = id;
  }
}

test("holds what a Set would hold, in the same order, after any adding and deleting", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (steps) => {
      const items = Array.from({ length: 10 }, (_, id) => new Item(id));
      const list = new LinkedList<Item>();
      const set = new Set<Item>();
      for (const [adds, id] of steps) {
        const item = items[id]!;
        if (!adds) assert.equal(list.delete(item), set.delete(item));
        else if (!set.has(item)) {
          list.add(item);
          set.add(item);
        }
        assert.equal(list.size, set.size);
      }
      assert.deepEqual(
        [...list].map(({ id }) => id),
        [...set].map(({ id }) => id),
      );
    }),
  );
});

test("a member that was taken out points to nobody, so that it keeps nobody in memory", () => {
  const list = new LinkedList<Item>();
  const items = [new Item(0), new Item(1), new Item(2)];
  for (const item of items) list.add(item);
  list.delete(items[1]!);
  assert.equal(items[1]!.listPrevious, null);
  assert.equal(items[1]!.listNext, null);
});

test("may be changed while it is gone through: each that was in it is visited once", () => {
  const list = new LinkedList<Item>();
  for (let id = 0; id < 5; id++) list.add(new Item(id));
  const seen: number[] = [];
  for (const item of list) {
    seen.push(item.id);
    list.delete(item);
    if (item.id < 2) list.add(new Item(item.id + 10));
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  assert.equal(list.size, 2);
});
