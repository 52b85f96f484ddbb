import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import type { ToBroker } from "../../../src/admission/broker-messages.ts";
import type { GatewayError } from "../../../src/core/errors.ts";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { TimerWheel } from "../../../src/core/timer-wheel.ts";
import { AdmissionDesk } from "../../../src/relay/admission-desk.ts";
import { Waiting } from "../../../src/relay/admitted.ts";
import type { Admitted } from "../../../src/relay/admitted.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { admitted, BrokerBed, refused } from "./broker-bed.ts";
import type { Asked } from "./broker-bed.ts";

const QUEUE = "queue: { max_waiting: 100, max_wait: 30s }";

test("while slots are free and nobody waits, they are taken on the spot", (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 2, ${QUEUE}`);
  const asked = [bed.ask(0), bed.ask(1)];
  assert.deepEqual(
    asked.map(({ place }) => place),
    [null, null],
  );
  assert.equal(bed.taken(), 2);
});

test("past the cap a request waits, over all loops, and gets the first slot that is given back", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 1, ${QUEUE}`);
  const first = await bed.slot(0);
  const asked = bed.ask(1);
  await waitUntil(() => bed.cells().waiting === 1);
  assert.deepEqual(bed.broker.readings(), [{ upstream: "up", waiting: 1, taken: 1, cap: 1 }]);
  first.release();
  const second = admitted(await asked.result);
  assert.ok(second.queueMs > 0);
  assert.deepEqual([bed.taken(), bed.cells().waiting], [1, 0]);
  const third = bed.ask(0);
  await waitUntil(() => bed.cells().waiting === 1);
  second.release();
  admitted(await third.result).release();
  await waitUntil(() => bed.taken() === 0);
});

test("an upstream without a cap lets everybody in", async (t) => {
  const bed = new BrokerBed(t, "http2: auto");
  const slots = Array.from({ length: 3000 }, () => bed.slot(0));
  await Promise.all(slots);
  assert.equal(bed.taken(), 3000);
});

test("where nobody may wait, who finds no slot is refused at once, with a time to come back", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_waiting: 0 }");
  const first = await bed.slot(0);
  const { place, result } = bed.ask(1);
  assert.equal(place, null);
  const error = refused(await result);
  assert.equal(error.code, "queue_full");
  assert.equal(error.status, 429);
  assert.ok(error.retryAfterMs! >= 1000 && error.retryAfterMs! <= 60_000);
  first.release();
  (await bed.slot(1)).release();
});

test("a full queue turns away who comes last of the same tenant, and lets in who has less than its share", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_waiting: 3, max_wait: 30s }");
  const first = await bed.slot(0);
  const asked = Array.from({ length: 3 }, () => bed.ask(0, { tenant: "many" }));
  await waitUntil(() => bed.cells().waiting === 3);
  assert.equal(refused(await bed.ask(1, { tenant: "many" }).result).code, "queue_full");
  const other = bed.ask(1, { tenant: "few" });
  // The newest of those who have the most.
  assert.equal(refused(await asked[2]!.result).code, "queue_full");
  assert.equal(bed.cells().waiting, 3);
  const order: string[] = [];
  const note = (name: string, { result }: Asked): Promise<void> =>
    result.then((answer) => {
      order.push(name);
      admitted(answer).release();
    });
  const all = [note("many", asked[0]!), note("many", asked[1]!), note("few", other)];
  first.release();
  await Promise.all(all);
  assert.ok(order.indexOf("few") <= 1, order.join());
});

test("who has waited for max_wait is refused, and not much later", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_wait: 100ms }");
  const first = await bed.slot(0);
  const startedMs = performance.now();
  const error = refused(await bed.ask(1).result);
  assert.equal(error.code, "queue_timeout");
  assert.ok(error.retryAfterMs! >= 1000);
  const waitedMs = performance.now() - startedMs;
  assert.ok(waitedMs >= 99 && waitedMs < 1000, `${waitedMs}`);
  assert.equal(bed.cells().waiting, 0);
  first.release();
  (await bed.slot(1)).release();
});

test("who would wait longer than max_wait, by the rate at which slots come free, is refused at once", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_waiting: 1000, max_wait: 2s }");
  let slot = await bed.slot(0);
  // One slot every 20 ms: 100 in the time that one may wait.
  for (let i = 0; i < 25; i++) {
    const next = bed.ask(0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    slot.release();
    slot = admitted(await next.result);
  }
  const startedMs = performance.now();
  const asked = Array.from({ length: 900 }, () => bed.ask(1));
  const error = refused(await asked.at(-1)!.result);
  const elapsedMs = performance.now() - startedMs;
  assert.equal(error.code, "queue_full");
  assert.ok(elapsedMs < 1900, `${elapsedMs}`);
  assert.ok(bed.cells().waiting >= 5 && bed.cells().waiting < 300, `${bed.cells().waiting}`);
  slot.release();
  assert.ok(admitted(await asked[0]!.result).held);
});

test("a place is free at once when its client leaves, and goes to nobody else's count", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_waiting: 1, max_wait: 30s }");
  const first = await bed.slot(0);
  const left = bed.ask(0);
  await waitUntil(() => bed.cells().waiting === 1);
  left.place!.cancel();
  await waitUntil(() => bed.cells().waiting === 0);
  const next = bed.ask(1);
  await waitUntil(() => bed.cells().waiting === 1);
  first.release();
  admitted(await next.result).release();
  assert.equal(bed.loops[0]!.desk.waiting, 0);
});

test("a grant that crosses the client's leaving is given back", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 1, ${QUEUE}`);
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
  const share = { board: bed.board, row: bed.loops[0]!.row, columns: bed.columns };
  const desk = new AdmissionDesk({ share, config: bed.config, port: port2, wheel });
  const said: ToBroker[] = [];
  const returned = new Promise<void>((resolve) => {
    port1.on("message", (message: ToBroker) => {
      said.push(message);
      // Nothing of the leaving is known when it is granted.
      if (message.kind === "wait") port1.postMessage({ kind: "granted", ticket: message.ticket, upstream: "up" });
      if (message.kind === "returned") resolve();
    });
  });
  bed.cells().waiting = 1;
  const place = desk.admit({ upstream: "up", tenant: "t", weight: 1, priority: "batch", costTokens: 1 }, () =>
    assert.fail("who has left is told"),
  );
  assert.ok(place instanceof Waiting);
  place.cancel();
  place.cancel();
  await returned;
  assert.deepEqual(
    said.map(({ kind }) => kind),
    ["wait", "leave", "returned"],
  );
  assert.deepEqual([desk.waiting, desk.door("up")!.waiting, wheel.size], [0, 0, 0]);
});

test("where the broker is silent nobody waits for it forever", (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_wait: 2s }");
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  let nowMs = 0;
  const wheel = new TimerWheel({ tickMs: 10, slots: 8, now: () => nowMs });
  const share = { board: bed.board, row: bed.loops[0]!.row, columns: bed.columns };
  const desk = new AdmissionDesk({ share, config: bed.config, port: port2, wheel });
  bed.cells().waiting = 1;
  const answers: (Admitted | GatewayError)[] = [];
  desk.admit({ upstream: "up", tenant: "t", weight: 1, priority: "batch", costTokens: 1 }, (answer) => {
    answers.push(answer);
  });
  nowMs = 2999;
  wheel.turn();
  assert.equal(answers.length, 0);
  nowMs = 3010;
  wheel.turn();
  wheel.stop();
  assert.deepEqual(
    answers.map((answer) => refused(answer).code),
    ["queue_timeout"],
  );
  assert.equal(desk.waiting, 0);
});

test("tenants take turns by weight, whichever loops they come by, and batch goes after all of them", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 1, ${QUEUE}`);
  const first = await bed.slot(0);
  const order: string[] = [];
  const all: Promise<void>[] = [];
  const ask = async (loop: number, name: string, request: Parameters<BrokerBed["ask"]>[1]): Promise<void> => {
    const before = bed.cells().waiting;
    const { result } = bed.ask(loop, request);
    all.push(
      result.then((answer) => {
        order.push(name);
        admitted(answer).release();
      }),
    );
    await waitUntil(() => bed.cells().waiting > before);
  };
  await ask(0, "z", { tenant: "z", priority: "batch" });
  for (let i = 0; i < 6; i++) await ask(i % 2, "a", { tenant: "a" });
  for (let i = 0; i < 4; i++) await ask(i % 2, "b", { tenant: "b", weight: 2 });
  first.release();
  await Promise.all(all);
  assert.equal(order.at(-1), "z");
  const sixth = order.slice(0, 6).join("");
  assert.equal(sixth.replaceAll("a", "").length, 4, sixth);
});

test("an upstream that has asked for time is not asked before, and who can't wait so long is refused at once", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 5, queue: { max_wait: 2s }");
  const answer = { status: 429, headers: ["retry-after-ms", "150"], costTokens: 1 };
  bed.loops[0]!.desk.door("up")!.observeAnswer(answer);
  const startedMs = performance.now();
  const asked = [bed.ask(0), bed.ask(1)];
  const slots = await Promise.all(asked.map(({ result }) => result.then(admitted)));
  const waitedMs = performance.now() - startedMs;
  assert.ok(waitedMs >= 149 && waitedMs < 1500, `${waitedMs}`);
  for (const slot of slots) slot.release();
  bed.loops[1]!.desk.door("up")!.observeAnswer({ ...answer, headers: ["retry-after", "40"] });
  const late = bed.ask(0);
  assert.equal(late.place, null);
  const error = refused(await late.result);
  assert.equal(error.code, "upstream_waits");
  assert.ok(error.retryAfterMs! > 39_000 && error.retryAfterMs! <= 50_000, `${error.retryAfterMs}`);
  assert.ok(bed.cells().notBeforeMs > monotonicMs() + 39_000);
});

test("who waits when the upstream asks for time waits for that, and is refused for it at the deadline", async (t) => {
  const bed = new BrokerBed(t, "max_concurrency: 1, queue: { max_wait: 200ms }");
  const first = await bed.slot(0);
  const asked = bed.ask(1);
  await waitUntil(() => bed.cells().waiting === 1);
  bed.loops[0]!.desk.door("up")!.observeAnswer({ status: 429, headers: ["retry-after", "20"], costTokens: 1 });
  first.release();
  const error = refused(await asked.result);
  assert.equal(error.code, "upstream_waits");
  assert.ok(error.retryAfterMs! > 19_000);
});

test("a loop that ends takes its places with it, and what it held goes to those who wait", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 2, ${QUEUE}`, 3);
  const [own, toLose] = [await bed.slot(1), await bed.slot(0)];
  const granted = bed.ask(0);
  await waitUntil(() => bed.cells().waiting === 1);
  own.release();
  admitted(await granted.result);
  // Loop 0 has one of its own and one that was granted.
  assert.equal(toLose.held, true);
  const lost = bed.ask(0);
  const waiting = [bed.ask(1), bed.ask(2), bed.ask(2)];
  await waitUntil(() => bed.cells().waiting === 4);
  bed.kill(bed.loops[0]!);
  const slots = await Promise.all(waiting.slice(0, 2).map(({ result }) => result.then(admitted)));
  assert.deepEqual([bed.taken(), bed.cells().waiting], [2, 1]);
  slots[0]!.release();
  slots.push(admitted(await waiting[2]!.result));
  for (const slot of slots) slot.release();
  await waitUntil(() => bed.taken() === 0);
  // What the dead loop still says is heard by nobody.
  toLose.release();
  lost.place!.cancel();
  assert.equal(bed.taken(), 0);
});

test("a reload changes the cap for those who wait, at once and in both directions", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 1, ${QUEUE}`);
  const slots = [await bed.slot(0)];
  const asked = Array.from({ length: 4 }, () => bed.ask(1));
  await waitUntil(() => bed.cells().waiting === 4);
  bed.reload({ up: `max_concurrency: 3, ${QUEUE}` });
  for (const { result } of asked.slice(0, 2)) slots.push(admitted(await result));
  assert.deepEqual([bed.taken(), bed.cells().waiting], [3, 2]);
  bed.reload({ up: `max_concurrency: 1, ${QUEUE}` });
  slots[0]!.release();
  slots[1]!.release();
  await waitUntil(() => bed.taken() === 1);
  assert.equal(bed.cells().waiting, 2);
  slots[2]!.release();
  const next = admitted(await asked[2]!.result);
  assert.equal(bed.taken(), 1);
  next.release();
  admitted(await asked[3]!.result).release();
  await waitUntil(() => bed.taken() === 0);
});

test("a process that has a part of the cap alone keeps to that, down to nothing", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 3, ${QUEUE}`);
  bed.broker.setShare("up", 0);
  const asked = Array.from({ length: 3 }, () => bed.ask(0));
  await waitUntil(() => bed.cells().waiting === 3);
  bed.broker.setShare("up", 2);
  for (const { result } of asked.slice(0, 2)) admitted(await result);
  assert.deepEqual(bed.broker.readings(), [{ upstream: "up", waiting: 1, taken: 2, cap: 2 }]);
  bed.broker.setShare("up", Infinity);
  admitted(await asked[2]!.result);
  assert.deepEqual([bed.taken(), bed.cells().cap], [3, 3]);
});

test("who waits for an upstream that a reload takes away is served by what it was, and its column is clean for the next", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: 1, ${QUEUE}`);
  const cells = bed.cells();
  const first = await bed.slot(0);
  const asked = bed.ask(1);
  await waitUntil(() => cells.waiting === 1);
  bed.reload({ other: "max_concurrency: 7" });
  first.release();
  const second = admitted(await asked.result);
  second.release();
  await waitUntil(() => bed.board.claimedRows().every((row) => row.count(0) + row.count(1) === 0));
  bed.broker.forget(bed.directory.retire());
  assert.deepEqual([cells.cap, cells.waiting], [Infinity, 0]);
  assert.deepEqual(
    bed.broker.readings().map(({ upstream, cap }) => [upstream, cap]),
    [["other", 7]],
  );
  // The desks know it until the config after the next.
  bed.reload({ other: "max_concurrency: 7" });
  assert.equal(refused(await bed.ask(0).result).code, "internal");
});

test("what the loops see of an upstream moves its cap, which every loop goes by", async (t) => {
  const bed = new BrokerBed(t, `max_concurrency: { adaptive: { min: 2, max: 50 } }, ${QUEUE}`);
  assert.equal(bed.cells().cap, 2);
  const slots: Admitted[] = [await bed.slot(0), await bed.slot(1)];
  const asked = Array.from({ length: 20 }, () => bed.ask(0));
  const all = Promise.all(asked.map(({ result }) => result.then((answer) => slots.push(admitted(answer)))));
  const timer = setInterval(() => {
    for (const { desk } of bed.loops) for (let i = 0; i < 10; i++) desk.door("up")!.observeFirstToken(100, 200);
  }, 50);
  t.after(() => clearInterval(timer));
  await waitUntil(() => bed.cells().cap > 2);
  clearInterval(timer);
  const grown = bed.cells().cap;
  await waitUntil(() => slots.length >= Math.min(22, grown));
  for (let i = 0; i < 5; i++) bed.loops[1]!.desk.door("up")!.observeAnswer({ status: 503, headers: [], costTokens: 1 });
  await waitUntil(() => bed.cells().cap < grown);
  for (const slot of slots) slot.release();
  slots.length = 0;
  const drained = setInterval(() => {
    for (const slot of slots.splice(0)) slot.release();
  }, 5);
  t.after(() => clearInterval(drained));
  await all;
});
