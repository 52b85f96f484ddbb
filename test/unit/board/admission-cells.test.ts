import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AdmissionCells } from "../../../src/board/admission-cells.ts";
import { Board } from "../../../src/board/board.ts";

const boardOf = (columns: number): Board => Board.create({ rows: 3, columns });
const cellsOf = (board: Board, column: number): AdmissionCells => new AdmissionCells(board.memory, column);

test("a column that nobody has written to has no cap, may be asked, and nobody waits", () => {
  const cells = cellsOf(boardOf(1), 0);
  assert.deepEqual([cells.cap, cells.notBeforeMs, cells.waiting], [Infinity, 0, 0]);
});

test("what is written for one column is seen by who attaches, and in no other column or row", () => {
  const columns = 5;
  const board = boardOf(columns);
  const row = board.claimRow(1);
  for (let column = 0; column < columns; column++) {
    const cells = cellsOf(board, column);
    cells.cap = 10 + column;
    cells.waiting = 20 + column;
    cells.raiseNotBefore(30.5 + column);
    row.add(column, 40 + column);
  }
  const other = Board.attach(board.buffer);
  for (let column = 0; column < columns; column++) {
    const { cap, waiting, notBeforeMs } = cellsOf(other, column);
    assert.deepEqual([cap, waiting, notBeforeMs], [10 + column, 20 + column, 30.5 + column]);
    assert.equal(other.sum(column), 40 + column);
  }
  cellsOf(board, 2).clear();
  const { cap, waiting, notBeforeMs } = cellsOf(other, 2);
  assert.deepEqual([cap, waiting, notBeforeMs], [Infinity, 0, 0]);
  assert.equal(cellsOf(other, 3).cap, 13);
});

test("a cap may be infinite or nothing at all, and a column that is not there is refused", () => {
  const board = boardOf(2);
  const cells = cellsOf(board, 1);
  for (const cap of [Infinity, 0, 1, 1_000_000]) {
    cells.cap = cap;
    assert.equal(cells.cap, cap);
  }
  for (const column of [-1, 2, Number.NaN]) assert.throws(() => cellsOf(board, column), RangeError);
});

test("of all times before which the upstream is not to be asked the latest holds", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1 }), (times) => {
      const cells = cellsOf(boardOf(1), 0);
      for (const time of times) cells.raiseNotBefore(time);
      assert.equal(cells.notBeforeMs, Math.max(...times));
    }),
  );
});
