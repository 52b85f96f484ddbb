/** A cap that is of several processes: what the queue asks for, what it does meanwhile, and with what it gets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { TRYING } from "../../../src/board/layout.ts";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { accountDefinitions, slotsAccount } from "../../../src/limits/owners.ts";
import { SlotKeeper } from "../../../src/supervisor/slot-keeper.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { gauge, shared } from "../limits/ledger-parts.ts";
import { admitted, BrokerBed, configWith, refused } from "./broker-bed.ts";

const QUEUE = "queue: { max_waiting: 100, max_wait: 30s }";

interface Asking {
  readonly slots: number;
  readonly atMs: number;
  /** Answers, with so many as this process's share. */
  answer(share: number): void;
}

/** A bed whose process has nothing of its caps but what the test says. */
function borrowing(t: TestContext, settings: string): { bed: BrokerBed; asked: Asking[] } {
  const bed = new BrokerBed(t, settings);
  const asked: Asking[] = [];
  bed.broker.borrowFrom((upstream, slots) => {
    assert.equal(upstream, "up");
    return new Promise<void>((resolve) => {
      const answer = (share: number): void => {
        bed.broker.setShare(upstream, share);
        resolve();
      };
      asked.push({ slots, atMs: performance.now(), answer });
    });
  });
  return { bed, asked };
}

test("nobody is let in without a share; who waits is asked for at once, in one call at a time, and up to the cap", async (t) => {
  const { bed, asked } = borrowing(t, `max_concurrency: 3, ${QUEUE}`);
  assert.equal(bed.cells().cap, 0);
  const requests = Array.from({ length: 5 }, (_, i) => bed.ask(i % 2));
  await waitUntil(() => bed.cells().waiting === 5);
  assert.deepEqual([asked.length, asked[0]!.slots, bed.taken()], [1, 1, 0]);
  asked[0]!.answer(1);
  admitted(await requests[0]!.result);
  await waitUntil(() => asked.length === 2);
  assert.equal(asked[1]!.slots, 2);
  asked[1]!.answer(3);
  await waitUntil(() => bed.cells().waiting === 2);
  const first = admitted(await requests[0]!.result);
  first.release();
  await waitUntil(() => bed.cells().waiting === 1);
  // The cap is what is short now: nobody has more.
  assert.deepEqual([asked.length, bed.taken()], [2, 3]);
});

test("while others have all slots they are asked for ten times a second, as long as somebody waits", async (t) => {
  const { bed, asked } = borrowing(t, `max_concurrency: 3, ${QUEUE}`);
  const { place } = bed.ask(0);
  for (let calls = 1; calls <= 4; calls++) {
    await waitUntil(() => asked.length === calls);
    asked[calls - 1]!.answer(0);
  }
  const [first, , , fourth] = asked;
  // A tick of the wheel late, each; and what the machine adds.
  assert.ok(fourth!.atMs - first!.atMs >= 299, `${fourth!.atMs - first!.atMs}`);
  assert.ok(fourth!.atMs - first!.atMs < 2000, `${fourth!.atMs - first!.atMs}`);
  place!.cancel();
  await waitUntil(() => bed.cells().waiting === 0);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(asked.length, 4);
});

test("a share that comes while nobody asks serves those who wait", async (t) => {
  const { bed, asked } = borrowing(t, `max_concurrency: 3, ${QUEUE}`);
  const { result } = bed.ask(0);
  await waitUntil(() => asked.length === 1);
  bed.broker.setShare("up", 2);
  admitted(await result);
  // The other is taken by the loop itself.
  assert.equal(bed.ask(1).place, null);
});

test("a full queue turns nobody away for slots that may be had, and whom it has no place for once there are none", async (t) => {
  const { bed, asked } = borrowing(t, "max_concurrency: 5, queue: { max_waiting: 2, max_wait: 30s }");
  // By one loop, so that it is known who came last.
  const requests = Array.from({ length: 4 }, () => bed.ask(0));
  await waitUntil(() => bed.cells().waiting === 4);
  asked[0]!.answer(1);
  admitted(await requests[0]!.result);
  await waitUntil(() => asked.length === 2);
  assert.equal(bed.cells().waiting, 3);
  asked[1]!.answer(1);
  assert.equal(refused(await requests[3]!.result).code, "queue_full");
  // It has been said a moment ago that there are none.
  assert.equal(refused(await bed.ask(1).result).code, "queue_full");
  assert.equal(bed.cells().waiting, 2);
  bed.broker.setShare("up", 3);
  for (const { result } of requests.slice(1, 3)) admitted(await result);
});

test("a share that sinks below what is taken lets nobody in before so many are back, and says how many are out", async (t) => {
  const { bed } = borrowing(t, `max_concurrency: 3, ${QUEUE}`);
  assert.equal(bed.broker.setShare("up", 3), 3);
  const slots = await Promise.all([bed.slot(0), bed.slot(1), bed.slot(0)]);
  assert.equal(bed.broker.setShare("up", 1), 3);
  const waiting = bed.ask(1);
  await waitUntil(() => bed.cells().waiting === 1);
  slots[0].release();
  assert.equal(bed.broker.setShare("up", 1), 2);
  slots[1].release();
  assert.equal(bed.broker.setShare("up", 1), 1);
  assert.equal(bed.cells().waiting, 1);
  slots[2].release();
  admitted(await waiting.result);
  assert.equal(bed.broker.slotsTaken("up"), 1);
});

test("who is about to take a slot by the share before counts as having it", (t) => {
  const { bed } = borrowing(t, `max_concurrency: 3, ${QUEUE}`);
  bed.broker.setShare("up", 2);
  const { cells, rowCells } = bed.board.memory;
  const column = bed.columns.get("slots:up")!;
  const at = bed.board.memory.columnAt(column) + bed.loops[0]!.row.index * rowCells;
  Atomics.add(cells, at, TRYING);
  assert.equal(bed.broker.setShare("up", 0), 1);
  assert.equal(bed.broker.slotsTaken("up"), 0);
  Atomics.sub(cells, at, TRYING);
  assert.equal(bed.broker.setShare("up", 0), 0);
});

test("a cap that a reload takes away holds no longer and needs no slots; one that it brings begins with none", async (t) => {
  const { bed, asked } = borrowing(t, `max_concurrency: 1, ${QUEUE}`);
  const { result } = bed.ask(0);
  await waitUntil(() => asked.length === 1);
  bed.reload({ up: QUEUE });
  admitted(await result);
  for (let i = 0; i < 5; i++) assert.equal(bed.ask(1).place, null);
  assert.deepEqual([bed.taken(), bed.broker.slotsTaken("up"), bed.cells().cap], [6, 0, Infinity]);
  bed.broker.setShare("up", 4);
  assert.equal(bed.cells().cap, Infinity);
  bed.reload({ up: `max_concurrency: 10, ${QUEUE}`, other: "max_concurrency: 2" });
  assert.deepEqual([bed.cells().cap, bed.cells("other").cap, bed.broker.slotsTaken("up")], [4, 0, 6]);
  bed.reload({ up: QUEUE });
  bed.reload({ up: `max_concurrency: 10, ${QUEUE}` });
  assert.equal(bed.cells().cap, 0);
});

test("what Redis grants of an upstream's cap goes to the broker, and of all else to the ledger", () => {
  const config = configWith({ up: "max_concurrency: 8" });
  const store = { path: ".", redis: "redis://127.0.0.1:1" };
  const ledger = new LedgerKeeper({ rows: 1, accounts: 8 });
  const definitions = [...accountDefinitions({ ...config, store }, []), shared(gauge("tenant:up slots", 5))];
  const accounts = ledger.define(definitions);
  const set: [string, number][] = [];
  const keeper = new SlotKeeper(ledger, {
    slotsTaken: (upstream) => upstream.length,
    setShare: (upstream, slots) => {
      set.push([upstream, slots]);
      return slots + 1;
    },
  });
  const slots = accounts.get(slotsAccount("up"))!;
  const other = accounts.get("tenant:up slots")!;
  assert.deepEqual([keeper.setGranted(slots, 3), keeper.held(slots)], [4, 2]);
  assert.deepEqual([keeper.setGranted(other, 3), keeper.held(other)], [3, 0]);
  assert.deepEqual(set, [["up", 3]]);
});
