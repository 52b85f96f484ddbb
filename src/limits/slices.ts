/**
 * What this process may use of a shared account: slices that it was granted, each until it expires. They lie where other accounts
 * have their ring, three cells each: the mark (0: no slice), when it expires, what is left of it.
 *
 * What is reserved is taken from the slice that expires first. What is not used goes back to the slice it came from, the last one
 * first; also when that has expired meanwhile, as long as it is still here, for the main thread to hand back to the shared count.
 */
import { ACCOUNT } from "./ledger-memory.ts";
import type { LedgerStep } from "./ledger-step.ts";

/** Slices of an account at a time: those in use, and those whose rest is still to be handed back. */
export const MAX_SLICES = 20;

const SLICE = { mark: 0, expires: 1, left: 2, cells: 3 } as const;

/** Numbers that say from where a reservation was taken: charge, slice's cell, mark, amount. */
export const PIECE_NUMBERS = 4;

function endOf(at: number): number {
  return at + ACCOUNT.ring + MAX_SLICES * SLICE.cells;
}

function isLive(floats: Float64Array, slice: number, nowMs: number): boolean {
  return floats[slice + SLICE.left]! > 0 && floats[slice + SLICE.expires]! > nowMs;
}

/** What is left in all slices that can be used. */
export function leftInSlices(floats: Float64Array, at: number, nowMs: number): number {
  let left = 0;
  for (let slice = at + ACCOUNT.ring; slice < endOf(at); slice += SLICE.cells) {
    if (isLive(floats, slice, nowMs)) left += floats[slice + SLICE.left]!;
  }
  return left;
}

/** Where reservations note what they take from which slice; one for all steps of a thread. */
export interface Pieces {
  readonly numbers: Float64Array;
  count: number;
}

/**
 * Takes as much of `amount` as there is. Inside a step.
 *
 * @param charge which of the reservation's, for `pieces`.
 * @returns what there was not.
 */
export function takeFromSlices(
  { floats, step, pieces }: { floats: Float64Array; step: LedgerStep; pieces: Pieces },
  at: number,
  charge: number,
  { amount, nowMs }: { amount: number; nowMs: number },
): number {
  let missing = amount;
  while (missing > 0) {
    const slice = firstToExpire(floats, at, nowMs);
    if (slice === -1) return missing;
    const left = floats[slice + SLICE.left]!;
    const taken = Math.min(left, missing);
    step.write(slice + SLICE.left, left - taken);
    missing -= taken;
    const piece = pieces.count++ * PIECE_NUMBERS;
    pieces.numbers[piece] = charge;
    pieces.numbers[piece + 1] = slice;
    pieces.numbers[piece + 2] = floats[slice + SLICE.mark]!;
    pieces.numbers[piece + 3] = taken;
  }
  return 0;
}

function firstToExpire(floats: Float64Array, at: number, nowMs: number): number {
  let first = -1;
  for (let slice = at + ACCOUNT.ring; slice < endOf(at); slice += SLICE.cells) {
    if (!isLive(floats, slice, nowMs)) continue;
    if (first === -1 || floats[slice + SLICE.expires]! < floats[first + SLICE.expires]!) first = slice;
  }
  return first;
}

/** Gives `amount` back to a slice. Inside a step. @returns `false` where it is not here any more. */
export function returnToSlice(
  floats: Float64Array,
  step: LedgerStep,
  { slice, mark, amount }: { slice: number; mark: number; amount: number },
): boolean {
  if (floats[slice + SLICE.mark] !== mark) return false;
  step.write(slice + SLICE.left, floats[slice + SLICE.left]! + amount);
  return true;
}

/** Puts a slice to the others. Inside a step. @returns `false` where all places are taken. */
export function addSlice(
  floats: Float64Array,
  step: LedgerStep,
  at: number,
  { mark, expiresMs, amount, nowMs }: { mark: number; expiresMs: number; amount: number; nowMs: number },
): boolean {
  let place = -1;
  for (let slice = at + ACCOUNT.ring; slice < endOf(at); slice += SLICE.cells) {
    const held = floats[slice + SLICE.mark]!;
    if (held === mark) {
      step.write(slice + SLICE.left, floats[slice + SLICE.left]! + amount);
      step.write(slice + SLICE.expires, Math.max(floats[slice + SLICE.expires]!, expiresMs));
      return true;
    }
    // Of those that have nothing left to hand back, the one that expired first: the rest may still be settled in.
    const isFree = held === 0 || (floats[slice + SLICE.left] === 0 && floats[slice + SLICE.expires]! <= nowMs);
    if (isFree && (place === -1 || floats[slice + SLICE.expires]! < floats[place + SLICE.expires]!)) place = slice;
  }
  if (place === -1) return false;
  step.write(place + SLICE.mark, mark);
  step.write(place + SLICE.expires, expiresMs);
  step.write(place + SLICE.left, amount);
  return true;
}

/** Takes out what is left in slices that have expired. Inside a step. */
export function takeExpired(
  floats: Float64Array,
  step: LedgerStep,
  at: number,
  nowMs: number,
): { readonly mark: number; readonly amount: number }[] {
  const expired = [];
  for (let slice = at + ACCOUNT.ring; slice < endOf(at); slice += SLICE.cells) {
    const amount = floats[slice + SLICE.left]!;
    if (amount === 0 || floats[slice + SLICE.expires]! > nowMs) continue;
    expired.push({ mark: floats[slice + SLICE.mark]!, amount });
    step.write(slice + SLICE.left, 0);
  }
  return expired;
}
