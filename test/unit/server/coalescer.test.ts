import assert from "node:assert/strict";
import { test } from "node:test";
import { Coalesced, Coalescer } from "../../../src/server/coalescer.ts";

/** A stream that notes when it left. */
class Noting extends Coalesced {
  readonly #order: Noting[];
  addedMs = 0;
  leftMs = 0;
  whenLeft: () => void = () => {};

  constructor(order: Noting[]) {
    super();
    this.#order = order;
  }

  override onLeave(): void {
    this.leftMs = performance.now();
    this.#order.push(this);
    this.whenLeft();
  }
}

function fill(coalescer: Coalescer, count: number): { streams: Noting[]; left: Noting[] } {
  const left: Noting[] = [];
  const streams = Array.from({ length: count }, () => new Noting(left));
  for (const stream of streams) {
    stream.addedMs = performance.now();
    coalescer.add(stream);
  }
  return { streams, left };
}

const once = (stream: Noting): Promise<void> => new Promise((resolve) => (stream.whenLeft = resolve));

test("each waits as long as it may and no less, and they leave in the order in which they came", async () => {
  const coalescer = new Coalescer();
  coalescer.waitMs = 20;
  const first = fill(coalescer, 3);
  await new Promise((resolve) => setTimeout(resolve, 7));
  const second = fill(coalescer, 3);
  assert.equal(coalescer.size, 6);
  await Promise.all([once(first.streams[2]!), once(second.streams[2]!)]);
  assert.deepEqual(first.left, first.streams);
  assert.deepEqual(second.left, second.streams);
  for (const { addedMs, leftMs } of [...first.left, ...second.left]) assert.ok(leftMs - addedMs >= 19.9);
  assert.ok(first.left[2]!.leftMs <= second.left[0]!.leftMs);
  assert.equal(coalescer.size, 0);
});

test("what is taken out is not woken, and the others are", async () => {
  const coalescer = new Coalescer();
  coalescer.waitMs = 5;
  const { streams, left } = fill(coalescer, 3);
  coalescer.delete(streams[0]!);
  coalescer.delete(streams[0]!);
  // The next in the list leaves by the doing of the one before.
  streams[1]!.whenLeft = () => coalescer.delete(streams[2]!);
  const last = fill(coalescer, 1);
  await once(last.streams[0]!);
  assert.deepEqual(left, [streams[1]]);
});

test("a stream can wait again as soon as it has left", async () => {
  const coalescer = new Coalescer();
  coalescer.waitMs = 1;
  const { streams } = fill(coalescer, 1);
  const stream = streams[0]!;
  for (let round = 0; round < 3; round++) {
    await once(stream);
    coalescer.add(stream);
  }
  await once(stream);
});

test("one timer for all of them, and none when nobody waits", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const set = t.mock.method(globalThis, "setTimeout");
  const coalescer = new Coalescer();
  coalescer.waitMs = 5;
  assert.equal(set.mock.callCount(), 0);
  fill(coalescer, 1000);
  assert.equal(set.mock.callCount(), 1);
  coalescer.close();
});
