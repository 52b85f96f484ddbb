/**
 * The limits of one process, exact over all its loops: accounts in shared memory, behind a lock that is held for less than a
 * microsecond (ledger-step.ts). Each loop has one, on its own row.
 *
 * **What holds.** Of a rate or budget: in any stretch of `windowMs`, wherever it begins, what was reserved in it, or used where it
 * is settled, is within the limit; except for what requests used beyond what they had reserved, which counts from then on. Of
 * a gauge: no more than the limit is held at a time. Both whatever threads do, and whenever they end: a step happens whole or
 * not at all; what a dead loop has reserved stays taken until its row is recovered (ledger-keeper.ts), and rates keep it even
 * then, because what it was reserved for may have happened.
 */
import { AccountBook } from "./account-book.ts";
import { ACCOUNT, KIND, LedgerMemory, MAX_CHARGES, RING, SUB_WINDOWS } from "./ledger-memory.ts";
import { LedgerReservation } from "./ledger-reservation.ts";
import { LedgerStep } from "./ledger-step.ts";
import type { Charge, Limiter, Refill, Refusal, Reservation, SliceReturn, Standing } from "./limiter.ts";
import { leftInSlices } from "./slices.ts";
import { emptyInMs, passesInMs, usedAt } from "./windows.ts";

/** Nobody has used more than this in one request; an upstream that says so can't spoil the sums. */
const MAX_USED = 2 ** 40;

const BUSY: Refusal = { kind: "busy" };
/** When what could not be settled is tried again. */
const RETRY_MS = 20;

interface Unsettled {
  readonly reservation: LedgerReservation;
  readonly used: readonly number[] | null;
  readonly nowMs: number;
}

interface LedgerOptions {
  /**
   * Gets what is to be handed back to a shared count and whose slice is gone: to be sent to the main thread.
   *
   * @default it stays counted as used
   */
  readonly onLateReturn?: (late: SliceReturn) => void;
}

/** See the file's comment. */
export class Ledger implements Limiter {
  readonly #memory: LedgerMemory;
  readonly #step: LedgerStep;
  readonly #book: AccountBook;
  readonly #onLateReturn: (late: SliceReturn) => void;
  /** Of the charges being looked at: what is missing in slices. */
  readonly #missing = new Float64Array(MAX_CHARGES);
  readonly #unsettled: Unsettled[] = [];

  constructor(memory: LedgerMemory, row: number, { onLateReturn = () => {} }: LedgerOptions = {}) {
    this.#memory = memory;
    this.#step = new LedgerStep(memory, row);
    this.#book = new AccountBook(memory, this.#step, row);
    this.#onLateReturn = onLateReturn;
  }

  /**
   * The ledger that another thread has made.
   *
   * @param row claimed for this thread ({@link LedgerKeeper.claimRow}).
   * @throws {TypeError} where `buffer` holds none of this version.
   */
  static attach(buffer: SharedArrayBuffer, row: number, options?: LedgerOptions): Ledger {
    return new Ledger(new LedgerMemory(buffer), row, options);
  }

  reserve(charges: readonly Charge[], nowMs: number): Reservation | Refusal {
    if (charges.length > MAX_CHARGES) throw new RangeError(`${charges.length} charges`);
    const amounts: number[] = [];
    for (const { account, amount } of charges) {
      this.#memory.accountAt(account);
      amounts.push(wholeAmount(amount));
    }
    // Made before anything is taken: where there is no memory for it, nothing is.
    const reservation = new LedgerReservation(this, charges, amounts);
    return this.#take(reservation, amounts, nowMs) ?? reservation;
  }

  /** A reservation's {@link Reservation.extend}. */
  extend(reservation: LedgerReservation, more: readonly number[], nowMs: number): Refusal | null {
    const { charges } = reservation;
    if (more.length !== charges.length) throw new RangeError(`${more.length} amounts for ${charges.length} charges`);
    more.forEach(wholeAmount);
    return this.#take(reservation, more, nowMs);
  }

  /** A reservation's {@link Reservation.settle}. */
  settle(reservation: LedgerReservation, used: readonly number[] | null, nowMs: number): void {
    const late: SliceReturn[] = [];
    if (!this.#step.enter()) {
      if (!this.#step.isRecovered) this.#settleLater({ reservation, used, nowMs });
      return;
    }
    const { charges, amounts } = reservation;
    const time = this.#step.time(nowMs);
    this.#book.pieces.count = 0;
    for (let charge = 0; charge < charges.length; charge++) {
      const usedOfIt = used === null ? 0 : plausibleUse(used[charge], amounts[charge]!);
      this.#book.settle(reservation, charge, { used: usedOfIt, nowMs: time }, late);
    }
    this.#step.leave();
    for (const one of late) this.#onLateReturn(one);
  }

  /** The lock can't be had. There are no more of these than requests that were under way. Keeps the thread alive until it is done. */
  #settleLater(unsettled: Unsettled): void {
    if (this.#unsettled.push(unsettled) > 1) return;
    setTimeout(() => {
      for (const { reservation, used, nowMs } of this.#unsettled.splice(0)) this.settle(reservation, used, nowMs);
    }, RETRY_MS);
  }

  peek(account: number, nowMs: number): Standing {
    const { floats } = this.#memory;
    const at = this.#memory.accountAt(account);
    const limit = floats[at + ACCOUNT.limit]!;
    const held = floats[at + ACCOUNT.held]!;
    if (floats[at + ACCOUNT.kind] === KIND.gauge) {
      return { limit, remaining: Math.max(0, limit - held), resetInMs: 0 };
    }
    const windowMs = SUB_WINDOWS * floats[at + ACCOUNT.subWindowMs]!;
    if (floats[at + ACCOUNT.shared] !== 0) {
      const remaining = Math.min(limit, leftInSlices(floats, at, nowMs));
      return { limit, remaining, resetInMs: remaining < limit ? windowMs : 0 };
    }
    const used = usedAt(floats, at, nowMs);
    // What is held counts for a whole window from when it is settled.
    const resetInMs = held > 0 ? (windowMs / SUB_WINDOWS) * RING : emptyInMs(floats, at, nowMs);
    return { limit, remaining: Math.max(0, limit - used - held), resetInMs };
  }

  #take(reservation: LedgerReservation, amounts: readonly number[], nowMs: number): Refusal | null {
    const { charges } = reservation;
    if (!this.#step.enter()) return BUSY;
    const time = this.#step.time(nowMs);
    this.#book.pieces.count = 0;
    let needsRefill = false;
    for (let i = 0; i < charges.length; i++) {
      const amount = amounts[i]!;
      this.#missing[i] = 0;
      if (amount === 0) continue;
      const { account } = charges[i]!;
      const missing = amount - this.#book.room(account, time);
      if (missing <= 0) continue;
      if (!this.#isGrantedMore(account, amount)) {
        this.#step.leave();
        return this.#shortage(account, amount, amount - missing, time);
      }
      // Less may be granted than is held: that is no lack of this request.
      this.#missing[i] = Math.min(missing, amount);
      needsRefill = true;
    }
    if (!needsRefill) {
      for (let i = 0; i < charges.length; i++) {
        if (amounts[i] !== 0) this.#book.take(charges[i]!.account, i, amounts[i]!, time);
      }
    }
    this.#step.leave();
    if (needsRefill) return this.#refill(charges);
    reservation.taken(amounts, time, this.#book.pieces);
    return null;
  }

  /** Whether there can be more of it than this process has been granted. */
  #isGrantedMore(account: number, amount: number): boolean {
    const at = this.#memory.placeOf(account);
    const { floats } = this.#memory;
    if (floats[at + ACCOUNT.shared] === 0) return false;
    const held = floats[at + ACCOUNT.kind] === KIND.gauge ? floats[at + ACCOUNT.held]! : 0;
    return held + amount <= floats[at + ACCOUNT.limit]!;
  }

  #refill(charges: readonly Charge[]): Refill {
    const needs: Charge[] = [];
    charges.forEach(({ account }, i) => {
      if (this.#missing[i]! > 0) needs.push({ account, amount: this.#missing[i]! });
    });
    return { kind: "refill", needs };
  }

  #shortage(account: number, asked: number, room: number, nowMs: number): Refusal {
    const { floats } = this.#memory;
    const at = this.#memory.placeOf(account);
    const limit = floats[at + ACCOUNT.limit]!;
    const isCounted = floats[at + ACCOUNT.kind] !== KIND.gauge && floats[at + ACCOUNT.shared] === 0;
    const freeInMs = isCounted ? passesInMs(floats, at, asked - room, nowMs) : null;
    return { kind: "shortage", account, asked, limit, remaining: Math.max(0, room), freeInMs };
  }
}

/** @throws {RangeError} */
function wholeAmount(amount: number): number {
  if (!(Number.isSafeInteger(amount) && amount >= 0)) throw new RangeError(`amount: ${amount}`);
  return amount;
}

function plausibleUse(used: number | undefined, reserved: number): number {
  if (used === undefined || !(used >= 0)) return reserved;
  return Math.min(Math.ceil(used), Math.max(MAX_USED, reserved));
}
