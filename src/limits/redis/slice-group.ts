/**
 * The windows of one tenant or upstream: at most one call to Redis is under way for all of them, and it carries whatever there is
 * to say: what waiting requests need, what is going to be needed, what goes back.
 */
import { monotonicMs } from "../../core/monotonic-clock.ts";
import type { Charge } from "../limiter.ts";
import { LeaseWaiter } from "./lease-waiter.ts";
import type { LeaseResult } from "./lease-waiter.ts";
import { LEASE_SLICES } from "./lua/lease-slices.ts";
import { RESTORE_SLICES } from "./lua/restore-slices.ts";
import { keyOf } from "./shared-account.ts";
import type { GroupContext, SharedAccount } from "./shared-account.ts";
import { SharedWindow } from "./shared-window.ts";
import { PEER_MS, REMEMBER_MS, REST_MS, SETTLE_MS, SLICE_MS } from "./timing.ts";

/** Requests that one call decides on: more would hold up Redis for others. */
const MAX_BATCH = 64;
/** Requests that wait for one group; more than Redis decides on before their deadline. */
const MAX_WAITING = 4096;
/** Accounts of a call that no request in it asks for; others wait for the next. */
const MAX_BESIDES = 128;
/** Accounts of a call that tells Redis what it has lost: some 4000 sub-windows, a few milliseconds of its time. */
const MAX_RESTORED = 64;
/** How often accounts that nobody uses are looked through, milliseconds. */
const SWEEP_MS = 10_000;
/** Numbers of an answer for each account. */
const ACCOUNT_NUMBERS = 4;

/** What a call carries. */
interface Question {
  readonly waiters: readonly LeaseWaiter[];
  readonly windows: readonly SharedWindow[];
  readonly debts: readonly ReturnType<SharedWindow["takeDebts"]>[];
  readonly askedMs: number;
}

/** See the file's comment. */
export class SliceGroup {
  readonly name: string;
  readonly #context: GroupContext;
  readonly #windows = new Map<string, SharedWindow>();
  #waiting: LeaseWaiter[] = [];
  #asks = false;
  #asked: Promise<void> = Promise.resolve();
  /** Redis may have lost what this process has leased. */
  #isForgotten = false;
  /** No requests are to come any more. */
  #isEnding = false;
  #settlesUntilMs = 0;
  #sweptMs = 0;

  constructor(name: string, context: GroupContext) {
    this.name = name;
    this.#context = context;
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return this.#windows.size === 0 && this.#waiting.length === 0 && !this.#asks;
  }

  /** Leases what `needs` asks for, all or nothing. Answers once, in 50 ms at most. @param needs of windows of this group. */
  lease(needs: readonly Charge[], done: (result: LeaseResult) => void): void {
    const nowMs = monotonicMs();
    const refusal = this.#refusal(needs, nowMs);
    if (refusal !== null) return done(refusal);
    this.#waiting.push(new LeaseWaiter(needs, this.#context.wheel, done));
    this.#ask();
  }

  /** Takes what the keeper gives out of an account. */
  takeBack(index: number, account: SharedAccount, mark: number, amount: number): void {
    this.#window(index, account).takeBack(mark, amount);
  }

  /** Redis may have lost what it knew: it is told before anything else. */
  restore(): void {
    this.#isForgotten = true;
    this.#ask();
  }

  /** To be called every `REST_MS`, right after the keeper's slices were collected: gives back, fills up, forgets what is over. */
  turn(nowMs: number): void {
    let isDue = false;
    for (const window of this.#windows.values()) {
      if (!window.isActive(nowMs)) continue;
      const available = this.#context.keeper.available(window.index, nowMs);
      window.noteAvailable(available, nowMs);
      isDue ||= window.owes || window.isLow(available);
    }
    if (isDue) this.#ask();
    if (nowMs - this.#sweptMs < SWEEP_MS || this.#asks) return;
    this.#sweptMs = nowMs;
    for (const window of this.#windows.values()) if (window.isIdle(nowMs)) this.#windows.delete(window.name);
  }

  /** Says what is still to be said before the end, and leases nothing more. Resolves when it has been said, or can't be. */
  async flush(): Promise<void> {
    this.#isEnding = true;
    await this.#asked;
    if (![...this.#windows.values()].some((window) => window.owes)) return;
    this.#ask();
    await this.#asked;
  }

  /** Nobody waits any more. */
  close(): void {
    for (const waiter of this.#waiting) waiter.answer({ kind: "unavailable", retryInMs: 0 });
    this.#waiting = [];
  }

  #refusal(needs: readonly Charge[], nowMs: number): LeaseResult | null {
    const { link } = this.#context;
    if (link.state !== "closed") return { kind: "unavailable", retryInMs: link.retryInMs };
    if (nowMs < this.#settlesUntilMs) return { kind: "unavailable", retryInMs: this.#settlesUntilMs - nowMs };
    for (const { account: index, amount } of needs) {
      const window = this.#window(index, this.#context.account(index)!);
      const shortage = window.knownShortage(amount, nowMs);
      if (shortage !== null) return shortage;
    }
    return this.#waiting.length < MAX_WAITING ? null : { kind: "unavailable", retryInMs: REST_MS };
  }

  #window(index: number, account: SharedAccount): SharedWindow {
    let window = this.#windows.get(account.name);
    if (window === undefined) {
      window = new SharedWindow(index, account, monotonicMs());
      this.#windows.set(account.name, window);
    }
    window.index = index;
    window.limit = account.limit;
    return window;
  }

  /** Asks until there is nothing left to be asked for; does nothing while it does so already. */
  #ask(): void {
    if (this.#asks) return;
    this.#asks = true;
    this.#asked = this.#askAll();
  }

  async #askAll(): Promise<void> {
    try {
      do {
        if (this.#context.link.state !== "closed") return this.#giveUp();
        if (this.#isForgotten) await this.#restore();
        else await this.#leaseOnce();
      } while (this.#isForgotten || this.#waiting.length > 0);
    } finally {
      // In the same turn as the look at who waits: who comes after it asks anew.
      this.#asks = false;
    }
  }

  #giveUp(): void {
    const { retryInMs } = this.#context.link;
    for (const waiter of this.#waiting.splice(0)) waiter.answer({ kind: "unavailable", retryInMs });
  }

  async #restore(): Promise<void> {
    const { link, process } = this.#context;
    this.#isForgotten = false;
    const windows = [...this.#windows.values()].filter((window) => !window.history.isEmpty);
    for (let from = 0; from < windows.length; from += MAX_RESTORED) {
      const part = windows.slice(from, from + MAX_RESTORED);
      const isLast = from + MAX_RESTORED >= windows.length;
      const args: (string | number)[] = [process, SLICE_MS, SETTLE_MS, REMEMBER_MS, isLast ? 1 : 0];
      for (const { windowMs, stepMs, history } of part) {
        const entries = history.entries();
        args.push(windowMs, stepMs, entries.length, ...entries.flat());
      }
      // Without an answer Redis does not know this process yet, so it will ask again; what it has added by then counts twice.
      if ((await link.run(RESTORE_SLICES, this.#keys(part), args)) === null) return;
    }
  }

  async #leaseOnce(): Promise<void> {
    const question = this.#question();
    const { link } = this.#context;
    const answer = (await link.run(LEASE_SLICES, this.#keys(question.windows), this.#args(question))) as
      | readonly (string | number)[]
      | null;
    if (answer === null) {
      // It may have been done. What went back may not go back twice, what was used beyond may count twice.
      question.windows.forEach((window, i) => window.owe({ returns: [], charge: question.debts[i]!.charge }));
      const retryInMs = Math.max(REST_MS, link.retryInMs);
      for (const waiter of question.waiters) waiter.answer({ kind: "unavailable", retryInMs });
      return;
    }
    if (answer[0] === "done") return this.#onDone(question, answer as readonly number[]);
    question.windows.forEach((window, i) => window.owe(question.debts[i]!));
    if (answer[0] === "lost") {
      this.#isForgotten = true;
      this.#waiting.unshift(...question.waiters);
      return;
    }
    const retryInMs = Number(answer[1]);
    this.#settlesUntilMs = monotonicMs() + retryInMs;
    for (const waiter of question.waiters) waiter.answer({ kind: "unavailable", retryInMs });
  }

  /** All that there is to be asked for and said, in one. */
  #question(): Question {
    const { account } = this.#context;
    this.#waiting = this.#waiting.filter((waiter) => waiter.waits);
    const waiters: LeaseWaiter[] = [];
    for (const waiter of this.#waiting.splice(0, MAX_BATCH)) {
      // A reload may have taken an account away meanwhile.
      if (waiter.needs.every(({ account: index }) => account(index)?.group === this.name)) waiters.push(waiter);
      else waiter.answer({ kind: "unavailable", retryInMs: 0 });
    }
    const askedMs = monotonicMs();
    const windows = new Set(
      waiters.flatMap(({ needs }) => needs.map(({ account: index }) => this.#window(index, account(index)!))),
    );
    const most = windows.size + MAX_BESIDES;
    for (const window of this.#windows.values()) {
      if (windows.size >= most) break;
      if (window.isActive(askedMs) && (window.owes || this.#wanted(window, askedMs) > 0)) windows.add(window);
    }
    const asked = [...windows];
    return { waiters, windows: asked, debts: asked.map((window) => window.takeDebts()), askedMs };
  }

  /** What to lease for requests to come. */
  #wanted(window: SharedWindow, nowMs: number): number {
    return this.#isEnding ? 0 : window.wanted(this.#context.keeper.available(window.index, nowMs));
  }

  #keys(windows: readonly SharedWindow[]): string[] {
    return ["members", "settles", ...windows.map(({ name }) => `window:${name}`)].map((rest) => keyOf(this.name, rest));
  }

  #args({ waiters, windows, debts, askedMs }: Question): (string | number)[] {
    const { process, doubts } = this.#context;
    const remembers = [...this.#windows.values()].some((window) => !window.history.isEmpty);
    const args: (string | number)[] = [process, SLICE_MS, remembers ? 1 : 0, doubts() ? 1 : 0];
    args.push(SETTLE_MS, PEER_MS, REMEMBER_MS, waiters.length);
    windows.forEach((window, i) => {
      const { returns, charge } = debts[i]!;
      args.push(window.limit, window.windowMs, window.stepMs, this.#wanted(window, askedMs), charge);
      args.push(returns.length, ...returns.flat());
    });
    const places = new Map(windows.map(({ name }, i) => [name, i + 1]));
    for (const { needs } of waiters) {
      args.push(needs.length);
      for (const { account, amount } of needs) args.push(places.get(this.#context.account(account)!.name)!, amount);
    }
    return args;
  }

  #onDone({ waiters, windows, debts, askedMs }: Question, answer: readonly number[]): void {
    const { keeper, account } = this.#context;
    const nowMs = monotonicMs();
    // From when it was asked: Redis's own moment was after that, so a slice never ends later here than there.
    const expiresMs = askedMs + SLICE_MS;
    windows.forEach((window, i) => {
      const [mark, leased, charged, left] = answer.slice(2 + i * ACCOUNT_NUMBERS) as [number, number, number, number];
      window.answered({ mark, leased, charged, left }, debts[i]!.returns, nowMs);
      if (leased === 0) return;
      const slice = { account: window.index, amount: leased, mark, expiresMs };
      const isThere = account(window.index)?.name === window.name;
      const isOfUse = isThere && nowMs < expiresMs && !this.#isEnding;
      if (!(isOfUse && keeper.grant(slice))) window.takeBack(mark, leased);
    });
    let at = 2 + windows.length * ACCOUNT_NUMBERS;
    for (const waiter of waiters) {
      const [place, freeInMs] = [answer[at]!, answer[at + 1]!];
      at += 2;
      if (place === 0) {
        waiter.answer({ kind: "granted" });
        continue;
      }
      const window = windows[place - 1]!;
      window.ranShort(freeInMs, nowMs);
      const asked = waiter.needs.find(({ account: index }) => account(index)?.name === window.name)!.amount;
      waiter.answer(window.shortage(asked, freeInMs));
    }
  }
}
