/**
 * `npm run bench:queue`: nanoseconds per operation of the fair queue with 10,000 that wait, each the median of several rounds.
 */
import { QueueMember } from "../../admission/fair-queue-class.ts";
import { FairQueue } from "../../admission/fair-queue.ts";

const WAITERS = 10_000;
const ROUNDS = 15;
/** What is asked of each operation. */
const TARGET_NS = 5000;

class Waiter extends QueueMember {}

for (const tenants of [1, 10, 1000]) {
  report(`enqueue, ${tenants} tenants`, tenants, (queue, waiters) => {
    for (const waiter of waiters) queue.enqueue(waiter, placeOf(waiter));
  });
  reportFull(`dequeue, ${tenants} tenants`, tenants, (queue) => {
    for (let i = 0; i < WAITERS; i++) queue.dequeue();
  });
  reportFull(`cancel, ${tenants} tenants`, tenants, (queue, waiters) => {
    for (const waiter of waiters) queue.cancel(waiter);
  });
  reportFull(`how many are ahead, ${tenants} tenants`, tenants, (queue, waiters) => {
    for (const { tenant } of waiters) queue.ahead(tenant, "interactive");
  });
}

/** Weights from 1 to 5. */
function placeOf({ tenant }: Waiter): { readonly priority: "interactive"; readonly weight: number } {
  return { priority: "interactive", weight: 1 + (Number(tenant) % 5) };
}

/** Costs from 50 to 100,000 tokens, most of them small. */
function makeWaiters(tenants: number): Waiter[] {
  return Array.from(
    { length: WAITERS },
    (_, i) => new Waiter(String(i % tenants), Math.round(50 * 2000 ** ((((i * 7919) % WAITERS) / WAITERS) ** 3))),
  );
}

type Work = (queue: FairQueue<Waiter>, waiters: readonly Waiter[]) => void;

/** @param prepare is not timed. */
function report(name: string, tenants: number, work: Work, prepare: Work = () => {}): void {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const queue = new FairQueue<Waiter>();
    const waiters = makeWaiters(tenants);
    prepare(queue, waiters);
    const startedNs = process.hrtime.bigint();
    work(queue, waiters);
    return Number(process.hrtime.bigint() - startedNs) / WAITERS;
  });
  const ns = rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
  const verdict = ns < TARGET_NS ? "" : `   over ${TARGET_NS}`;
  process.stdout.write(`${name.padEnd(44)}${ns.toFixed(0).padStart(8)} ns${verdict}\n`);
}

function reportFull(name: string, tenants: number, work: Work): void {
  report(name, tenants, work, (queue, waiters) => {
    for (const waiter of waiters) queue.enqueue(waiter, placeOf(waiter));
  });
}
