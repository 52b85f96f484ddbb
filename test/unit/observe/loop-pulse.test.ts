import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate, setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { LoopPulse } from "../../../src/observe/loop-pulse.ts";
import type { LoopReport, PulseTarget } from "../../../src/observe/loop-pulse.ts";
import { waitUntil } from "../../support/wait-until.ts";

class Recorder implements PulseTarget {
  readonly beats: number[] = [];
  heldMs = 0;
  onBeat = (): void => {};
  readonly reports: LoopReport[] = [];

  beat(nowMs: number, heldMs: number): void {
    this.beats.push(nowMs);
    this.heldMs = heldMs;
    this.onBeat();
  }

  report(report: LoopReport): void {
    this.reports.push(report);
  }
}

function spinFor(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("beats at once and then again and again, on the clock that threads share, until it is closed", async () => {
  const target = new Recorder();
  const fromMs = monotonicMs();
  const pulse = new LoopPulse(target);
  assert.equal(target.beats.length, 1);
  await waitUntil(() => target.beats.length > 5);
  pulse.close();
  const { length } = target.beats;
  assert.ok(target.beats[0]! >= fromMs && target.beats.at(-1)! <= monotonicMs());
  assert.deepEqual(
    target.beats,
    target.beats.toSorted((one, other) => one - other),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(target.beats.length, length);
});

test("knows by how much its last beat came too late", async (t) => {
  const target = new Recorder();
  const pulse = new LoopPulse(target);
  t.after(() => pulse.close());
  await waitUntil(() => target.beats.length > 1);
  const { length } = target.beats;
  spinFor(200);
  let latenessMs = 0;
  // Read as soon as the beat has come: the one after it is in time again.
  await waitUntil(() => {
    latenessMs ||= target.beats.length > length ? pulse.latenessMs : 0;
    return target.beats.length > length;
  });
  assert.ok(latenessMs > 100, `${latenessMs}`);
  await waitUntil(() => pulse.latenessMs < 50);
});

/** How long the pulse says that `block` held it up, begun half way between two beats, and how long it did, milliseconds. */
async function held(t: TestContext, block: () => Promise<void> | void): Promise<{ toldMs: number; wasMs: number }> {
  const target = new Recorder();
  const pulse = new LoopPulse(target);
  t.after(() => pulse.close());
  // Nothing else is done meanwhile.
  await new Promise<void>((resolve) => (target.onBeat = () => void (target.beats.length > 3 && resolve())));
  await delay(12);
  const fromMs = performance.now();
  await block();
  const wasMs = performance.now() - fromMs;
  const { length } = target.beats;
  let toldMs = target.heldMs;
  await waitUntil(() => {
    toldMs = Math.max(toldMs, target.heldMs);
    return target.beats.length > length;
  });
  return { toldMs, wasMs };
}

test("knows for how long one thing held it up, wherever between two beats that began", async (t) => {
  const tries: string[] = [];
  // Others may have the core at any moment.
  for (let round = 0; round < 10; round++) {
    const { toldMs, wasMs } = await held(t, () => spinFor(60));
    if (Math.abs(toldMs - wasMs) < 5) return;
    tries.push(`${toldMs} of ${wasMs}`);
  }
  assert.fail(tries.join(", "));
});

test("is not held up by many short turns", async (t) => {
  const tries: number[] = [];
  for (let round = 0; round < 10; round++) {
    const { toldMs } = await held(t, async () => {
      for (let turn = 0; turn < 40; turn++) {
        spinFor(5);
        await setImmediate();
      }
    });
    if (toldMs < 25) return;
    tries.push(toldMs);
  }
  assert.fail(tries.join(", "));
});

test("does not add the short turns of a loop that was idle to the long one after them", async (t) => {
  const told: number[] = [];
  for (let round = 0; round < 9; round++) {
    const { toldMs } = await held(t, async () => {
      for (let turn = 0; turn < 6; turn++) {
        spinFor(1.5);
        await setImmediate();
      }
      spinFor(44);
    });
    told.push(toldMs);
  }
  // Others may have the core at any moment.
  assert.ok(told.filter((toldMs) => toldMs < 50).length >= 5, told.join(", "));
});

test("reports about each second how late and how busy the loop was, each time of that second alone", async (t) => {
  const target = new Recorder();
  const pulse = new LoopPulse(target);
  t.after(() => pulse.close());
  spinFor(600);
  await waitUntil(() => target.reports.length === 2);
  const [busy, idle] = target.reports as [LoopReport, LoopReport];
  assert.ok(busy.delayMaxUs >= 500_000 && busy.delayMaxUs >= busy.delayP99Us, JSON.stringify(busy));
  assert.ok(busy.delayP99Us >= busy.delayP50Us && busy.delayP50Us >= 0 && busy.delayP50Us < 100_000);
  assert.ok(busy.utilisation > 0.4 && busy.utilisation <= 1, JSON.stringify(busy));
  assert.ok(idle.delayMaxUs < busy.delayMaxUs && idle.utilisation < busy.utilisation, JSON.stringify(idle));
});

test("does not keep a thread alive", async () => {
  const source = new URL("../../../src/observe/loop-pulse.ts", import.meta.url).href;
  const worker = new Worker(
    `import(${JSON.stringify(source)}).then(({ LoopPulse }) => new LoopPulse({ beat() {}, report() {} }))`,
    { eval: true },
  );
  const [exitCode] = (await once(worker, "exit")) as [number];
  assert.equal(exitCode, 0);
});
