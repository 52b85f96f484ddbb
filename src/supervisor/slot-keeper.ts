/**
 * What Redis grants this process goes to two places: slots of upstreams to the broker, which counts them on the board; all else to
 * the ledger.
 */
import type { LedgerKeeper } from "../limits/ledger-keeper.ts";
import type { Slice, SliceKeeper, SliceReturn } from "../limits/limiter.ts";
import { upstreamOfSlots } from "../limits/owners.ts";

/** The broker, as far as shared caps go. */
export interface SlotHolder {
  /** Slots of the upstream that are out, over all loops. */
  slotsTaken(upstream: string): number;
  /** Sets how many may be. @returns so many, or as many as are out where that is more. */
  setShare(upstream: string, slots: number): number;
}

/** See the file's comment. */
export class SlotKeeper implements SliceKeeper {
  readonly #ledger: LedgerKeeper;
  readonly #holder: SlotHolder;

  constructor(ledger: LedgerKeeper, holder: SlotHolder) {
    this.#ledger = ledger;
    this.#holder = holder;
  }

  grant(slice: Slice): boolean {
    return this.#ledger.grant(slice);
  }

  collect(nowMs: number): SliceReturn[] {
    return this.#ledger.collect(nowMs);
  }

  available(account: number, nowMs: number): number {
    return this.#ledger.available(account, nowMs);
  }

  setGranted(account: number, granted: number): number {
    const upstream = this.#upstreamOf(account);
    if (upstream === undefined) return this.#ledger.setGranted(account, granted);
    return this.#holder.setShare(upstream, granted);
  }

  held(account: number): number {
    const upstream = this.#upstreamOf(account);
    return upstream === undefined ? this.#ledger.held(account) : this.#holder.slotsTaken(upstream);
  }

  #upstreamOf(account: number): string | undefined {
    const definition = this.#ledger.definitionOf(account);
    return definition && upstreamOfSlots(definition);
  }
}
