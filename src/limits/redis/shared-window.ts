/** What this process knows of one account with a window that it shares with others. */
import type { Shortage } from "../limiter.ts";
import { Demand } from "./demand.ts";
import { History } from "./history.ts";
import type { SharedAccount } from "./shared-account.ts";
import { REFILL_MS, SLICE_MS, stepMsOf } from "./timing.ts";

/** For how long a shortage is believed without asking again, milliseconds. */
const SHORT_MS = 100;

/** Of what is taken in {@link REFILL_MS}: with less it is filled up before a request has to wait for it. */
const LOW = 0.3;

/** So long after the last grant there can still be something to say of an account every moment, milliseconds. */
const ACTIVE_MS = 3 * SLICE_MS;

/** An answer about an account, as `leaseSlices` gives it. */
export interface WindowAnswer {
  /** The sub-window that was leased from. */
  readonly mark: number;
  readonly leased: number;
  readonly charged: number;
  /** Of the limit, for everybody. */
  readonly left: number;
}

/** See the file's comment. */
export class SharedWindow {
  readonly name: string;
  readonly windowMs: number;
  readonly stepMs: number;
  readonly history: History;
  readonly #demand: Demand;
  index: number;
  limit: number;
  /** What is to go back, by sub-window. */
  #returns = new Map<number, number>();
  /** What was used beyond what was leased, and Redis has not counted. */
  #charge = 0;
  /** Granted less given back: what was taken, and what is with the keeper. */
  #granted = 0;
  #activeUntilMs: number;
  /** Redis's count of sub-windows, and when that was. */
  #mark = 0;
  #markMs = 0;
  /** Of the limit, when Redis answered last. */
  #left = 0;
  #short: { readonly untilMs: number; readonly freeMs: number | null } | null = null;

  constructor(index: number, account: SharedAccount, nowMs: number) {
    this.index = index;
    this.name = account.name;
    this.limit = account.limit;
    this.windowMs = account.windowMs!;
    this.stepMs = stepMsOf(this.windowMs);
    this.history = new History(this.windowMs, this.stepMs);
    this.#demand = new Demand(nowMs);
    this.#activeUntilMs = nowMs + ACTIVE_MS;
  }

  /** Whether something waits to be said to Redis. */
  get owes(): boolean {
    return this.#returns.size > 0 || this.#charge > 0;
  }

  /** Takes what the keeper gives out: not used (`mark` of its slice), or used beyond (`mark` 0, below 0). */
  takeBack(mark: number, amount: number): void {
    if (mark === 0) {
      this.#charge += Math.max(0, -amount);
      return;
    }
    this.#granted -= amount;
    this.#returns.set(mark, (this.#returns.get(mark) ?? 0) + amount);
    this.#short = null;
  }

  /** What is to go back and what is to be charged, to be said to Redis now; {@link owe} where it was not said. */
  takeDebts(): { readonly returns: readonly (readonly [mark: number, amount: number])[]; readonly charge: number } {
    const debts = { returns: [...this.#returns], charge: this.#charge };
    this.#returns.clear();
    this.#charge = 0;
    return debts;
  }

  /** Puts debts back. */
  owe({ returns, charge }: ReturnType<SharedWindow["takeDebts"]>): void {
    for (const [mark, amount] of returns) this.#returns.set(mark, (this.#returns.get(mark) ?? 0) + amount);
    this.#charge += charge;
  }

  /** Notes an answer of Redis, and what had gone back with the question. */
  answered(answer: WindowAnswer, returned: readonly (readonly [mark: number, amount: number])[], nowMs: number): void {
    for (const [mark, amount] of returned) this.history.add(mark, -amount);
    this.history.add(answer.mark, answer.leased + answer.charged);
    this.history.prune(answer.mark);
    this.#granted += answer.leased;
    if (answer.leased > 0) this.#activeUntilMs = nowMs + ACTIVE_MS;
    this.#mark = answer.mark;
    this.#markMs = nowMs;
    this.#left = answer.left;
  }

  /** Notes that Redis had too little. @param freeInMs until it has enough; -1 for never. */
  ranShort(freeInMs: number, nowMs: number): void {
    this.#short = { untilMs: nowMs + SHORT_MS, freeMs: freeInMs < 0 ? null : nowMs + freeInMs };
  }

  /** What Redis would answer to who asks for so much: a shortage it told of a moment ago; `null` where it is to be asked. */
  knownShortage(amount: number, nowMs: number): Shortage | null {
    const short = this.#short;
    if (short === null || nowMs >= short.untilMs || amount <= this.#left) return null;
    return this.shortage(amount, short.freeMs === null ? -1 : short.freeMs - nowMs);
  }

  /** @param freeInMs below 0 for never. */
  shortage(asked: number, freeInMs: number): Shortage {
    return {
      kind: "shortage",
      account: this.index,
      asked,
      limit: this.limit,
      remaining: Math.max(0, this.#left),
      freeInMs: freeInMs < 0 || asked > this.limit ? null : Math.ceil(freeInMs),
    };
  }

  /** Notes what is left with the keeper, to know what was taken. */
  noteAvailable(available: number, nowMs: number): void {
    this.#demand.note(this.#granted - available, nowMs);
  }

  /** What to lease for requests to come, where so much is left with the keeper. */
  wanted(available: number): number {
    return Math.max(0, this.#demand.expected(REFILL_MS) - available);
  }

  /** Whether it is going to run out before somebody notices, and Redis has some. */
  isLow(available: number): boolean {
    return this.#left > 1 && available < this.#demand.expected(REFILL_MS * LOW);
  }

  /** Whether this process holds a part of it, held one a moment ago, or {@link owes}. */
  isActive(nowMs: number): boolean {
    return nowMs < this.#activeUntilMs || this.owes;
  }

  /** Whether nothing would be lost with it. */
  isIdle(nowMs: number): boolean {
    this.history.prune(this.#mark + Math.floor((nowMs - this.#markMs) / this.stepMs));
    return this.history.isEmpty && !this.isActive(nowMs);
  }
}
