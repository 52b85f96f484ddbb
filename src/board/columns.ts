/**
 * Which column of the board belongs to which name (`endpoint:…`, `upstream:…`, `tenant:…`).
 *
 * The supervisor keeps the directory and sends what {@link ColumnDirectory.extend} returns, a plain `Map`, to the loops with
 * the config that it belongs to. The board cannot grow while threads look at it, so there is room for later configs from the start.
 */

/** Name → column. Plain data: it can be sent to a thread. */
export type Columns = ReadonlyMap<string, number>;

const MIN_CAPACITY = 1024;
const ROOM_FACTOR = 4;

/** How many columns a board should have, whose first config has so many names: reloads may bring three times as many again. */
export function columnCapacity(names: number): number {
  return Math.max(MIN_CAPACITY, ROOM_FACTOR * names);
}

/** See the file's comment. */
export class ColumnDirectory {
  readonly capacity: number;
  readonly #columns = new Map<string, number>();
  /** Columns that were given back; before all that were never given out. */
  readonly #free: number[] = [];
  /** Columns from here on were never given out. */
  #next = 0;
  #current: ReadonlySet<string> = new Set();

  /** @param capacity columns of the board. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Names that have a column: the current config's, and those of earlier ones until {@link retire}. */
  get size(): number {
    return this.#columns.size;
  }

  /**
   * Takes the names of a new config. One that is known keeps its column, even if it was gone for a while; a new one gets a free
   * column. Those that are gone keep theirs for the calls that began with them.
   *
   * @returns The columns of `names`.
   * @throws RangeError where they do not fit; nothing has changed then.
   */
  extend(names: Iterable<string>): Columns {
    const wanted = new Set(names);
    const added = [...wanted].filter((name) => !this.#columns.has(name));
    const needed = this.size + added.length;
    if (needed > this.capacity) {
      throw new RangeError(
        `the board has room for ${this.capacity} counters and ${needed} are needed ` +
          `(${this.size - wanted.size + added.length} of them by earlier configs): restart to make room`,
      );
    }
    for (const name of added) this.#columns.set(name, this.#free.pop() ?? this.#next++);
    this.#current = wanted;
    return new Map([...wanted].map((name) => [name, this.#columns.get(name)!]));
  }

  /**
   * Frees the columns of names that the last {@link extend} did not have. Only when no loop uses an earlier config any more and
   * all that was counted under them has been given back: the next name starts with the count that this one leaves.
   *
   * @returns The names that are gone.
   */
  retire(): string[] {
    const gone = [...this.#columns.keys()].filter((name) => !this.#current.has(name));
    for (const name of gone) {
      this.#free.push(this.#columns.get(name)!);
      this.#columns.delete(name);
    }
    return gone;
  }
}
