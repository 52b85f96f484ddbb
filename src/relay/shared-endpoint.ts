/** An endpoint of this loop, with the count of what all loops have under way at its address. */
import type { Board } from "../board/board.ts";
import type { BoardRow } from "../board/row.ts";
import { Lease } from "../core/lease.ts";
import type { Endpoint } from "../upstream/exchange.ts";

/** See the file's comment. */
export class SharedEndpoint {
  readonly endpoint: Endpoint;
  readonly #board: Board;
  readonly #row: BoardRow;
  readonly #column: number;

  /** @param column the address's column on the board. */
  constructor(endpoint: Endpoint, { board, row }: { readonly board: Board; readonly row: BoardRow }, column: number) {
    this.endpoint = endpoint;
    this.#board = board;
    this.#row = row;
    this.#column = column;
  }

  /** Requests under way, of all loops. */
  get outstanding(): number {
    return this.#board.sum(this.#column);
  }

  /** Counts one more, until it is given back. */
  take(): Lease {
    return new Outstanding(this.#row, this.#column);
  }
}

class Outstanding extends Lease {
  readonly #row: BoardRow;
  readonly #column: number;

  constructor(row: BoardRow, column: number) {
    super();
    this.#row = row;
    this.#column = column;
    row.add(column, 1);
  }

  protected giveBack(): void {
    this.#row.add(this.#column, -1);
  }
}
