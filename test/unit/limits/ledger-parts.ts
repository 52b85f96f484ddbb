/** What tests of the ledger look at that nothing else does. */
import assert from "node:assert/strict";
import type { AccountDefinition } from "../../../src/limits/accounts.ts";
import { ACCOUNT, GENERATIONS, HEADER, LedgerMemory, RING } from "../../../src/limits/ledger-memory.ts";
import type { Charge, Refusal, Reservation } from "../../../src/limits/limiter.ts";

export function rate(name: string, limit: number, windowMs = 60_000): AccountDefinition {
  return { name, group: "tenant:acme", kind: "rate", limit, windowMs, isShared: false };
}

export function budget(name: string, limit: number, windowMs = 86_400_000): AccountDefinition {
  return { name, group: "tenant:acme", kind: "budget", limit, windowMs, isShared: false };
}

export function gauge(name: string, limit: number): AccountDefinition {
  return { name, group: "tenant:acme", kind: "gauge", limit, windowMs: 0, isShared: false };
}

export function shared(definition: AccountDefinition): AccountDefinition {
  return { ...definition, isShared: true };
}

/** Amounts for the accounts 0, 1, 2 … */
export function charge(...amounts: number[]): Charge[] {
  return amounts.map((amount, account) => ({ account, amount }));
}

export function reserved(answer: Reservation | Refusal): Reservation {
  if (answer.kind !== "reserved") assert.fail(JSON.stringify(answer));
  return answer;
}

/** What an account's cells say, and what the rows hold of it. */
export interface AccountCells {
  readonly used: number;
  readonly ring: readonly number[];
  readonly held: number;
  readonly heldByRow: readonly number[];
}

/** All that counts in a ledger; asserts that its sums are those of what they sum up, and that nobody is inside. */
export function readLedger(buffer: SharedArrayBuffer): AccountCells[] {
  const memory = new LedgerMemory(buffer);
  const { floats, ints } = memory;
  assert.equal(ints[HEADER.lock], 0, "the lock is closed");
  assert.equal(ints[HEADER.writes], 0, "the journal is not empty");
  return Array.from({ length: ints[HEADER.accountsUsed]! }, (_, account) => {
    const at = memory.accountAt(account);
    const ring = [...floats.subarray(at + ACCOUNT.ring, at + ACCOUNT.ring + RING)];
    const heldByRow = Array.from({ length: memory.rows }, (_, row) => floats[memory.heldAt(row, account)]!);
    const [used, held] = [floats[at + ACCOUNT.used]!, floats[at + ACCOUNT.held]!];
    if (floats[at + ACCOUNT.shared] === 0) assert.equal(used, sum(ring), `account ${account}: used`);
    assert.equal(held, sum(heldByRow), `account ${account}: held`);
    assert.ok(Math.min(used, held, ...ring, ...heldByRow) >= 0, `account ${account}: below 0`);
    return { used, ring, held, heldByRow };
  });
}

/** How often a row was recovered. */
export function generationOf(buffer: SharedArrayBuffer, row: number): number {
  return new LedgerMemory(buffer).ints[GENERATIONS + row]!;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
