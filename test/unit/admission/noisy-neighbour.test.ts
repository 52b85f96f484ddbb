/** What one tenant waits while another offers many times its share: the fair queue in a simulated upstream, event by event. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueMember } from "../../../src/admission/fair-queue-class.ts";
import { FairQueue } from "../../../src/admission/fair-queue.ts";

class Request extends QueueMember {
  readonly arrivedMs: number;

  constructor(tenant: string, arrivedMs: number) {
    super(tenant, 1000);
    this.arrivedMs = arrivedMs;
  }
}

interface Load {
  readonly tenant: string;
  readonly weight: number;
  /** Requests that come together. */
  readonly burst: number;
  /** Between bursts, on average. */
  readonly everyMs: number;
}

const SERVICE_MS = 1000;
const DURATION_MS = 400_000;
const MAX_WAITING = 1000;

/** The same numbers in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @returns the waits of tenant `b`, milliseconds, in rising order; all that it asked for is among them. */
function waitsOfB(slots: number, loads: readonly Load[]): number[] {
  // Each tenant's arrivals, and the time that requests take, are the same whoever else is there.
  const arrivals = loads.map(({ tenant }) => numbers(tenant.charCodeAt(0)));
  const service = numbers(1);
  const exponential = (random: () => number, meanMs: number): number => -Math.log(1 - random()) * meanMs;
  const queue = new FairQueue<Request>();
  const waits: number[] = [];
  const ends: number[] = [];
  const next = loads.map(({ everyMs }, i) => exponential(arrivals[i]!, everyMs));
  const asked = { b: 0 };
  const dispatch = (nowMs: number): void => {
    while (ends.length < slots) {
      const request = queue.dequeue();
      if (request === null) return;
      if (request.tenant === "b") waits.push(nowMs - request.arrivedMs);
      ends.push(nowMs + exponential(service, SERVICE_MS));
      ends.sort((x, y) => x - y);
    }
  };
  for (;;) {
    const arrivalMs = Math.min(...next);
    const nowMs = Math.min(ends[0] ?? Infinity, arrivalMs);
    if (nowMs > DURATION_MS) break;
    if (nowMs === arrivalMs) {
      const which = next.indexOf(arrivalMs);
      const { tenant, weight, burst, everyMs } = loads[which]!;
      next[which] = arrivalMs + exponential(arrivals[which]!, everyMs);
      for (let i = 0; i < burst; i++) {
        if (tenant === "b") asked.b++;
        const request = new Request(tenant, nowMs);
        queue.enqueue(request, { priority: "interactive", weight });
        dispatch(nowMs);
        if (queue.size > MAX_WAITING) queue.cancel(queue.mostExcessive(request, "interactive", MAX_WAITING));
      }
    } else {
      ends.shift();
      dispatch(nowMs);
    }
  }
  for (let left = queue.dequeue(); left !== null; left = queue.dequeue()) {
    if (left.tenant === "b") waits.push(DURATION_MS - left.arrivedMs);
  }
  assert.equal(waits.length, asked.b, "some of b were turned away");
  return waits.sort((x, y) => x - y);
}

const p99 = (waits: readonly number[]): number => waits[Math.floor(waits.length * 0.99)]!;

for (const { name, slots, share, b } of [
  { name: "a steady flow", slots: 20, share: 0.5, b: { weight: 1, burst: 1, everyMs: 118 } },
  { name: "bursts of thirty", slots: 20, share: 0.5, b: { weight: 1, burst: 30, everyMs: 4000 } },
  {
    name: "a flow with three quarters of the weight",
    slots: 20,
    share: 0.75,
    b: { weight: 3, burst: 5, everyMs: 400 },
  },
]) {
  test(`who offers 50 times its share does not double what ${name} of another waits at p99, nor turn any of it away`, () => {
    const neighbour = { tenant: "a", weight: 1, burst: 50, everyMs: (50 * SERVICE_MS) / (50 * slots * (1 - share)) };
    const mine = { tenant: "b", ...b };
    const alone = waitsOfB(slots * share, [mine]);
    const beside = waitsOfB(slots, [neighbour, mine]);
    assert.ok(alone.length > 1000);
    assert.ok(
      p99(beside) < 2 * p99(alone),
      `alone ${p99(alone).toFixed(0)} ms, beside it ${p99(beside).toFixed(0)} ms`,
    );
  });
}

test("bursts of who has most of the weight wait less than twice as long as with the whole upstream to themselves", () => {
  const mine = { tenant: "b", weight: 4, burst: 120, everyMs: 20_000 };
  const neighbour = { tenant: "a", weight: 1, burst: 50, everyMs: 50 * 5 };
  const alone = waitsOfB(20, [mine]);
  const beside = waitsOfB(20, [neighbour, mine]);
  assert.ok(p99(beside) < 2 * p99(alone), `alone ${p99(alone).toFixed(0)} ms, beside it ${p99(beside).toFixed(0)} ms`);
});
