/**
 * The caps of one tenant or upstream: how many requests this process may have under way at a time. Slots are leased for some
 * seconds and renewed for as long as they are held, so those of a process that is gone come back by themselves.
 *
 * While Redis does not answer, the slots that are held stay this process's, to be used again as requests end. Redis may have handed them to others
 * by the time that it answers again: so long, and until those requests end, as many too many can be under way.
 */
import { monotonicMs } from "../../core/monotonic-clock.ts";
import type { Charge } from "../limiter.ts";
import { LeaseWaiter } from "./lease-waiter.ts";
import type { LeaseResult } from "./lease-waiter.ts";
import { LEASE_SLOTS } from "./lua/lease-slots.ts";
import { keyOf } from "./shared-account.ts";
import type { GroupContext, SharedAccount } from "./shared-account.ts";
import { CALL_DEADLINE_MS } from "./redis-link.ts";
import { REST_MS, SETTLE_MS, SLOTS_MS, SLOTS_RENEW_MS } from "./timing.ts";

/** Requests that wait for one group. */
const MAX_WAITING = 4096;
/** Beside those in use a process has a quarter more at hand, where there are so many. */
const HEADROOM = 0.25;
/** Who was refused and is still there asks again within so long, milliseconds. */
const MISSED_MS = 300;
/** For how long it is believed that there are no slots, milliseconds. */
const NONE_MS = 50;
/** Numbers of an answer for each cap. */
const CAP_NUMBERS = 4;

/** What this process has of one cap. */
interface Cap {
  index: number;
  readonly name: string;
  cap: number;
  granted: number;
  /** When Redis gives its slots to others, as far as is known here. */
  lapsesMs: number;
  renewMs: number;
  /** Held when it was renewed last. */
  held: number;
  /** More are held by all than there are. */
  isOver: boolean;
  /** What others asked for in vain that have less than a share, and how many a share is. */
  unmet: number;
  share: number;
  /** What requests asked for in vain, and when the last of them did. */
  missed: number;
  missedMs: number;
  /** Until then Redis is not asked for more: it had none a moment ago. */
  noneUntilMs: number;
}

/** See the file's comment. */
export class SlotGroup {
  readonly name: string;
  readonly #context: GroupContext;
  readonly #caps = new Map<string, Cap>();
  #waiting: LeaseWaiter[] = [];
  #asks = false;
  #asked: Promise<void> = Promise.resolve();

  constructor(name: string, context: GroupContext) {
    this.name = name;
    this.#context = context;
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return this.#caps.size === 0 && this.#waiting.length === 0 && !this.#asks;
  }

  /** Gets the slots that `needs` asks for besides those that are granted. Answers once, in 50 ms at most. */
  lease(needs: readonly Charge[], done: (result: LeaseResult) => void): void {
    const { link, wheel } = this.#context;
    if (link.state !== "closed") return done({ kind: "unavailable", retryInMs: link.retryInMs });
    if (this.#waiting.length >= MAX_WAITING) return done({ kind: "unavailable", retryInMs: REST_MS });
    const nowMs = monotonicMs();
    const none = needs.find(({ account }) => nowMs < (this.#capOf(account)?.noneUntilMs ?? 0));
    if (none !== undefined) return done(this.#shortage(none));
    this.#waiting.push(new LeaseWaiter(needs, wheel, done));
    this.#ask();
  }

  /** Redis may have lost what it knew: what is held is said at once. */
  restore(): void {
    for (const cap of this.#caps.values()) cap.renewMs = 0;
    this.#ask();
  }

  /** To be called every `TURN_MS`: renews what is due. */
  turn(nowMs: number): void {
    for (const cap of this.#caps.values()) if (this.#isDue(cap, nowMs)) return this.#ask();
  }

  /** Gives back all that is not in use. Resolves when that has been said, or can't be. */
  async flush(): Promise<void> {
    this.close();
    await this.#asked;
    for (const cap of this.#caps.values()) Object.assign(cap, { renewMs: 0, isOver: true, missed: 0 });
    this.#ask();
    await this.#asked;
  }

  /** Nobody waits any more. */
  close(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.answer({ kind: "unavailable", retryInMs: 0 });
  }

  #isDue(cap: Cap, nowMs: number): boolean {
    return nowMs >= cap.renewMs || cap.unmet > 0 || cap.missed > 0;
  }

  /** Asks until nobody waits; does nothing while it does so already. */
  #ask(): void {
    if (this.#asks) return;
    this.#asks = true;
    this.#asked = this.#askAll();
  }

  async #askAll(): Promise<void> {
    try {
      do {
        if (this.#context.link.state !== "closed") return this.#giveUp();
        await this.#leaseOnce();
      } while (this.#waiting.length > 0);
    } finally {
      this.#asks = false;
    }
  }

  #giveUp(): void {
    const { retryInMs } = this.#context.link;
    for (const waiter of this.#waiting.splice(0)) waiter.answer({ kind: "unavailable", retryInMs });
  }

  async #leaseOnce(): Promise<void> {
    const { link, account, process, doubts } = this.#context;
    const askedMs = monotonicMs();
    const waiters: LeaseWaiter[] = [];
    for (const waiter of this.#waiting.splice(0)) {
      if (!waiter.waits) continue;
      if (waiter.needs.every(({ account: index }) => account(index)?.group === this.name)) waiters.push(waiter);
      else waiter.answer({ kind: "unavailable", retryInMs: 0 });
    }
    const needs = new Map<Cap, number>();
    for (const { needs: charges } of waiters) {
      for (const { account: index, amount } of charges) {
        const cap = this.#cap(index, account(index)!);
        needs.set(cap, (needs.get(cap) ?? 0) + amount);
      }
    }
    for (const cap of this.#caps.values()) {
      const known = account(cap.index);
      if (known?.name !== cap.name) {
        this.#caps.delete(cap.name);
        continue;
      }
      // A reload may have changed it, and who has enough asks for nothing.
      cap.cap = known.limit;
      if (!needs.has(cap) && this.#isDue(cap, askedMs)) needs.set(cap, this.#stillMissed(cap, askedMs));
    }
    if (needs.size === 0) return;
    const args: (string | number)[] = [process, SLOTS_MS];
    const before = new Map<Cap, number>();
    // Who does not know what others hold takes nothing until they have said it.
    const isCautious = doubts();
    for (const [cap, amount] of needs) {
      before.set(cap, cap.granted);
      const { keeps, more } = this.#plan(cap, askedMs);
      // Requests count on what was granted when they asked: what is given up is theirs to ask for, too.
      const asked = amount === 0 ? 0 : amount + before.get(cap)! - keeps;
      args.push(cap.cap, keeps, isCautious ? 0 : asked, isCautious ? 0 : more);
    }
    const keys = [...needs.keys()].map(({ name }) => keyOf(this.name, `slots:${name}`));
    const answer = (await link.run(LEASE_SLOTS, keys, args)) as readonly number[] | null;
    if (answer === null) {
      // The next turn tries again; what is held is held.
      for (const waiter of waiters)
        waiter.answer({ kind: "unavailable", retryInMs: Math.max(CALL_DEADLINE_MS, link.retryInMs) });
      return;
    }
    this.#onAnswer({ needs, before, answer, askedMs });
    if (isCautious) for (const waiter of waiters) waiter.answer({ kind: "unavailable", retryInMs: SETTLE_MS });
    else this.#serve(waiters, before);
  }

  /** One for those who asked in vain, as long as they do: so Redis knows that somebody waits. */
  #stillMissed(cap: Cap, nowMs: number): number {
    return cap.missed > 0 && nowMs - cap.missedMs < MISSED_MS ? 1 : 0;
  }

  /** What to go on holding, and how many more to have at hand. */
  #plan(cap: Cap, nowMs: number): { readonly keeps: number; readonly more: number } {
    const { keeper } = this.#context;
    const held = keeper.held(cap.index);
    // Slots of a lapsed lease that are not in use may be somebody else's by now.
    const hasLapsed = nowMs >= cap.lapsesMs || cap.isOver;
    const most = Math.max(held, cap.held);
    const target = hasLapsed ? held : most + Math.floor(most * HEADROOM);
    const wanted = cap.unmet > 0 ? Math.min(held, cap.share) : target;
    cap.held = held;
    // Lowered before it is said, so that no loop takes what somebody else gets.
    if (wanted < cap.granted) cap.granted = keeper.setGranted(cap.index, wanted);
    const keeps = cap.granted;
    return { keeps, more: cap.unmet > 0 ? 0 : Math.max(0, target - keeps) };
  }

  #onAnswer({
    needs,
    before,
    answer,
    askedMs,
  }: {
    readonly needs: ReadonlyMap<Cap, number>;
    readonly before: ReadonlyMap<Cap, number>;
    readonly answer: readonly number[];
    readonly askedMs: number;
  }): void {
    const { keeper, account } = this.#context;
    [...needs].forEach(([cap, amount], i) => {
      const [slots, free, unmet, share] = answer.slice(i * CAP_NUMBERS) as [number, number, number, number];
      Object.assign(cap, {
        lapsesMs: askedMs + SLOTS_MS,
        renewMs: askedMs + SLOTS_RENEW_MS,
        isOver: free < 0,
        unmet,
        share,
      });
      cap.missed = Math.max(0, before.get(cap)! + amount - slots);
      if (cap.missed > 0 && free <= 0) cap.noneUntilMs = monotonicMs() + NONE_MS;
      cap.granted = slots;
      // While others wait for their share, what ends here beyond a share is not begun again but given up at the next turn.
      if (account(cap.index)?.name !== cap.name) this.#caps.delete(cap.name);
      else keeper.setGranted(cap.index, unmet > 0 ? Math.min(slots, share) : slots);
      if (slots === 0 && cap.held === 0 && amount === 0) this.#caps.delete(cap.name);
    });
  }

  /** Hands what was gained to those who wait, in their order. */
  #serve(waiters: readonly LeaseWaiter[], before: ReadonlyMap<Cap, number>): void {
    const gained = new Map([...before].map(([cap, granted]) => [cap.name, cap.granted - granted]));
    const { account } = this.#context;
    for (const waiter of waiters) {
      const name = (index: number): string => account(index)?.name ?? "";
      const missing = waiter.needs.find(({ account: index, amount }) => (gained.get(name(index)) ?? 0) < amount);
      if (missing === undefined) {
        for (const { account: index, amount } of waiter.needs)
          gained.set(name(index), gained.get(name(index))! - amount);
        waiter.answer({ kind: "granted" });
        continue;
      }
      waiter.answer(this.#shortage(missing));
    }
  }

  #shortage({ account: index, amount }: Charge): LeaseResult {
    const cap = this.#capOf(index);
    if (cap !== undefined) cap.missedMs = monotonicMs();
    const limit = cap?.cap ?? 0;
    return { kind: "shortage", account: index, asked: amount, limit, remaining: 0, freeInMs: null };
  }

  #capOf(index: number): Cap | undefined {
    return this.#caps.get(this.#context.account(index)?.name ?? "");
  }

  #cap(index: number, { name, limit }: SharedAccount): Cap {
    let cap = this.#caps.get(name);
    if (cap === undefined) {
      cap = {
        index,
        name,
        cap: limit,
        granted: 0,
        lapsesMs: Infinity,
        renewMs: 0,
        held: 0,
        isOver: false,
        unmet: 0,
        share: limit,
        missed: 0,
        missedMs: 0,
        noneUntilMs: 0,
      };
      this.#caps.set(name, cap);
    }
    cap.index = index;
    cap.cap = limit;
    return cap;
  }
}
