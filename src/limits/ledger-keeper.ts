/**
 * The main thread's part of the ledger: makes it, gives out accounts and rows, sets right what a dead loop has left, puts slices
 * into shared accounts, and saves and restores budgets.
 */
import { AccountDirectory } from "./accounts.ts";
import type { AccountDefinition, Accounts, Extension } from "./accounts.ts";
import { ACCOUNT, ACCOUNT_CELLS, GENERATIONS, HEADER, KIND, LedgerMemory, SUB_WINDOWS } from "./ledger-memory.ts";
import { plausibleUses, readBudget, writeBudget } from "./ledger-state.ts";
import type { SavedBudget } from "./ledger-state.ts";
import { LedgerStep } from "./ledger-step.ts";
import type { Slice, SliceKeeper, SliceReturn } from "./limiter.ts";
import { addSlice, leftInSlices, takeExpired } from "./slices.ts";

/** This thread's. */
const OWN_ROW = 0;
/** Until a recovery is tried again that found the lock closed. */
const RETRY_MS = 20;
/** Windows of this length and more are saved. */
const SAVED_WINDOW_MS = 3_600_000;

interface LedgerSize {
  /** Loops that can have a row at a time. 1–1023. */
  readonly rows: number;
  /** 1–1,048,576; each costs 576 bytes and 8 a row, once it is used. */
  readonly accounts: number;
}

/** See the file's comment. */
export class LedgerKeeper implements SliceKeeper {
  readonly #memory: LedgerMemory;
  readonly #step: LedgerStep;
  readonly #directory: AccountDirectory;
  readonly #freeRows: number[] = [];
  /** Rows of dead loops that are still to be recovered. */
  readonly #dead = new Set<number>();
  #retry: NodeJS.Timeout | null = null;

  /** @throws {RangeError} where the size is out of range. */
  constructor({ rows, accounts }: LedgerSize) {
    this.#memory = LedgerMemory.create(rows + 1, accounts);
    this.#step = new LedgerStep(this.#memory, OWN_ROW);
    this.#directory = new AccountDirectory(accounts);
    for (let row = rows; row > OWN_ROW; row--) this.#freeRows.push(row);
  }

  /** What to send to a loop for it to attach. */
  get buffer(): SharedArrayBuffer {
    return this.#memory.buffer;
  }

  /**
   * Takes all limits of now: those of a new config. What has been counted stays; a changed limit holds from now on, for all
   * requests.
   *
   * @returns The accounts of these, for the loops.
   * @throws {RangeError} where they do not fit, or one is not valid; nothing has changed then.
   */
  define(definitions: Iterable<AccountDefinition>): Accounts {
    return this.#enact(this.#directory.extend(validated(definitions)));
  }

  /**
   * Takes limits besides those of now: a new key's. O(its limits), where {@link define} with all of ten thousand keys takes tens of
   * milliseconds. @returns and throws as {@link define}.
   */
  add(definitions: Iterable<AccountDefinition>): Accounts {
    return this.#enact(this.#directory.add(validated(definitions)));
  }

  /**
   * Frees the accounts of limits that the last {@link define} did not have. Only when no request is under way any more that began
   * with them.
   *
   * @returns Their names.
   */
  retire(): string[] {
    return this.#directory.retire().map(({ name }) => name);
  }

  /** What an account is; `undefined` where it belongs to nobody. */
  definitionOf(account: number): AccountDefinition | undefined {
    return this.#directory.definitionOf(account);
  }

  /** A row for a new loop. @throws {Error} where none is free. */
  claimRow(): number {
    this.#recoverDead();
    const row = this.#freeRows.pop();
    if (row === undefined) throw new Error("all rows of the ledger are taken");
    return row;
  }

  /**
   * Sets right what a loop has left behind: opens the lock if it died behind it, gives back what it held, and frees its row. Only
   * after its thread has ended. Where others are in the way it is tried again, until it is done. O(accounts).
   */
  recover(row: number): void {
    if (!(row > OWN_ROW && row < this.#memory.rows)) throw new RangeError(`the ledger has no row ${row}`);
    if (this.#freeRows.includes(row)) return;
    this.#dead.add(row);
    this.#recoverDead();
  }

  grant({ account, amount, mark, expiresMs }: Slice): boolean {
    const at = this.#memory.accountAt(account);
    const { floats } = this.#memory;
    if (!this.#step.enter()) return false;
    const nowMs = this.#step.time(-Infinity);
    const granted = addSlice(floats, this.#step, at, { mark, expiresMs, amount, nowMs });
    this.#step.leave();
    return granted;
  }

  collect(nowMs: number): SliceReturn[] {
    const { floats } = this.#memory;
    const returns: SliceReturn[] = [];
    for (const { account, definition } of this.#directory.all()) {
      if (!definition.isShared || definition.kind === "gauge") continue;
      const at = this.#memory.placeOf(account);
      // One step each: the loops shall not wait for all of them.
      if (!this.#step.enter()) break;
      for (const { mark, amount } of takeExpired(floats, this.#step, at, this.#step.time(nowMs))) {
        returns.push({ account, mark, amount });
      }
      const beyond = floats[at + ACCOUNT.beyond]!;
      if (beyond !== 0) {
        returns.push({ account, mark: 0, amount: -beyond });
        this.#step.write(at + ACCOUNT.beyond, 0);
      }
      this.#step.leave();
    }
    return returns;
  }

  available(account: number, nowMs: number): number {
    return leftInSlices(this.#memory.floats, this.#memory.accountAt(account), nowMs);
  }

  setGranted(account: number, granted: number): number {
    const at = this.#memory.accountAt(account);
    const { floats } = this.#memory;
    if (!this.#step.enter()) return Math.max(floats[at + ACCOUNT.granted]!, floats[at + ACCOUNT.held]!);
    // Also where more is held: what comes free of that is for other processes.
    this.#step.write(at + ACCOUNT.granted, granted);
    const has = Math.max(granted, floats[at + ACCOUNT.held]!);
    this.#step.leave();
    return has;
  }

  held(account: number): number {
    return this.#memory.floats[this.#memory.accountAt(account) + ACCOUNT.held]!;
  }

  /**
   * What is used of all windows of an hour and more, for {@link restore} of a later process. Without what is reserved and not
   * settled: a process that ends gives that back.
   *
   * @param nowMs monotonic; `wallMs` the same moment as `Date.now()` has it.
   */
  save({ nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number }): SavedBudget[] {
    const saved: SavedBudget[] = [];
    for (const { account, definition } of this.#directory.all()) {
      if (definition.isShared || definition.windowMs < SAVED_WINDOW_MS || !this.#step.enter()) continue;
      const at = this.#memory.placeOf(account);
      const timeMs = this.#step.time(nowMs);
      const used = readBudget(this.#memory.floats, at, { nowMs: timeMs, wallMs: wallMs + timeMs - nowMs });
      this.#step.leave();
      if (used.length > 0) saved.push({ name: definition.name, windowMs: definition.windowMs, used });
    }
    return saved;
  }

  /**
   * Adds what was saved to the accounts of the same names; for the start, before there are loops. What is not of the form of
   * {@link save}, and names that no account has, are left out.
   *
   * @returns How many accounts took something over.
   */
  restore(
    saved: readonly SavedBudget[],
    { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
  ): number {
    const byName = new Map(this.#directory.all().map((entry) => [entry.definition.name, entry]));
    let restored = 0;
    for (const one of saved) {
      const { name, windowMs } = one;
      const entry = byName.get(name);
      if (entry === undefined || entry.definition.isShared || entry.definition.windowMs !== windowMs) continue;
      const used = plausibleUses(one);
      if (used.length === 0) continue;
      if (!this.#step.enter()) continue;
      const at = this.#memory.placeOf(entry.account);
      const timeMs = this.#step.time(nowMs);
      writeBudget(this.#memory.floats, this.#step, at, used, { nowMs: timeMs, wallMs: wallMs + timeMs - nowMs });
      this.#step.leave();
      restored++;
    }
    return restored;
  }

  #recoverDead(): void {
    // One of them may be behind the lock, and keep out those that are before it in the set.
    for (let left = Infinity; this.#dead.size < left;) {
      left = this.#dead.size;
      for (const row of this.#dead) this.#recoverOne(row);
    }
    if (this.#dead.size === 0 || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#recoverDead();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #recoverOne(row: number): void {
    if (!this.#step.enterAfter(row)) return;
    this.#giveBack(row);
    this.#step.leave();
    this.#dead.delete(row);
    this.#freeRows.push(row);
  }

  /** Not in the journal: if this thread ends, all end. */
  #giveBack(row: number): void {
    const { ints, floats } = this.#memory;
    Atomics.add(ints, GENERATIONS + row, 1);
    for (let account = 0; account < ints[HEADER.accountsUsed]!; account++) {
      const own = this.#memory.heldAt(row, account);
      const held = floats[own]!;
      if (held === 0) continue;
      floats[this.#memory.placeOf(account) + ACCOUNT.held]! -= held;
      floats[own] = 0;
    }
  }

  /** Nobody looks at a new account yet, and a limit is one cell of which this thread is the only writer: no step is needed. */
  #enact({ accounts, added, kept }: Extension): Accounts {
    const { floats, ints } = this.#memory;
    for (const { account, definition } of kept)
      floats[this.#memory.placeOf(account) + ACCOUNT.limit] = definition.limit;
    for (const { account, definition } of added) {
      const at = this.#memory.placeOf(account);
      if (floats[at + ACCOUNT.kind] !== KIND.none) this.#erase(account);
      floats[at + ACCOUNT.shared] = definition.isShared ? 1 : 0;
      floats[at + ACCOUNT.limit] = definition.limit;
      floats[at + ACCOUNT.subWindowMs] = definition.windowMs / SUB_WINDOWS;
      floats[at + ACCOUNT.kind] = KIND[definition.kind];
      ints[HEADER.accountsUsed] = Math.max(ints[HEADER.accountsUsed]!, account + 1);
    }
    return accounts;
  }

  #erase(account: number): void {
    const { floats, rows } = this.#memory;
    const at = this.#memory.placeOf(account);
    floats.fill(0, at, at + ACCOUNT_CELLS);
    for (let row = 0; row < rows; row++) floats[this.#memory.heldAt(row, account)] = 0;
  }
}

/** @throws {RangeError} */
function validated(definitions: Iterable<AccountDefinition>): readonly AccountDefinition[] {
  const all = [...definitions];
  for (const { name, kind, limit, windowMs } of all) {
    if (!(Number.isSafeInteger(limit) && limit >= 0)) throw new RangeError(`${name}: a limit of ${limit}`);
    const isWindow = Number.isSafeInteger(windowMs) && windowMs > 0 && windowMs % SUB_WINDOWS === 0;
    if (kind === "gauge" ? windowMs !== 0 : !isWindow) throw new RangeError(`${name}: a window of ${windowMs} ms`);
  }
  return all;
}
