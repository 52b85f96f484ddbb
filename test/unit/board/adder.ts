/** A thread that counts in its row of a board, so many times. */
import { workerData } from "node:worker_threads";
import { Board } from "../../../src/board/board.ts";

const { buffer, row: index, times } = workerData as { buffer: SharedArrayBuffer; row: number; times: number };
const row = Board.attach(buffer).row(index);
for (let i = 0; i < times; i++) {
  row.add(0, 1);
  row.add(1, 1);
  row.add(2, 2);
  row.add(1, -1);
}
