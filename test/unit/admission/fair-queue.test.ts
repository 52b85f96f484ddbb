import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { QueueMember } from "../../../src/admission/fair-queue-class.ts";
import { FairQueue } from "../../../src/admission/fair-queue.ts";
import type { Priority } from "../../../src/admission/fair-queue.ts";

class Item extends QueueMember {
  readonly id: number;

  constructor(id: number, tenant: string, cost: number) {
    super(tenant, cost);
    this.id = id;
  }
}

const INTERACTIVE = { priority: "interactive", weight: 1 } as const;

function queueOf(counts: Record<string, number>, cost = 1): FairQueue<Item> {
  const queue = new FairQueue<Item>();
  for (const [tenant, count] of Object.entries(counts)) {
    for (let id = 0; id < count; id++) queue.enqueue(new Item(id, tenant, cost), INTERACTIVE);
  }
  return queue;
}

function drain(queue: FairQueue<Item>): Item[] {
  const items: Item[] = [];
  for (let item = queue.dequeue(); item !== null; item = queue.dequeue()) items.push(item);
  return items;
}

const priority = fc.constantFrom<Priority>("interactive", "batch");
const tenant = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("enqueue" as const), tenant, priority, cost: fc.nat(5000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("dequeue" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat() }) },
);

test("whatever comes, goes and leaves: each goes once, classes are strict, a tenant's in order, and who left does not go", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FairQueue<Item>();
      const waiting: { item: Item; priority: Priority }[] = [];
      let next = 0;
      for (const step of steps) {
        if (step.do === "enqueue") {
          const item = new Item(next++, step.tenant, step.cost);
          queue.enqueue(item, { priority: step.priority, weight: 1 + step.tenant.charCodeAt(0) - 97 });
          waiting.push({ item, priority: step.priority });
        } else if (step.do === "cancel") {
          const [left] = waiting.splice(waiting.length === 0 ? 0 : step.which % waiting.length, 1);
          if (left === undefined) continue;
          assert.equal(queue.cancel(left.item), true);
          assert.equal(queue.cancel(left.item), false);
        } else {
          const item = queue.dequeue();
          const first = (["interactive", "batch"] as const).find((one) => waiting.some((w) => w.priority === one));
          if (first === undefined) {
            assert.equal(item, null);
            continue;
          }
          assert.ok(item !== null);
          const found = waiting.find((w) => w.priority === first && w.item.tenant === item.tenant);
          assert.equal(found?.item, item);
          waiting.splice(waiting.indexOf(found), 1);
        }
        assert.equal(queue.size, waiting.length);
      }
      assert.equal(drain(queue).length, waiting.length);
    }),
  );
});

test("tenants with requests waiting share by weight, to within a turn and a request, whatever the requests cost", () => {
  const flow = fc.record({
    weight: fc.integer({ min: 1, max: 20 }),
    costs: fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 }),
  });
  fc.assert(
    fc.property(fc.array(flow, { minLength: 2, maxLength: 6 }), (flows) => {
      const queue = new FairQueue<Item>();
      const served = flows.map(() => 0);
      const added = flows.map(() => 0);
      const add = (i: number): void => {
        const { weight, costs } = flows[i]!;
        queue.enqueue(new Item(added[i]!, String(i), costs[added[i]!++ % costs.length]!), {
          priority: "interactive",
          weight,
        });
      };
      flows.forEach((_, i) => {
        add(i);
        add(i);
      });
      const dearest = flows.map(({ costs }) => Math.max(...costs));
      const weights = flows.reduce((sum, { weight }) => sum + weight, 0);
      // A round's turn for weight 1: the mean cost of what waits, and that is no more than the dearest.
      const quantum = (Math.max(...dearest) * flows.length) / weights;
      for (let i = 0; i < 300; i++) {
        const item = queue.dequeue()!;
        const which = Number(item.tenant);
        served[which]! += item.cost;
        add(which);
        flows.forEach((one, a) =>
          flows.forEach((other, b) => {
            const apart = served[a]! / one.weight - served[b]! / other.weight;
            const bound = quantum + dearest[a]! / one.weight + dearest[b]! / other.weight;
            assert.ok(apart <= bound + 1e-6, `${apart} > ${bound}`);
          }),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test("one request of another tenant goes after one of the thousand that waited before it", () => {
  const queue = queueOf({ a: 1000 });
  for (let i = 0; i < 10; i++) queue.dequeue();
  queue.enqueue(new Item(7, "b", 1), INTERACTIVE);
  const order = drain(queue).map(({ tenant }) => tenant);
  assert.ok(order.indexOf("b") <= 2, `after ${order.indexOf("b")}`);
});

test("tenants of the same large weight take turns one by one, and not by the thousand", () => {
  const queue = new FairQueue<Item>();
  for (let id = 0; id < 50; id++) {
    for (const name of ["a", "b"]) queue.enqueue(new Item(id, name, 100), { priority: "interactive", weight: 1000 });
  }
  const order = drain(queue)
    .map(({ tenant }) => tenant)
    .join("");
  assert.doesNotMatch(order, /aaa|bbb/);
});

test("tokens are what is shared: a tenant of requests ten times as long has one tenth as many", () => {
  const queue = new FairQueue<Item>();
  for (let id = 0; id < 500; id++) queue.enqueue(new Item(id, "short", 100), INTERACTIVE);
  for (let id = 0; id < 500; id++) queue.enqueue(new Item(id, "long", 1000), INTERACTIVE);
  const first = drain(queue).slice(0, 330);
  const long = first.filter(({ tenant }) => tenant === "long").length;
  assert.ok(long >= 28 && long <= 32, `${long} long ones`);
});

test("a cost that is no number, or beyond all measure, holds nobody up", () => {
  const queue = new FairQueue<Item>();
  for (const cost of [Number.NaN, -5, 0, Infinity, 1e300, 0.1]) queue.enqueue(new Item(0, "a", cost), INTERACTIVE);
  queue.enqueue(new Item(1, "b", Infinity), INTERACTIVE);
  const startedMs = performance.now();
  assert.equal(drain(queue).length, 7);
  assert.ok(performance.now() - startedMs < 1000);
});

test("it is known how many go before the last of a tenant: all of a class before, and one's own share of the rest", () => {
  const queue = queueOf({ a: 1000, b: 1 });
  assert.equal(queue.ahead("a", "interactive"), 1000);
  assert.equal(queue.ahead("b", "interactive"), 1);
  queue.enqueue(new Item(0, "c", 1), { priority: "batch", weight: 1 });
  assert.equal(queue.ahead("c", "batch"), 1001);
});

test("how many go before it is about right for any tenants, costs and weights", () => {
  const flow = fc.record({
    weight: fc.integer({ min: 1, max: 10 }),
    cost: fc.integer({ min: 1, max: 1000 }),
    count: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 4 }), (flows) => {
      const queue = new FairQueue<Item>();
      flows.forEach(({ weight, cost, count }, i) => {
        for (let id = 0; id < count; id++)
          queue.enqueue(new Item(id, String(i), cost), { priority: "interactive", weight });
      });
      const guessed = flows.map((_, i) => queue.ahead(String(i), "interactive"));
      const order = drain(queue);
      guessed.forEach((ahead, i) => {
        assert.ok(ahead >= flows[i]!.count - 1 && ahead < order.length, `${ahead} of ${order.length}`);
      });
      // Who owns everything that waits is at the very end.
      if (flows.length === 1) assert.equal(guessed[0], order.length - 1);
    }),
  );
});

test("who has filled the queue gives way to who has less than its share, newest first", () => {
  const queue = queueOf({ a: 9, b: 1 });
  const newcomer = new Item(99, "c", 1);
  queue.enqueue(newcomer, INTERACTIVE);
  const out = queue.mostExcessive(newcomer, "interactive", 10);
  assert.deepEqual([out.tenant, out.id], ["a", 8]);
});

test("in a full queue a newcomer whose tenant has its share already is the one to go", () => {
  const queue = queueOf({ a: 5, b: 5 });
  const newcomer = new Item(99, "a", 1);
  queue.enqueue(newcomer, INTERACTIVE);
  assert.equal(queue.mostExcessive(newcomer, "interactive", 10), newcomer);
});

test("in a full queue those of a later class give way, and never to one of them", () => {
  const queue = queueOf({ a: 8 });
  const batch = [new Item(0, "b", 1), new Item(1, "b", 1)];
  for (const item of batch) queue.enqueue(item, { priority: "batch", weight: 1 });
  const newcomer = new Item(99, "a", 1);
  queue.enqueue(newcomer, INTERACTIVE);
  assert.equal(queue.mostExcessive(newcomer, "interactive", 10), batch[1]);
  queue.cancel(newcomer);
  const late = new Item(2, "c", 1);
  queue.enqueue(late, { priority: "batch", weight: 1 });
  assert.notEqual(queue.mostExcessive(late, "batch", 10).tenant, "a");
  for (const item of [...batch, late]) queue.cancel(item);
  queue.enqueue(late, { priority: "batch", weight: 1 });
  assert.equal(queue.mostExcessive(late, "batch", 8), late);
});

test("a member that has left is held by nothing of the queue", () => {
  const queue = queueOf({ a: 3 });
  const item = new Item(3, "a", 1);
  queue.enqueue(item, INTERACTIVE);
  queue.cancel(item);
  assert.deepEqual([item.listPrevious, item.listNext, item.queueFlow], [null, null, null]);
  const newcomer = new Item(4, "b", 1);
  queue.enqueue(newcomer, INTERACTIVE);
  assert.equal(queue.mostExcessive(newcomer, "interactive", 3).id, 2);
});
