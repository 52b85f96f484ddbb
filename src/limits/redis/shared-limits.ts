/**
 * Limits that hold over several processes, by way of Redis; the main thread's. Loops reserve from what this process was granted
 * (shared memory, through the {@link SliceKeeper}); who finds too little there asks here for more.
 *
 * **What holds.** While Redis answers: in any window what all processes use together is within the limit, and no more requests
 * are under way than a cap allows; except for what requests use beyond what they reserved, which counts from then on. While
 * it does not, each process goes on with the slices it holds until these end ({@link SLICE_MS}) and with the slots it holds; then
 * requests are refused, at once. Nobody waits for Redis for longer than 50 ms.
 *
 * **By how much a limit can be passed**
 * - *Slow, gone, and back with what it knew*: windows by nothing, since whatever is used was counted before it was granted. Caps by
 *   the slots in use whose lease ended while their process was cut off, until those requests end.
 * - *Back with nothing* (restarted without persistence): every process says again what it has leased, and nobody gets anything for
 *   {@link SETTLE_MS} after the first. So by nothing where all are back by then; otherwise by what those that are not have leased
 *   in the window, which is never more than the limit.
 * - *Emptied under connections that stay* (`FLUSHALL`), or followed by a replica that had not got all: by what is leased until each
 *   process has made its next call, or was leased in what the replica had not got.
 *
 * What processes hold for requests to come is less than half of what is left of a limit, and is back {@link SLICE_MS} later.
 */
import { randomBytes } from "node:crypto";
import { monotonicMs } from "../../core/monotonic-clock.ts";
import { TimerWheel } from "../../core/timer-wheel.ts";
import type { Charge, SliceKeeper, SliceReturn } from "../limiter.ts";
import type { BreakerState } from "./breaker.ts";
import type { LeaseResult } from "./lease-waiter.ts";
import { RedisLink } from "./redis-link.ts";
import type { GroupContext, SharedAccount } from "./shared-account.ts";
import { SliceGroup } from "./slice-group.ts";
import { SlotGroup } from "./slot-group.ts";
import { REST_MS, SETTLE_MS, SLICE_MS, TURN_MS } from "./timing.ts";

/** Resolution of a waiting request's deadline, milliseconds. */
const TICK_MS = 5;
const WHEEL_SLOTS = 32;
/** At the end nobody waits for it but the process: what is not given back by then is used up for as long as its window. */
const LAST_WORDS_MS = 1000;

interface SharedLimitsOptions {
  /** `store.redis`. Never logged: it may hold a password. */
  readonly url: string;
  /** Of the ledger that the loops reserve in. */
  readonly keeper: SliceKeeper;
  /** The account of an index as the config has it now; `undefined` where it is not shared, or gone. */
  readonly account: (index: number) => SharedAccount | undefined;
  /** Every change of the breaker: for the metric and the log. @param reason why it opened. */
  readonly onState: (state: BreakerState, reason: string | null) => void;
}

/** See the file's comment. */
export class SharedLimits {
  readonly #options: SharedLimitsOptions;
  readonly #context: GroupContext;
  readonly #link: RedisLink;
  readonly #wheel = new TimerWheel({ tickMs: TICK_MS, slots: WHEEL_SLOTS, now: monotonicMs });
  readonly #slices = new Map<string, SliceGroup>();
  readonly #slots = new Map<string, SlotGroup>();
  readonly #timer: NodeJS.Timeout;
  #collectedMs = 0;
  #isOther = false;
  #doubtsUntilMs = -Infinity;
  #onClosed: (() => void) | null = null;

  constructor(options: SharedLimitsOptions) {
    this.#options = options;
    this.#link = new RedisLink({
      url: options.url,
      onConnected: (isOther) => {
        if (!isOther) return;
        this.#isOther = true;
        this.#doubtsUntilMs = monotonicMs() + SETTLE_MS;
      },
      onState: (state, reason) => this.#onState(state, reason),
    });
    this.#context = {
      process: randomBytes(6).toString("hex"),
      link: this.#link,
      keeper: options.keeper,
      wheel: this.#wheel,
      account: options.account,
      doubts: () => monotonicMs() < this.#doubtsUntilMs,
    };
    this.#timer = setInterval(() => this.#turn(), TURN_MS);
    this.#timer.unref();
  }

  /** `closed` while Redis answers. */
  get state(): BreakerState {
    return this.#link.state;
  }

  /** What went wrong last between here and Redis, for the log. */
  get reason(): string | null {
    return this.#link.reason;
  }

  /** Resolves when Redis has answered for the first time, and after `timeoutMs` anyhow. @returns whether it has. */
  connected(timeoutMs: number): Promise<boolean> {
    if (this.state === "closed") return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onClosed = null;
        resolve(this.state === "closed");
      };
      const timer = setTimeout(done, timeoutMs);
      this.#onClosed = done;
    });
  }

  /**
   * Gets more of shared accounts: what a loop's `Refill` says it lacks. Resolves in 50 ms at most, and never rejects.
   *
   * @param needs whole amounts; each account at most once. What is not known as shared any more counts as granted: the config
   * has changed, and who asks looks again.
   * @returns `granted`: it is with the keeper; to reserve is to be tried again, and may find that another request was faster.
   */
  async lease(needs: readonly Charge[]): Promise<LeaseResult> {
    const bySlices = new Map<string, Charge[]>();
    const bySlots = new Map<string, Charge[]>();
    for (const need of needs) {
      const account = this.#options.account(need.account);
      if (account === undefined) continue;
      const parts = account.windowMs === null ? bySlots : bySlices;
      const part = parts.get(account.group);
      if (part === undefined) parts.set(account.group, [need]);
      else part.push(need);
    }
    const results = await Promise.all([
      ...[...bySlices].map(
        ([group, part]) => new Promise<LeaseResult>((done) => this.#sliceGroup(group).lease(part, done)),
      ),
      ...[...bySlots].map(
        ([group, part]) => new Promise<LeaseResult>((done) => this.#slotGroup(group).lease(part, done)),
      ),
    ]);
    return (
      results.find(({ kind }) => kind === "shortage") ??
      results.find(({ kind }) => kind === "unavailable") ?? { kind: "granted" }
    );
  }

  /** Hands on what a loop settled too late for the slice that it was taken from (the ledger's `onLateReturn`). */
  giveBack(returns: readonly SliceReturn[]): void {
    for (const { account: index, mark, amount } of returns) {
      const account = this.#options.account(index);
      if (account === undefined || account.windowMs === null) continue;
      this.#sliceGroup(account.group).takeBack(index, account, mark, amount);
    }
  }

  /** Gives back all that is not in use, for which it waits a moment, and lets go of Redis. For when no loop runs any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    // By then all slices have ended, and nobody uses them any more.
    this.giveBack(this.#options.keeper.collect(monotonicMs() + SLICE_MS));
    const flushed = Promise.all([...this.#slices.values(), ...this.#slots.values()].map((group) => group.flush()));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([flushed, new Promise((resolve) => (timer = setTimeout(resolve, LAST_WORDS_MS)))]);
    clearTimeout(timer);
    for (const group of [...this.#slices.values(), ...this.#slots.values()]) group.close();
    this.#link.close();
    this.#wheel.stop();
  }

  #sliceGroup(name: string): SliceGroup {
    let group = this.#slices.get(name);
    if (group === undefined) this.#slices.set(name, (group = new SliceGroup(name, this.#context)));
    return group;
  }

  #slotGroup(name: string): SlotGroup {
    let group = this.#slots.get(name);
    if (group === undefined) this.#slots.set(name, (group = new SlotGroup(name, this.#context)));
    return group;
  }

  #onState(state: BreakerState, reason: string | null): void {
    this.#options.onState(state, reason);
    if (state !== "closed") return;
    if (this.#isOther) for (const group of [...this.#slices.values(), ...this.#slots.values()]) group.restore();
    this.#isOther = false;
    this.#onClosed?.();
  }

  #turn(): void {
    const nowMs = monotonicMs();
    for (const group of this.#slots.values()) {
      group.turn(nowMs);
      if (group.isIdle) this.#slots.delete(group.name);
    }
    if (nowMs - this.#collectedMs < REST_MS) return;
    this.#collectedMs = nowMs;
    // First: a slice that has ended and is not given back yet would look like one that was used.
    this.giveBack(this.#options.keeper.collect(nowMs));
    for (const group of this.#slices.values()) {
      group.turn(nowMs);
      if (group.isIdle) this.#slices.delete(group.name);
    }
  }
}
