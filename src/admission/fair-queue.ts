/**
 * Who goes next of those who wait for an upstream: strictly by priority class; in a class fair between tenants, by weight and
 * in tokens (fair-queue-class.ts); in a tenant in the order of arrival. All O(1), but for {@link FairQueue.mostExcessive}.
 */
import { QueueClass } from "./fair-queue-class.ts";
import type { QueueMember } from "./fair-queue-class.ts";

/** From first to last. */
const PRIORITIES = ["interactive", "batch"] as const;

/** While one of a class waits, none of those behind it goes. */
export type Priority = (typeof PRIORITIES)[number];

/** How a member waits. */
export interface QueuePlace {
  readonly priority: Priority;
  /** The tenant's, above 0. */
  readonly weight: number;
}

/** See the file's comment. */
export class FairQueue<Member extends QueueMember> {
  readonly #classes: Readonly<Record<Priority, QueueClass>> = {
    interactive: new QueueClass(),
    batch: new QueueClass(),
  };

  /** How many wait. */
  get size(): number {
    return this.#classes.interactive.size + this.#classes.batch.size;
  }

  /** Adds `member`, which must wait nowhere. */
  enqueue(member: Member, { priority, weight }: QueuePlace): void {
    this.#classes[priority].add(member, weight);
  }

  /** Takes out who goes next; `null` where nobody waits. */
  dequeue(): Member | null {
    for (const priority of PRIORITIES) {
      const member = this.#classes[priority].next();
      if (member !== null) return member as Member;
    }
    return null;
  }

  /** Takes `member` out, wherever it stands. @returns whether it waited. */
  cancel(member: Member): boolean {
    const flow = member.queueFlow;
    if (flow === null) return false;
    flow.class.delete(member);
    return true;
  }

  /** How many go before the last of this tenant and class, as far as can be said now. */
  ahead(tenant: string, priority: Priority): number {
    const ahead = this.#classes[priority].ahead(tenant);
    return priority === "batch" ? ahead + this.#classes.interactive.size : ahead;
  }

  /**
   * Who has to give way where one has come too many, the last of this tenant and class: the newest of the lowest class, of the
   * tenant with the most places for its weight. The newcomer itself where none waits in a lower class and its tenant
   * has its share of the places, or more. So the queue of one who fills it stays open to the others.
   *
   * @param newcomer has been enqueued.
   * @param places how many may wait.
   */
  mostExcessive(newcomer: Member, priority: Priority, places: number): Member {
    const { interactive, batch } = this.#classes;
    if (priority === "interactive" && batch.size > 0) return batch.mostExcessive() as Member;
    const own = priority === "batch" ? batch : interactive;
    if (own.exceedsShare(newcomer.tenant, places - (this.size - own.size))) return newcomer;
    return own.mostExcessive() as Member;
  }
}
