import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Board } from "../../../src/board/board.ts";
import { TRYING } from "../../../src/board/layout.ts";
import type { BoardRow } from "../../../src/board/row.ts";
import { takeSlot } from "../../../src/board/slots.ts";
import type { Lease } from "../../../src/core/lease.ts";
import { inSteps } from "./stepped-atomics.ts";

/** A board of one column with all rows claimed. */
function boardOf(rows: number): [Board, BoardRow[]] {
  const board = Board.create({ rows, columns: 1 });
  return [board, Array.from({ length: rows }, (_, index) => board.claimRow(index + 1))];
}

class Killed extends Error {}

test("the cap counts all rows, and a slot that was given back is there for any of them", () => {
  const [board, [first, second]] = boardOf(2) as [Board, [BoardRow, BoardRow]];
  const taken = [first, second, first].map((row) => takeSlot(board, row, 0, 3)!);
  assert.equal(takeSlot(board, first, 0, 3), null);
  assert.equal(takeSlot(board, second, 0, 3), null);
  taken[0]!.release();
  taken[0]!.release();
  assert.equal(board.sum(0), 2);
  const slot = takeSlot(board, second, 0, 3);
  assert.ok(slot !== null);
  assert.equal(takeSlot(board, first, 0, 3), null);
});

test("no slots are given of none, any number without a cap, and those beyond a cap that sank are not taken away", () => {
  const [board, [row]] = boardOf(2) as [Board, [BoardRow]];
  assert.equal(takeSlot(board, row, 0, 0), null);
  const taken = Array.from({ length: 1000 }, () => takeSlot(board, row, 0, Infinity)!);
  assert.equal(board.sum(0), 1000);
  assert.equal(takeSlot(board, row, 0, 10), null);
  for (const slot of taken.slice(9)) slot.release();
  assert.ok(takeSlot(board, row, 0, 10) !== null);
});

test("a slot given back after its row was cleared and claimed anew takes nothing from the next loop", () => {
  const [board, [row]] = boardOf(1) as [Board, [BoardRow]];
  const slot = takeSlot(board, row, 0, 1)!;
  board.clearRow(0);
  assert.equal(takeSlot(board, row, 0, 1), null);
  const next = board.claimRow(1);
  const theirs = takeSlot(board, next, 0, 1)!;
  slot.release();
  assert.equal(board.sum(0), 1);
  theirs.release();
  assert.equal(board.sum(0), 0);
});

test("after any taking, giving back, dying and claiming, exactly the cap is kept", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("take" as const), row: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), lease: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), row: fc.nat(2) }) },
  );
  fc.assert(
    fc.property(fc.nat(5), fc.array(step, { maxLength: 80 }), (cap, steps) => {
      const [board, rows] = boardOf(3);
      const leases: { lease: Lease; row: number; out: boolean }[] = [];
      const out = (): number => leases.filter((one) => one.out).length;
      for (const step of steps) {
        if (step.do === "take") {
          const lease = takeSlot(board, rows[step.row]!, 0, cap);
          assert.equal(lease !== null, out() < cap);
          if (lease !== null) leases.push({ lease, row: step.row, out: true });
        } else if (step.do === "release") {
          // Also those given back before, and those of loops that died.
          const one = leases[step.lease % Math.max(1, leases.length)];
          if (one === undefined) continue;
          one.lease.release();
          one.out = false;
        } else {
          board.clearRow(step.row);
          for (const one of leases) if (one.row === step.row) one.out = false;
          rows[step.row] = board.claimRow(7);
        }
        assert.equal(board.sum(0), out());
      }
    }),
  );
});

test("a loop that dies at any step of taking or giving back leaves nothing once its row is cleared", () => {
  for (const [cap, others] of [
    [1, 0],
    [2, 1],
    [1, 1],
  ] as const) {
    let died = true;
    for (let deadly = 0; died; deadly++) {
      const [board, [doomed, other]] = boardOf(2) as [Board, [BoardRow, BoardRow]];
      for (let i = 0; i < others; i++) takeSlot(board, other, 0, cap);
      const life = (): void => {
        takeSlot(board, doomed, 0, cap)?.release();
        takeSlot(board, doomed, 0, cap);
      };
      died = false;
      try {
        inSteps(life, (step) => {
          if (step === deadly) throw new Killed();
        });
      } catch (error) {
        assert.ok(error instanceof Killed);
        died = true;
      }
      // Before the clearing too, the other takes no more than there are.
      const early = takeSlot(board, other, 0, cap);
      assert.ok(board.sum(0) <= cap);
      early?.release();
      board.clearRow(0);
      assert.equal(board.sum(0), others);
      const next = board.claimRow(9);
      for (let i = others; i < cap; i++) assert.ok(takeSlot(board, next, 0, cap) !== null, `dead at step ${deadly}`);
      assert.equal(takeSlot(board, next, 0, cap), null);
      if (!died && cap > others) assert.ok(deadly > 4, `only ${deadly} steps`);
    }
  }
});

test("whatever two others do between any two steps of taking, no more than the cap are out and no slot stays free", () => {
  type Act = "take" | "take and give back" | "give back";
  const acts: readonly Act[] = ["take", "take and give back", "give back"];
  for (const cap of [1, 2, 3]) {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      for (const [firstAct, secondAct] of acts.flatMap((first) => acts.map((second) => [first, second] as const))) {
        for (let firstStep = 0; firstStep < 8; firstStep++) {
          for (let secondStep = 0; secondStep < 8; secondStep++) {
            const [board, rows] = boardOf(3);
            const out: Lease[] = [];
            const [mine, second, third] = order.map((index) => rows[index]!) as [BoardRow, BoardRow, BoardRow];
            // One is out from the start, for somebody to give back.
            out.push(takeSlot(board, third, 0, cap)!);
            const take = (row: BoardRow): Lease | null => {
              const slot = takeSlot(board, row, 0, cap);
              if (slot !== null) out.push(slot);
              assert.ok(out.filter(({ held }) => held).length <= cap);
              return slot;
            };
            const act = (row: BoardRow, what: Act): void => {
              if (what === "give back") out[0]!.release();
              else if (what === "take") take(row);
              else take(row)?.release();
            };
            const inner = (): void =>
              inSteps(
                () => act(second, firstAct),
                (step) => step === secondStep && act(third, secondAct),
              );
            const slot = inSteps(
              () => takeSlot(board, mine, 0, cap),
              (step) => step === firstStep && inner(),
            );
            if (slot !== null) out.push(slot);
            const held = out.filter(({ held }) => held).length;
            assert.ok(held <= cap);
            assert.equal(board.sum(0), held);
            for (let left = held; left < cap; left++) assert.ok(takeSlot(board, mine, 0, cap) !== null);
            assert.equal(takeSlot(board, mine, 0, cap), null);
          }
        }
      }
    }
  }
});

/** A loop of that row raises its flag, and is heard of no more. */
function stopWhileTrying(board: Board, row: BoardRow, cap: number): void {
  const stop = (): Lease | null =>
    inSteps(
      () => takeSlot(board, row, 0, cap),
      (step) => {
        if (step === 1) throw new Killed();
      },
    );
  assert.throws(stop, Killed);
}

test("a loop that is stopped in the middle of its try keeps one slot from the others, and no more", () => {
  const [board, [stopped, other]] = boardOf(2) as [Board, [BoardRow, BoardRow]];
  const cap = 3;
  stopWhileTrying(board, stopped, cap);
  assert.equal(board.sum(0), 0);
  assert.ok(takeSlot(board, other, 0, cap) !== null);
  assert.ok(takeSlot(board, other, 0, cap) !== null);
  assert.equal(takeSlot(board, other, 0, cap), null);
  board.clearRow(0);
  assert.ok(takeSlot(board, other, 0, cap) !== null);
  assert.equal(takeSlot(board, other, 0, cap), null);
});

test("of two in each other's way the one in the lower row stays, the other waits without a flag", () => {
  for (const [stoppedIndex, stays] of [
    [1, true],
    [0, false],
  ] as const) {
    const [board, rows] = boardOf(2);
    stopWhileTrying(board, rows[stoppedIndex]!, 1);
    const taker = rows[1 - stoppedIndex]!;
    const cell = board.memory.columnAt(0) + taker.index * board.memory.rowCells;
    const flags: boolean[] = [];
    const slot = inSteps(
      () => takeSlot(board, taker, 0, 1),
      () => void flags.push(board.memory.cells[cell] === TRYING),
    );
    assert.equal(slot, null);
    assert.ok(flags.length > 50);
    // It goes up once, if at all.
    assert.deepEqual(new Set(flags.slice(2)), new Set([stays]));
    assert.equal(board.memory.cells[cell], 0);
  }
});
