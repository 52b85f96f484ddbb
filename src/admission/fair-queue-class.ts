/**
 * One priority class of the fair queue: deficit round-robin over its tenants (Shreedhar, Varghese: Efficient Fair Queuing Using
 * Deficit Round-Robin, 1995).
 *
 * Tenants stand in a ring. Whose turn it is gets tokens by its weight, and its requests go for as long as these pay for them;
 * what is left it keeps for its next turn, unless nobody of it waits any more.
 *
 * **How much a turn brings** is found anew for each round: the mean cost of what waits, times the tenant's weight over the mean
 * weight. A round thus pays for about as many requests as tenants are visited in it, whatever costs and weights are: one
 * request costs O(1) visits, amortised. And nobody's turn is longer than its share asks for: with a turn that pays for
 * the dearest request, a tenant of small ones would send a hundred of them in a row.
 */
import { LinkedList, ListMember } from "../core/linked-list.ts";

/** One that waits. Extend it. */
export abstract class QueueMember extends ListMember {
  readonly tenant: string;
  /** What it is expected to use, tokens: 1 to {@link MAX_COST}. */
  readonly cost: number;
  /** Whose it is while it waits; the queue's own. */
  queueFlow: Flow | null = null;

  /** @param costTokens anything; brought into range. */
  constructor(tenant: string, costTokens: number) {
    super();
    this.tenant = tenant;
    this.cost = costTokens >= 1 ? Math.ceil(Math.min(costTokens, MAX_COST)) : 1;
  }
}

/** Dearer ones count as this dear. */
const MAX_COST = 1 << 21;

/** All of one tenant that wait in one class. */
export class Flow extends ListMember {
  readonly class: QueueClass;
  readonly tenant: string;
  readonly members = new LinkedList<QueueMember>();
  weight: number;
  /** Sum of the members'. */
  cost = 0;
  /** Came last; wrong while nobody waits. */
  newest: QueueMember | null = null;
  /** Tokens that it may still use. */
  deficit = 0;
  /** The round in which its next turn is; while it has its turn, that round. */
  turn: number;
  hasTurn = false;

  constructor(queueClass: QueueClass, tenant: string, weight: number, turn: number) {
    super();
    this.class = queueClass;
    this.tenant = tenant;
    this.weight = weight;
    this.turn = turn;
  }
}

/** See the file's comment. */
export class QueueClass {
  readonly #flows = new Map<string, Flow>();
  readonly #ring = new LinkedList<Flow>();
  #size = 0;
  #cost = 0;
  #weights = 0;
  #round = 0;
  /** What weight 1 brings in this round, tokens. */
  #quantum = 1;
  /** That was found when there was nobody to share with. */
  #isFirstRound = true;

  /** Members. */
  get size(): number {
    return this.#size;
  }

  /** Adds `member` behind all others of its tenant. `weight` holds for the tenant from here on. */
  add(member: QueueMember, weight: number): void {
    let flow = this.#flows.get(member.tenant);
    if (flow === undefined) {
      flow = new Flow(this, member.tenant, weight, this.#round);
      this.#flows.set(member.tenant, flow);
      this.#ring.add(flow);
      this.#weights += weight;
      this.#isFirstRound ||= this.#ring.size <= 2;
    } else if (flow.weight !== weight) {
      this.#weights += weight - flow.weight;
      flow.weight = weight;
    }
    flow.members.add(member);
    flow.newest = member;
    member.queueFlow = flow;
    this.#count(flow, 1, member.cost);
  }

  /** Takes out whose turn it is; `null` where nobody waits. O(1) amortised: see the file's comment. */
  next(): QueueMember | null {
    for (;;) {
      const flow = this.#ring.first;
      if (flow === null) return null;
      if (!flow.hasTurn) this.#beginTurn(flow);
      const member = flow.members.first!;
      // Alone it owes nobody anything.
      if (flow.deficit >= member.cost || this.#ring.size === 1) {
        flow.deficit = Math.max(0, flow.deficit - member.cost);
        this.delete(member);
        return member;
      }
      flow.hasTurn = false;
      flow.turn = this.#round + 1;
      this.#ring.delete(flow);
      this.#ring.add(flow);
    }
  }

  /** Takes `member` out, which waits here. O(1). */
  delete(member: QueueMember): void {
    const flow = member.queueFlow!;
    const before = member.listPrevious;
    flow.members.delete(member);
    member.queueFlow = null;
    this.#count(flow, -1, -member.cost);
    if (flow.members.size > 0) {
      if (flow.newest === member) flow.newest = before as QueueMember;
      return;
    }
    this.#ring.delete(flow);
    this.#flows.delete(flow.tenant);
    this.#weights -= flow.weight;
  }

  /** How many of this class go before the last of `tenant`, itself not counted; an estimate by costs and weights. O(1). */
  ahead(tenant: string): number {
    const flow = this.#flows.get(tenant);
    if (flow === undefined) return this.#size;
    // While its requests are paid for, so much is paid for all tenants together.
    const paid = (flow.cost * this.#weights) / flow.weight;
    return Math.max(flow.members.size, Math.min(this.#size, Math.ceil(paid / (this.#cost / this.#size)))) - 1;
  }

  /** Whether `tenant` has more places here than its share of `places`. O(1). */
  exceedsShare(tenant: string, places: number): boolean {
    const flow = this.#flows.get(tenant);
    return flow !== undefined && flow.members.size > (places * flow.weight) / this.#weights;
  }

  /** The newest member of the tenant that has the most places for its weight; `null` where nobody waits. O(tenants). */
  mostExcessive(): QueueMember | null {
    let found: Flow | null = null;
    for (const flow of this.#flows.values()) {
      if (found === null || flow.members.size * found.weight > found.members.size * flow.weight) found = flow;
    }
    return found?.newest ?? null;
  }

  #beginTurn(flow: Flow): void {
    // It has had its turn in this round, and so has everybody between it and the end of the ring.
    const isNewRound = flow.turn > this.#round;
    if (isNewRound) this.#round = flow.turn;
    if (isNewRound || this.#isFirstRound) {
      this.#isFirstRound = false;
      this.#quantum = ((this.#cost / this.#size) * this.#ring.size) / this.#weights;
    }
    flow.hasTurn = true;
    flow.deficit += this.#quantum * flow.weight;
  }

  #count(flow: Flow, members: number, cost: number): void {
    flow.cost += cost;
    this.#cost += cost;
    this.#size += members;
  }
}
