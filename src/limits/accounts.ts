/**
 * Which account of the ledger belongs to which name, and what the account is.
 *
 * The main thread keeps the directory and sends what {@link AccountDirectory.extend} returns, a plain `Map`, to the loops with the
 * config or the keys that it belongs to. The ledger cannot grow while threads look at it, so there is room from the start.
 */

/** One limit of somebody. */
export interface AccountDefinition {
  /** Says whose it is, what it counts and over which time: `tenant:acme tokens/1m`, `upstream:openai requests/1m`. */
  readonly name: string;
  /** Those that are decided on together where several processes share them: `tenant:acme`, `upstream:openai`. */
  readonly group: string;
  /** See limiter.ts. */
  readonly kind: "rate" | "budget" | "gauge";
  /** Whole, 0 or more: requests, tokens, micro-dollars, or requests under way. */
  readonly limit: number;
  /** A whole number of sixtieths of it, milliseconds. Of a gauge: 0. */
  readonly windowMs: number;
  /** Kept over several processes. */
  readonly isShared: boolean;
}

/** Name → account. Plain data: it can be sent to a thread. */
export type Accounts = ReadonlyMap<string, number>;

/** What {@link AccountDirectory.extend} did. */
export interface Extension {
  readonly accounts: Accounts;
  /** Definitions whose account is not the one that it was, or new. */
  readonly added: readonly { readonly account: number; readonly definition: AccountDefinition }[];
  /** Those that were there, with what they are now. */
  readonly kept: readonly { readonly account: number; readonly definition: AccountDefinition }[];
}

interface Entry {
  readonly account: number;
  definition: AccountDefinition;
}

/** See the file's comment. */
export class AccountDirectory {
  readonly capacity: number;
  /** By {@link keyOf}. */
  readonly #entries = new Map<string, Entry>();
  readonly #byAccount = new Map<number, Entry>();
  /** Accounts that were given back; before all that were never given out. */
  readonly #free: number[] = [];
  /** Accounts from here on were never given out. */
  #next = 0;
  #current = new Set<string>();

  /** @param capacity accounts of the ledger. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Accounts that belong to somebody: those now defined, and those of earlier definitions until {@link retire}. */
  get size(): number {
    return this.#entries.size;
  }

  /** What an account is; `undefined` where it belongs to nobody. */
  definitionOf(account: number): AccountDefinition | undefined {
    return this.#byAccount.get(account)?.definition;
  }

  /** The accounts that are defined now, or were until {@link retire}. */
  all(): readonly { readonly account: number; readonly definition: AccountDefinition }[] {
    return [...this.#entries.values()];
  }

  /**
   * Takes all definitions of now. One that is known keeps its account and what it counts, even if it was gone for a while; only
   * its limit may be another. Those that are gone keep theirs for the requests that began with them.
   *
   * @throws {RangeError} where they do not fit; nothing has changed then.
   */
  extend(definitions: Iterable<AccountDefinition>): Extension {
    const wanted = new Map([...definitions].map((definition) => [keyOf(definition), definition]));
    const extension = this.#include(wanted);
    this.#current = new Set(wanted.keys());
    return extension;
  }

  /** Takes definitions besides those of now. As {@link extend}, but that nothing else is gone. */
  add(definitions: Iterable<AccountDefinition>): Extension {
    const wanted = new Map([...definitions].map((definition) => [keyOf(definition), definition]));
    const extension = this.#include(wanted);
    for (const key of wanted.keys()) this.#current.add(key);
    return extension;
  }

  /**
   * Frees the accounts of definitions that the last {@link extend} did not have. Only when no request is under way any more that
   * began with them.
   *
   * @returns Those that are gone.
   */
  retire(): AccountDefinition[] {
    const gone = [...this.#entries].filter(([key]) => !this.#current.has(key));
    for (const [key, { account }] of gone) {
      this.#free.push(account);
      this.#entries.delete(key);
      this.#byAccount.delete(account);
    }
    return gone.map(([, { definition }]) => definition);
  }

  #include(wanted: ReadonlyMap<string, AccountDefinition>): Extension {
    const isNew = [...wanted.keys()].filter((key) => !this.#entries.has(key)).length;
    const needed = this.size + isNew;
    if (needed > this.capacity) {
      throw new RangeError(
        `there is room for ${this.capacity} limits and ${needed} are needed ` +
          `(${needed - wanted.size} of them are there already): restart to make room`,
      );
    }
    const added: Entry[] = [];
    const kept: Entry[] = [];
    const accounts = new Map<string, number>();
    for (const [key, definition] of wanted) {
      let entry = this.#entries.get(key);
      if (entry === undefined) {
        entry = { account: this.#free.pop() ?? this.#next++, definition };
        this.#entries.set(key, entry);
        this.#byAccount.set(entry.account, entry);
        added.push(entry);
      } else {
        entry.definition = definition;
        kept.push(entry);
      }
      accounts.set(definition.name, entry.account);
    }
    return { accounts, added, kept };
  }
}

/** What was counted in another way, or elsewhere, is nothing to go on from. */
function keyOf({ name, kind, windowMs, isShared }: AccountDefinition): string {
  return `${name} ${kind} ${windowMs} ${isShared}`;
}
