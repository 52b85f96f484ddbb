/** Loops that die at each single step of what they do in the ledger. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import type { Reservation } from "../../../src/limits/limiter.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { DeadlyMemory } from "./deadly-memory.ts";
import { budget, charge, gauge, rate, readLedger, reserved, shared } from "./ledger-parts.ts";
import type { AccountCells } from "./ledger-parts.ts";

const DEFINITIONS = [
  rate("a", 100, 600),
  budget("b", 100, 1200),
  gauge("c", 10),
  shared(rate("d", 100, 600)),
  rate("e", 100, 600),
];
const ALL = charge(5, 6, 1, 12, 7);

interface Scene {
  readonly keeper: LedgerKeeper;
  readonly doomed: Ledger;
  readonly deadly: DeadlyMemory;
  /** What the doomed one has reserved before. */
  readonly earlier: Reservation;
  readonly other: Ledger;
}

/** Something has been used, some of it has passed by the time of what follows. */
function setUp(): Scene {
  const keeper = new LedgerKeeper({ rows: 3, accounts: 8 });
  keeper.define(DEFINITIONS);
  const deadly = new DeadlyMemory(keeper.buffer);
  const doomed = new Ledger(deadly.memory, keeper.claimRow());
  const other = Ledger.attach(keeper.buffer, keeper.claimRow());
  keeper.grant({ account: 3, amount: 20, mark: 7, expiresMs: 5000 });
  keeper.grant({ account: 3, amount: 10, mark: 8, expiresMs: 4000 });
  keeper.grant({ account: 3, amount: 10, mark: 9, expiresMs: 6000 });
  reserved(other.reserve(ALL, 15)).settle([5, 6, 1, 2, 7], 15);
  const earlier = reserved(doomed.reserve(ALL, 400));
  reserved(other.reserve(ALL, 405));
  return { keeper, doomed, deadly, earlier, other };
}

const ACTS: Readonly<Record<string, (scene: Scene) => void>> = {
  reserve: ({ doomed }) => void doomed.reserve(ALL, 650),
  "reserve in vain": ({ doomed }) => void doomed.reserve(charge(5, 6, 1, 1, 94), 650),
  settle: ({ earlier }) => earlier.settle([2, 3, 1, 4, 9], 650),
  "settle late": ({ earlier }) => earlier.settle([2, 3, 1, 4, 9], 5500),
  release: ({ earlier }) => earlier.release(),
  extend: ({ earlier }) => void earlier.extend([1, 2, 0, 3, 4], 650),
};

/** What the survivors find, once they have been there themselves, so that what has passed has been let go. */
function found({ keeper, other }: Scene, nowMs: number): { readonly cells: AccountCells[]; readonly slices: number } {
  keeper.recover(1);
  reserved(other.reserve(charge(1, 1, 1, 0, 1), nowMs)).release();
  return { cells: readLedger(keeper.buffer), slices: keeper.available(3, nowMs) };
}

for (const [name, act] of Object.entries(ACTS)) {
  test(`a loop that dies at any step of "${name}" has done it wholly or not at all, once its row is recovered`, () => {
    const nowMs = name === "settle late" ? 5500 : 650;
    const undone = setUp();
    const ifUndone = JSON.stringify(found(undone, nowMs));
    const done = setUp();
    act(done);
    const ifDone = JSON.stringify(found(done, nowMs));
    const seen = new Set<string>();
    let steps = 0;
    for (;;) {
      const scene = setUp();
      if (!scene.deadly.run(() => act(scene), steps)) break;
      const now = JSON.stringify(found(scene, nowMs));
      assert.ok(now === ifDone || now === ifUndone, `dead at step ${steps}`);
      seen.add(now);
      steps++;
    }
    assert.ok(steps >= (name === "reserve in vain" ? 6 : 20), `only ${steps} steps`);
    if (name !== "reserve in vain") assert.deepEqual(seen, new Set([ifUndone, ifDone]));
  });
}

/** The doomed one stops inside, with something written. */
function stopInside({ deadly, doomed }: Scene): void {
  // By then it has written to the first accounts.
  assert.ok(deadly.run(() => void doomed.reserve(ALL, 405), 25));
}

test("while a dead loop is behind the lock the others are told that it is busy, and wait for that only once", () => {
  const scene = setUp();
  stopInside(scene);
  const startedMs = performance.now();
  assert.equal(scene.other.reserve(ALL, 650).kind, "busy");
  const waitedMs = performance.now() - startedMs;
  assert.ok(waitedMs > 15, `${waitedMs} ms`);
  for (let i = 0; i < 1000; i++) assert.equal(scene.other.reserve(ALL, 650).kind, "busy");
  assert.ok(performance.now() - startedMs < waitedMs + 500);
  scene.keeper.recover(1);
  reserved(scene.other.reserve(ALL, 650));
  readLedger(scene.keeper.buffer);
});

test("what is settled while a dead loop is behind the lock is settled when it is open again", async () => {
  const scene = setUp();
  const mine = [1, 2].map(() => reserved(scene.other.reserve(charge(1, 1, 1, 1, 1), 405)));
  stopInside(scene);
  mine[0]!.settle([0, 0, 0, 0, 0], 650);
  mine[1]!.release();
  scene.keeper.recover(1);
  const before = readLedger(scene.keeper.buffer)[2]!.held;
  await waitUntil(() => readLedger(scene.keeper.buffer)[2]!.held === before - 2);
});

test("of two loops that died, the one whose turn has not come does not keep the other from being recovered", () => {
  const scene = setUp();
  const second = Ledger.attach(scene.keeper.buffer, scene.keeper.claimRow());
  reserved(second.reserve(charge(1, 1, 1, 1, 1), 405));
  stopInside(scene);
  // The lock is closed by the other one.
  scene.keeper.recover(3);
  assert.equal(second.reserve(ALL, 650).kind, "busy");
  scene.keeper.recover(1);
  assert.throws(() => scene.keeper.recover(9), RangeError);
  assert.deepEqual(
    readLedger(scene.keeper.buffer).map(({ heldByRow }) => [heldByRow[1], heldByRow[3]]),
    DEFINITIONS.map(() => [0, 0]),
  );
  assert.deepEqual(new Set([scene.keeper.claimRow(), scene.keeper.claimRow()]), new Set([1, 3]));
  assert.throws(() => scene.keeper.claimRow(), /rows of the ledger/);
});

test("the recovery of a dead loop does not break into the step of one that lives, and comes after it", async () => {
  const scene = setUp();
  const second = Ledger.attach(scene.keeper.buffer, scene.keeper.claimRow());
  reserved(second.reserve(charge(1, 1, 1, 1, 1), 405));
  const before = scene.keeper.held(1);
  let insideHeld = 0;
  const living = (): void => void reserved(scene.doomed.reserve(charge(1, 2, 0, 0, 1), 405));
  scene.deadly.interrupt(living, 25, () => {
    insideHeld = scene.keeper.held(1);
    scene.keeper.recover(3);
    assert.equal(scene.keeper.held(1), insideHeld);
  });
  await waitUntil(() => scene.keeper.held(1) === before + 2 - 1);
  readLedger(scene.keeper.buffer);
});

test("a step that an exception has torn is put back by the next one of the same loop", () => {
  const scene = setUp();
  const before = scene.keeper.held(1);
  stopInside(scene);
  reserved(scene.doomed.reserve(charge(0, 1, 0, 0, 0), 650)).release();
  readLedger(scene.keeper.buffer);
  assert.equal(scene.keeper.held(1), before);
});
