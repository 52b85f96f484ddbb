/** A loop's part of the board. */
import type { Board } from "./board.ts";
import type { Columns } from "./columns.ts";
import type { BoardRow } from "./row.ts";

/** See the file's comment. */
export interface BoardShare {
  readonly board: Board;
  /** This loop's. */
  readonly row: BoardRow;
  /** Of the config that the loop begins with. */
  readonly columns: Columns;
}
