/**
 * A loop's side of limits: which hold for a request, and reserving in them. What this process lacks of a limit that it shares with
 * others is asked for on the main thread, which is answered in a few milliseconds or not at all.
 */
import type { ConfigSnapshot } from "../config/snapshot.ts";
import type { Accounts } from "../limits/accounts.ts";
import { LearntBound } from "../limits/learnt-bound.ts";
import type { Charge, Limiter } from "../limits/limiter.ts";
import { LimitPlan } from "../limits/plan.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";

/** Models whose answers' lengths are learnt; past it the first ones are forgotten. */
const MAX_LEARNT = 10_000;

/** What a desk is made with. */
export interface LimitsDeskOptions {
  readonly config: ConfigSnapshot;
  /** Of the config and of the keys that are known. */
  readonly accounts: Accounts;
  readonly limiter: Limiter;
  /** Asks the main thread for more of shared accounts; what comes back is for {@link LimitsDesk.leased}. */
  readonly ask: (ticket: number, needs: readonly Charge[]) => void;
}

/** Who waits for more of a shared account. */
export class LeaseTicket {
  readonly #forget: () => void;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** Nobody waits any more. */
  cancel(): void {
    this.#forget();
  }
}

/** See the file's comment. */
export class LimitsDesk {
  readonly limiter: Limiter;
  readonly #ask: LimitsDeskOptions["ask"];
  readonly #waiting = new Map<number, (result: LeaseResult) => void>();
  readonly #bounds = new Map<string, LearntBound>();
  #plan: LimitPlan;
  #nextTicket = 0;

  constructor({ config, accounts, limiter, ask }: LimitsDeskOptions) {
    this.limiter = limiter;
    this.#ask = ask;
    this.#plan = new LimitPlan(config, accounts);
  }

  get plan(): LimitPlan {
    return this.#plan;
  }

  /** Another config, or other keys, with their accounts. */
  reload(config: ConfigSnapshot, accounts: Accounts): void {
    this.#plan = new LimitPlan(config, accounts);
  }

  /** Those of new keys, which are about to be known. */
  addAccounts(accounts: Accounts): void {
    this.#plan.add(accounts);
  }

  /** How long the answers of a model are. */
  bound(model: string): LearntBound {
    let bound = this.#bounds.get(model);
    if (bound === undefined) {
      if (this.#bounds.size >= MAX_LEARNT) this.#bounds.delete(this.#bounds.keys().next().value!);
      this.#bounds.set(model, (bound = new LearntBound()));
    }
    return bound;
  }

  /** Asks for more of shared accounts. @param done called once, unless it is cancelled before. */
  lease(needs: readonly Charge[], done: (result: LeaseResult) => void): LeaseTicket {
    const ticket = this.#nextTicket++;
    this.#waiting.set(ticket, done);
    this.#ask(ticket, needs);
    return new LeaseTicket(() => this.#waiting.delete(ticket));
  }

  /** The main thread's answer. */
  leased(ticket: number, result: LeaseResult): void {
    const done = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    done?.(result);
  }
}
