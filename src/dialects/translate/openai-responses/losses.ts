/** Gathers what a request says that has no place elsewhere. */
import type { Loss } from "../translation.ts";

/** The losses of one request. */
export class Losses {
  readonly list: Loss[] = [];

  /** @param field its path. @param reason in the caller's words. */
  add(field: string, reason: string): void {
    this.list.push({ field, reason });
  }

  /** Losing it would falsify the conversation: see {@link Loss}. */
  essential(field: string, reason: string): void {
    this.list.push({ field, reason, essential: true });
  }
}
