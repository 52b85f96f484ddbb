/**
 * The layout of the ledger: one SharedArrayBuffer, seen as Int32 cells and as Float64 cells. Only who is inside a step
 * (ledger-step.ts) writes to it, but for what is said of the maker.
 *
 * | Float64 cell | what |
 * | --- | --- |
 * | 0–7 | Int32: magic and version, rows, accounts, accounts ever given out: all the maker's |
 * | 8–15 | Int32: the lock, on a cache line of its own, because those who wait for it read nothing else |
 * | 16–23 | Int32: number of the step, how many writes of it the journal has; Float64: the time |
 * | 24 … | the journal: a cell's index and what was in it, for each write of the step |
 * | | Int32: the generation of each row, one more with each recovery |
 * | | accounts, each of {@link ACCOUNT_CELLS} cells |
 * | | for each row, what its loop holds of each account |
 *
 * | cell of an account | what |
 * | --- | --- |
 * | 0, 1 | kind (0: none); 1 where it is shared by several processes: the maker's |
 * | 2, 3 | limit; milliseconds of a sub-window: the maker's |
 * | 4, 5 | used: the sum of the ring; held: the sum over all rows |
 * | 6 | number of the ring's newest sub-window, counted from the clock's 0 |
 * | 7 | of a shared gauge: how much of it this process was granted |
 * | 8–68 | the ring: what counts in each sub-window; or, of a shared account, its slices (slices.ts) |
 * | 69 | of a shared account: what was used beyond what was granted |
 *
 * All amounts are whole numbers far below 2^53, so sums of Float64 are exact. An account is an odd number of cache lines long,
 * like a row of the board, and for the same reason. Pages that nobody writes to cost no memory.
 */

/** "HWL" and the version: one more with each change of the layout. */
const MAGIC = 0x48_57_4c_01;
const LINE = 8;
const MAX_ROWS = 1024;
const MAX_ACCOUNTS = 1 << 20;

/** A window is counted in so many parts, so what is counted too long is counted a sixtieth of the window too long. */
export const SUB_WINDOWS = 60;
/** A window that ends within a sub-window overlaps one more. */
export const RING = SUB_WINDOWS + 1;

/** Accounts that one reservation can touch: the eight limits of tenant, key, tenant × model and upstream. */
export const MAX_CHARGES = 32;

/** Writes that one step can make: for each charge all slices and two cells more, with room to spare. */
const MAX_WRITES = 1024;

/** Int32 cells of the header. */
export const HEADER = { magic: 0, rows: 1, accounts: 2, accountsUsed: 3, lock: 16, step: 32, writes: 33 } as const;

/** Float64 cell of the header: the latest time that any step was made at, monotonic milliseconds. */
export const NOW = 17;

/** Float64 cell where the journal begins. */
export const JOURNAL = 24;

/** Int32 cell where the rows' generations begin. */
export const GENERATIONS = 2 * (JOURNAL + 2 * MAX_WRITES);

/** Float64 cells of an account, from its beginning. */
export const ACCOUNT = {
  kind: 0,
  shared: 1,
  limit: 2,
  subWindowMs: 3,
  used: 4,
  held: 5,
  epoch: 6,
  granted: 7,
  ring: 8,
  beyond: 69,
} as const;
export const ACCOUNT_CELLS = 9 * LINE;

/** An account's kind as its cell has it (limiter.ts says what they are). */
export const KIND = { none: 0, rate: 1, budget: 2, gauge: 3 } as const;

/** The ledger's buffer with both views of it, and where in them things are. */
export class LedgerMemory {
  readonly buffer: SharedArrayBuffer;
  readonly ints: Int32Array;
  readonly floats: Float64Array;
  readonly rows: number;
  readonly accounts: number;
  readonly #accountsAt: number;
  readonly #heldAt: number;

  /** @throws {TypeError} where `buffer` holds no ledger of this version. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.ints = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.rows = this.ints[HEADER.rows] ?? 0;
    this.accounts = this.ints[HEADER.accounts] ?? 0;
    this.#accountsAt = accountsAt(this.rows);
    this.#heldAt = this.#accountsAt + this.accounts * ACCOUNT_CELLS;
    if (this.ints[HEADER.magic] !== MAGIC || buffer.byteLength !== sizeBytes(this.rows, this.accounts)) {
      throw new TypeError("this buffer does not hold a ledger of this version");
    }
  }

  /**
   * A new ledger, all zero.
   *
   * @param rows 1–1024.
   * @param accounts 1–1,048,576.
   * @throws {RangeError} outside of these.
   */
  static create(rows: number, accounts: number): LedgerMemory {
    if (!Number.isInteger(rows) || rows < 1 || rows > MAX_ROWS) throw new RangeError(`rows: ${rows}`);
    if (!Number.isInteger(accounts) || accounts < 1 || accounts > MAX_ACCOUNTS) {
      throw new RangeError(`accounts: ${accounts}`);
    }
    const buffer = new SharedArrayBuffer(sizeBytes(rows, accounts));
    const ints = new Int32Array(buffer);
    ints[HEADER.magic] = MAGIC;
    ints[HEADER.rows] = rows;
    ints[HEADER.accounts] = accounts;
    return new LedgerMemory(buffer);
  }

  /** The first cell of an account that has been given out. @throws {RangeError} where there is none. */
  accountAt(account: number): number {
    if ((account | 0) === account && account >= 0 && account < this.accounts) {
      const at = this.#accountsAt + account * ACCOUNT_CELLS;
      if (this.floats[at + ACCOUNT.kind] !== KIND.none) return at;
    }
    throw new RangeError(`the ledger has no account ${account}`);
  }

  /** The first cell of an account, given out or not. `account` must be below `accounts`. */
  placeOf(account: number): number {
    return this.#accountsAt + account * ACCOUNT_CELLS;
  }

  /** The cell of what `row` holds of `account`, both of which must exist. */
  heldAt(row: number, account: number): number {
    return this.#heldAt + row * this.accounts + account;
  }
}

function accountsAt(rows: number): number {
  return Math.ceil((GENERATIONS + rows) / 2 / LINE) * LINE;
}

function sizeBytes(rows: number, accounts: number): number {
  return (accountsAt(rows) + accounts * ACCOUNT_CELLS + rows * accounts) * Float64Array.BYTES_PER_ELEMENT;
}
