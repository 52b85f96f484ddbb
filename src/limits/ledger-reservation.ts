/** What one request has reserved in the ledger. */
import { Lease } from "../core/lease.ts";
import type { Charge, Refusal, Reservation } from "./limiter.ts";
import { PIECE_NUMBERS } from "./slices.ts";
import type { Pieces } from "./slices.ts";

/** Whose a reservation is. */
interface ReservationOwner {
  extend(reservation: LedgerReservation, more: readonly number[], nowMs: number): Refusal | null;
  /** @param used `null`: nothing. Called once. */
  settle(reservation: LedgerReservation, used: readonly number[] | null, nowMs: number): void;
}

const NO_PIECES: readonly number[] = [];
/** Earlier than anything: the step is then made at the time of the one before. */
const WHENEVER_MS = -Infinity;

/** See the file's comment. Begins with nothing taken. */
export class LedgerReservation extends Lease implements Reservation {
  readonly kind = "reserved";
  readonly charges: readonly Charge[];
  readonly amounts: number[];
  readonly #owner: ReservationOwner;
  #takenMs = WHENEVER_MS;
  /** Once it was extended, by charge: what was there before, and when the rest was taken. */
  #extended: { readonly usedBefore: number[]; readonly sinceMs: number[] } | null = null;
  #pieces = NO_PIECES;
  #used: readonly number[] | null = null;
  #settledMs = WHENEVER_MS;

  /** @param amounts by charge; it keeps them. */
  constructor(owner: ReservationOwner, charges: readonly Charge[], amounts: number[]) {
    super();
    this.#owner = owner;
    this.charges = charges;
    this.amounts = amounts;
  }

  /** What was taken from which slice: charge, slice's cell, mark, amount, and so on. */
  get pieces(): readonly number[] {
    return this.#pieces;
  }

  /** How much of a charge was used before its last extension. */
  usedBefore(charge: number): number {
    return this.#extended?.usedBefore[charge] ?? 0;
  }

  /** When the part of a charge was reserved that was not used before. */
  sinceMs(charge: number): number {
    return this.#extended?.sinceMs[charge] ?? this.#takenMs;
  }

  extend(more: readonly number[], nowMs: number): Refusal | null {
    return this.held ? this.#owner.extend(this, more, nowMs) : { kind: "busy" };
  }

  settle(used: readonly number[], nowMs: number): void {
    if (!this.held) return;
    this.#used = used;
    this.#settledMs = nowMs;
    this.release();
  }

  /** Its owner says that all of `amounts` was taken: at first, and with each extension. */
  taken(amounts: readonly number[], nowMs: number, { numbers, count }: Pieces): void {
    if (count > 0) this.#pieces = [...this.#pieces, ...numbers.subarray(0, count * PIECE_NUMBERS)];
    if (this.#takenMs === WHENEVER_MS) {
      this.#takenMs = nowMs;
      return;
    }
    this.#extended ??= { usedBefore: this.amounts.map(() => 0), sinceMs: this.amounts.map(() => this.#takenMs) };
    for (let charge = 0; charge < amounts.length; charge++) {
      if (amounts[charge] === 0) continue;
      this.#extended.usedBefore[charge] = this.amounts[charge]!;
      this.#extended.sinceMs[charge] = nowMs;
      this.amounts[charge]! += amounts[charge]!;
    }
  }

  protected override giveBack(): void {
    this.#owner.settle(this, this.#used, this.#settledMs);
  }
}
