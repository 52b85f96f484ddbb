/**
 * How many slots each of up to four threads uses, kept apart from the board: one byte each of a single cell, so that every
 * addition tells how many were in use by all of them at one and the same moment.
 */

const CELL = { used: 0, highest: 1, stop: 2, ready: 3, turns: 4 } as const;

export class SlotUsage {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(32)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** The most that were ever in use at once. */
  get highest(): number {
    return Atomics.load(this.#cells, CELL.highest);
  }

  get inUse(): number {
    return sumOfBytes(Atomics.load(this.#cells, CELL.used));
  }

  /** After a slot was taken. */
  enter(thread: number): void {
    const inUse = sumOfBytes(Atomics.add(this.#cells, CELL.used, 1 << (8 * thread))) + 1;
    let highest = this.highest;
    while (inUse > highest) highest = Atomics.compareExchange(this.#cells, CELL.highest, highest, inUse);
  }

  /** Before a slot is given back. */
  leave(thread: number): void {
    Atomics.sub(this.#cells, CELL.used, 1 << (8 * thread));
  }

  /** The thread has ended and uses nothing any more. */
  forget(thread: number): void {
    Atomics.and(this.#cells, CELL.used, ~(0xff << (8 * thread)));
  }

  /** Blocks the thread until so many are there, so that none has done its part before the last has begun. */
  awaitOthers(threads: number): void {
    Atomics.add(this.#cells, CELL.ready, 1);
    Atomics.notify(this.#cells, CELL.ready);
    for (let ready = 0; ready < threads; ready = Atomics.load(this.#cells, CELL.ready)) {
      Atomics.wait(this.#cells, CELL.ready, ready);
    }
  }

  /** Counts a thread's turns, for those who wait until it is at work. */
  turn(thread: number): void {
    Atomics.add(this.#cells, CELL.turns + thread, 1);
  }

  turns(thread: number): number {
    return Atomics.load(this.#cells, CELL.turns + thread);
  }

  get stopped(): boolean {
    return Atomics.load(this.#cells, CELL.stop) !== 0;
  }

  /** Asks all threads to give back what they have, and end. */
  stop(): void {
    Atomics.store(this.#cells, CELL.stop, 1);
  }
}

function sumOfBytes(cell: number): number {
  return (cell & 0xff) + ((cell >>> 8) & 0xff) + ((cell >>> 16) & 0xff) + (cell >>> 24);
}
