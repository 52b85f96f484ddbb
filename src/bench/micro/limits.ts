/**
 * `npm run bench:limits`: nanoseconds per operation of the ledger, each the median of several rounds.
 *
 * The contended rows run other threads that do the same all the while. With more threads than free cores the kernel stops
 * threads inside of the lock, too: what the longest of all operations took says how long others then wait.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import type { AccountDefinition } from "../../limits/accounts.ts";
import { LedgerKeeper } from "../../limits/ledger-keeper.ts";
import { Ledger } from "../../limits/ledger.ts";
import type { Charge } from "../../limits/limiter.ts";
import { monotonicMs } from "../../core/monotonic-clock.ts";

const ROUNDS = 9;
const OPERATIONS = 100_000;
/** What is asked of reserving and settling six accounts. */
const TARGET_NS = 3000;
/** As many as a process could have: what a recovery has to look through. */
const MANY_ACCOUNTS = 16_384;

const STATE = { ready: 0, stop: 1 } as const;

interface RivalData {
  readonly buffer: SharedArrayBuffer;
  readonly row: number;
  readonly state: SharedArrayBuffer;
}

/** What a tenant and its upstream usually have. */
const ACCOUNTS: readonly AccountDefinition[] = [
  account("requests/1m", "rate", 60_000),
  account("tokens/1m", "rate", 60_000),
  account("usd/1d", "budget", 86_400_000),
  account("concurrency", "gauge", 0),
  account("upstream requests/1m", "rate", 60_000),
  account("upstream tokens/1m", "rate", 60_000),
];
const AMOUNTS = [1, 1500, 4321, 1, 1, 1500] as const;
const USED = [1, 700, 2000, 1, 1, 700] as const;
/** Used up. */
const EMPTY = ACCOUNTS.length;

/** Of this thread; goes on with each operation. */
let nowMs = monotonicMs();

if (isMainThread) await main();
else compete(workerData as RivalData);

async function main(): Promise<void> {
  const [keeper, ledger] = ledgerOf();
  report("reserve and settle, 6 accounts", perOperation(reserveAndSettle(ledger)));
  report("the clock, which is not in the row above", perOperation(monotonicMs));
  report("refuse, 6 accounts, the last is used up", perOperation(refused(ledger)));
  report(
    "how an account stands",
    perOperation(() => ledger.peek(1, nowMs)),
  );
  report("recover a row, 7 accounts", perOperation(recovered(keeper), 20_000));
  report(`recover a row, ${MANY_ACCOUNTS} accounts`, perOperation(recovered(largeKeeper()), 20), Infinity);
  for (const rivals of [1, 3]) await contended(rivals);
}

function account(name: string, kind: AccountDefinition["kind"], windowMs: number): AccountDefinition {
  return { name, group: "tenant:acme", kind, limit: 1e15, windowMs, isShared: false };
}

function ledgerOf(): [LedgerKeeper, Ledger] {
  const keeper = new LedgerKeeper({ rows: 8, accounts: 64 });
  keeper.define([...ACCOUNTS, { ...account("empty", "rate", 60_000), limit: 0 }]);
  return [keeper, Ledger.attach(keeper.buffer, keeper.claimRow())];
}

function largeKeeper(): LedgerKeeper {
  const keeper = new LedgerKeeper({ rows: 8, accounts: MANY_ACCOUNTS });
  keeper.define(Array.from({ length: MANY_ACCOUNTS }, (_, index) => account(`${index}`, "rate", 60_000)));
  return keeper;
}

function chargesOf(amounts: readonly number[]): Charge[] {
  return amounts.map((amount, account) => ({ account, amount }));
}

/** With the charges made anew each time, as a request does. */
function reserveAndSettle(ledger: Ledger): () => void {
  return () => {
    nowMs += 0.01;
    const reservation = ledger.reserve(chargesOf(AMOUNTS), nowMs);
    if (reservation.kind === "reserved") reservation.settle(USED, nowMs);
    // A rival was stopped inside; counted by the longest operation.
    else if (reservation.kind !== "busy") throw new Error(`not reserved: ${reservation.kind}`);
  };
}

function refused(ledger: Ledger): () => void {
  const charges = [...chargesOf(AMOUNTS.slice(0, 5)), { account: EMPTY, amount: 1 }];
  return () => {
    if (ledger.reserve(charges, nowMs).kind !== "shortage") throw new Error("not refused");
  };
}

function recovered(keeper: LedgerKeeper): () => void {
  return () => keeper.recover(keeper.claimRow());
}

/** The median round's nanoseconds. */
function perOperation(operation: () => unknown, operations = OPERATIONS): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedNs = process.hrtime.bigint();
    for (let i = 0; i < operations; i++) operation();
    return Number(process.hrtime.bigint() - startedNs) / operations;
  });
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
}

/** Measures while `rivals` other threads do the same to the same accounts. */
async function contended(rivals: number): Promise<void> {
  const [keeper, ledger] = ledgerOf();
  const state = new SharedArrayBuffer(8);
  const cells = new Int32Array(state);
  const exits = Array.from({ length: rivals }, () => {
    const data: RivalData = { buffer: keeper.buffer, row: keeper.claimRow(), state };
    const rival = new Worker(new URL(import.meta.url), { workerData: data });
    return new Promise((resolve) => rival.once("exit", resolve));
  });
  for (let ready = 0; ready < rivals; ready = Atomics.load(cells, STATE.ready)) {
    await Atomics.waitAsync(cells, STATE.ready, ready).value;
  }
  const operation = reserveAndSettle(ledger);
  let longestMs = 0;
  const timed = (): void => {
    const startedMs = performance.now();
    operation();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  };
  report(`reserve and settle, ${rivals + 1} threads`, perOperation(timed), Infinity);
  process.stdout.write(`${"  the longest of them".padEnd(44)}${longestMs.toFixed(2).padStart(9)} ms\n`);
  Atomics.store(cells, STATE.stop, 1);
  await Promise.all(exits);
}

function compete({ buffer, row, state }: RivalData): void {
  const operation = reserveAndSettle(Ledger.attach(buffer, row));
  const cells = new Int32Array(state);
  Atomics.add(cells, STATE.ready, 1);
  Atomics.notify(cells, STATE.ready);
  while (Atomics.load(cells, STATE.stop) === 0) operation();
}

function report(name: string, ns: number, targetNs = TARGET_NS): void {
  const verdict = ns < targetNs ? "" : `   over ${targetNs}`;
  process.stdout.write(`${name.padEnd(44)}${ns.toFixed(1).padStart(9)} ns${verdict}\n`);
}
