/** The ledger over several real threads: what it promises whatever they do, and however they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { SlotUsage } from "../board/slot-usage.ts";
import { AdmissionLog, mostInAnyWindow } from "./admission-log.ts";
import { budget, charge, gauge, rate, readLedger, reserved } from "./ledger-parts.ts";
import type { LedgerUserData } from "./ledger-user.ts";

const WINDOW_MS = 120;
const TOKENS = 2000;
const CONCURRENCY = 7;
const THREADS = 3;
/** What all hold together at most is within it, so that only what leaks can use it up. */
const USD = 3 * CONCURRENCY + 3;
/** Threads that a test may start. */
const LISTS = 40;

interface User {
  readonly row: number;
  readonly worker: Worker;
  readonly ended: Promise<void>;
}

class Scene {
  readonly keeper = new LedgerKeeper({ rows: THREADS + 1, accounts: 8 });
  readonly usage = new SlotUsage();
  readonly log = new AdmissionLog(LISTS);
  readonly #test: TestContext;
  #lists = 0;

  constructor(test: TestContext) {
    this.#test = test;
    this.keeper.define([rate("tokens", TOKENS, WINDOW_MS), budget("usd", USD), gauge("concurrency", CONCURRENCY)]);
  }

  start(thread: number): User {
    const row = this.keeper.claimRow();
    const workerData: LedgerUserData = {
      ledger: this.keeper.buffer,
      row,
      usage: this.usage.buffer,
      thread,
      log: this.log.buffer,
      list: this.#lists++,
    };
    const worker = new Worker(new URL("./ledger-user.ts", import.meta.url), { workerData });
    this.#test.after(() => worker.terminate());
    const ended = new Promise<void>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", () => resolve());
    });
    return { row, worker, ended };
  }

  /** Resolves when a thread has done so much more. */
  async turns(thread: number, count: number): Promise<void> {
    const before = this.usage.turns(thread);
    await waitUntil(() => this.usage.turns(thread) > before + count);
  }

  /** All is over: nothing may be left, and nothing may have been too much. */
  check(): void {
    assert.ok(this.usage.highest <= CONCURRENCY, `${this.usage.highest} at once`);
    assert.equal(this.usage.highest, CONCURRENCY, "the cap was never reached");
    assert.equal(this.usage.inUse, 0);
    const admitted = this.log.all();
    const most = mostInAnyWindow(admitted, WINDOW_MS);
    assert.ok(most <= TOKENS, `${most} in a window`);
    assert.ok(most > TOKENS / 2, `only ${most} in any window: it proves nothing`);
    const [, usd, concurrency] = readLedger(this.keeper.buffer);
    assert.deepEqual([usd!.used, usd!.held, concurrency!.held], [0, 0, 0]);
    const ledger = Ledger.attach(this.keeper.buffer, this.keeper.claimRow());
    reserved(ledger.reserve(charge(TOKENS, USD, CONCURRENCY), monotonicMs() + 2 * WINDOW_MS));
  }
}

test("in any window no more is let in over three threads than the limit, and when all have settled nothing is left", async (t) => {
  const scene = new Scene(t);
  const users = Array.from({ length: THREADS }, (_, thread) => scene.start(thread));
  for (let thread = 0; thread < THREADS; thread++) await scene.turns(thread, 1);
  const startedMs = performance.now();
  await waitUntil(() => performance.now() > startedMs + 10 * WINDOW_MS);
  scene.usage.stop();
  await Promise.all(users.map(({ ended }) => ended));
  scene.check();
});

test("threads that are terminated in the middle of it leave nothing behind once their rows are recovered", async (t) => {
  const scene = new Scene(t);
  const users = Array.from({ length: THREADS }, (_, thread) => scene.start(thread));
  let held = 0;
  for (let death = 0; death < 15; death++) {
    const thread = death % THREADS;
    await scene.turns(thread, 300);
    const { row, worker } = users[thread]!;
    await worker.terminate();
    held += scene.keeper.held(2);
    // In this order: what the ledger says is free is taken by the others at once.
    scene.usage.forget(thread);
    scene.keeper.recover(row);
    users[thread] = scene.start(thread);
  }
  assert.ok(held > 0, "none of those that died held anything");
  for (let thread = 0; thread < THREADS; thread++) await scene.turns(thread, 300);
  scene.usage.stop();
  await Promise.all(users.map(({ ended }) => ended));
  scene.check();
});
