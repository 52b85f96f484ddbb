/** What is done with single accounts inside a step: how much there is, taking it, and settling what was taken. */
import { ACCOUNT, KIND, MAX_CHARGES, SUB_WINDOWS } from "./ledger-memory.ts";
import type { LedgerMemory } from "./ledger-memory.ts";
import type { LedgerStep } from "./ledger-step.ts";
import type { Charge, SliceReturn } from "./limiter.ts";
import { leftInSlices, MAX_SLICES, PIECE_NUMBERS, returnToSlice, takeFromSlices } from "./slices.ts";
import type { Pieces } from "./slices.ts";
import { advance, cellOf, epochAt } from "./windows.ts";

/** What is settled, as the book looks at it. */
export interface Held {
  readonly charges: readonly Charge[];
  readonly amounts: readonly number[];
  /** Of shared accounts: what was taken from which slice (slices.ts), of all charges. */
  readonly pieces: readonly number[];
  /** How much of a charge counts as used already: what was there before it was last extended. */
  usedBefore(charge: number): number;
  /** When what was not there before was reserved. */
  sinceMs(charge: number): number;
}

interface Use {
  readonly used: number;
  readonly nowMs: number;
}

/** See the file's comment. All methods but the constructor are for the inside of a step. */
export class AccountBook {
  /** From where the last {@link take}s of shared accounts took; whoever begins a reservation empties it. */
  readonly pieces: Pieces = { numbers: new Float64Array(MAX_CHARGES * MAX_SLICES * PIECE_NUMBERS), count: 0 };
  readonly #memory: LedgerMemory;
  readonly #floats: Float64Array;
  readonly #step: LedgerStep;
  readonly #row: number;

  constructor(memory: LedgerMemory, step: LedgerStep, row: number) {
    this.#memory = memory;
    this.#floats = memory.floats;
    this.#step = step;
    this.#row = row;
  }

  /** How much can be taken. Below 0 where the limit has sunk, or more was used than reserved. */
  room(account: number, nowMs: number): number {
    const floats = this.#floats;
    const at = this.#memory.placeOf(account);
    const isShared = floats[at + ACCOUNT.shared] !== 0;
    if (floats[at + ACCOUNT.kind] === KIND.gauge) {
      const limit = isShared ? floats[at + ACCOUNT.granted]! : floats[at + ACCOUNT.limit]!;
      return limit - floats[at + ACCOUNT.held]!;
    }
    if (isShared) return leftInSlices(floats, at, nowMs);
    advance(floats, at, nowMs);
    return floats[at + ACCOUNT.limit]! - floats[at + ACCOUNT.used]! - floats[at + ACCOUNT.held]!;
  }

  /** Takes `amount`, for which there was {@link room} at this step's time. */
  take(account: number, charge: number, amount: number, nowMs: number): void {
    const floats = this.#floats;
    const at = this.#memory.placeOf(account);
    const kind = floats[at + ACCOUNT.kind]!;
    if (kind !== KIND.gauge && floats[at + ACCOUNT.shared] !== 0) {
      takeFromSlices({ floats, step: this.#step, pieces: this.pieces }, at, charge, { amount, nowMs });
    } else if (kind === KIND.rate) {
      this.#use(at, floats[at + ACCOUNT.epoch]!, amount);
    } else {
      this.#hold(at, account, amount);
    }
  }

  /**
   * Replaces what was reserved by what was used.
   *
   * @param late gets what can't be given back here any more.
   */
  settle(held: Held, charge: number, { used, nowMs }: Use, late: SliceReturn[]): void {
    const floats = this.#floats;
    const { account } = held.charges[charge]!;
    const amount = held.amounts[charge]!;
    const at = this.#memory.placeOf(account);
    const kind = floats[at + ACCOUNT.kind]!;
    if (kind === KIND.gauge) return this.#hold(at, account, -amount);
    if (floats[at + ACCOUNT.shared] !== 0) return this.#settleShared(at, held, charge, { used, nowMs }, late);
    const epoch = advance(floats, at, nowMs);
    const since = epochAt(floats, at, held.sinceMs(charge));
    const stillCounts = since >= epoch - SUB_WINDOWS;
    if (kind === KIND.budget) {
      this.#hold(at, account, -amount);
      this.#use(at, stillCounts ? since : epoch, used);
    } else if (used > amount) {
      this.#use(at, epoch, used - amount);
    } else if (stillCounts) {
      this.#use(at, since, -Math.min(amount - used, amount - held.usedBefore(charge)));
    }
  }

  #use(at: number, epoch: number, amount: number): void {
    if (amount === 0) return;
    const cell = cellOf(at, epoch);
    this.#step.write(cell, this.#floats[cell]! + amount);
    this.#step.write(at + ACCOUNT.used, this.#floats[at + ACCOUNT.used]! + amount);
  }

  #hold(at: number, account: number, amount: number): void {
    if (amount === 0) return;
    const own = this.#memory.heldAt(this.#row, account);
    this.#step.write(own, this.#floats[own]! + amount);
    this.#step.write(at + ACCOUNT.held, this.#floats[at + ACCOUNT.held]! + amount);
  }

  #settleShared(at: number, held: Held, charge: number, { used, nowMs }: Use, late: SliceReturn[]): void {
    const floats = this.#floats;
    const { pieces } = held;
    const { account } = held.charges[charge]!;
    const amount = held.amounts[charge]!;
    if (used > amount) {
      // What is used counts first against what is here; who keeps the shared count is told of the rest.
      const book = { floats, step: this.#step, pieces: this.pieces };
      const beyond = takeFromSlices(book, at, charge, { amount: used - amount, nowMs });
      if (beyond > 0) this.#step.write(at + ACCOUNT.beyond, floats[at + ACCOUNT.beyond]! + beyond);
      return;
    }
    let unused = amount - used;
    for (let piece = pieces.length - PIECE_NUMBERS; piece >= 0 && unused > 0; piece -= PIECE_NUMBERS) {
      if (pieces[piece] !== charge) continue;
      const back = Math.min(unused, pieces[piece + 3]!);
      const mark = pieces[piece + 2]!;
      const returned = { slice: pieces[piece + 1]!, mark, amount: back };
      if (!returnToSlice(floats, this.#step, returned)) late.push({ account, mark, amount: back });
      unused -= back;
    }
  }
}
