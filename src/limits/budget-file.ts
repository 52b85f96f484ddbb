/**
 * Budgets in the store's directory, where the next process finds them.
 *
 * Two processes can have one store: one that takes over from another, or two that should have had Redis. The file is kept by whichever
 * started last. Each that starts marks it with a higher generation, and who meets a higher one than its own writes no more: neither
 * would what it counts be the other's, nor could the file be both.
 */
import { closeSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SavedBudget } from "./ledger-state.ts";

const NAME = "budgets.json";
/** What {@link GENERATION} needs of the file. */
const HEAD_BYTES = 64;
/** Of the file's beginning, as {@link BudgetFile.write} writes it. */
const GENERATION = /^\{"generation":(\d{1,16}),/;
const NOTHING = "[]";

/** See the file's comment. */
export class BudgetFile {
  /** For the log. */
  readonly path: string;
  readonly #directory: string;
  /** Usually the time of the start, so that two that begin without a file have an order, too. */
  #generation = Date.now();
  /** The budgets that were written last, as JSON. */
  #written = NOTHING;

  /** @param directory `store.path`; made once there is something to write. */
  constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, NAME);
  }

  /**
   * What the last process has left; to be called once, before the first {@link write}, which takes the file over.
   *
   * @throws {Error} where there is something else than {@link write} writes.
   */
  read(): readonly SavedBudget[] {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch {
      return [];
    }
    const generation = generationOf(text);
    // First: also a file that can't be read is taken over.
    this.#generation = Math.max(this.#generation, (generation ?? 0) + 1);
    const { budgets } = JSON.parse(text) as { readonly budgets: readonly SavedBudget[] };
    if (generation === null || !Array.isArray(budgets)) throw new TypeError("these are no budgets");
    return budgets;
  }

  /**
   * Writes budgets that are not those that it has written last: another file, then its name, so that whoever reads sees one or the
   * other.
   *
   * @returns `false` where another process keeps the file, and nothing was written.
   * @throws {Error} where it can't be written.
   */
  write(budgets: readonly SavedBudget[]): boolean {
    const text = JSON.stringify(budgets);
    if (text === this.#written) return true;
    if ((this.#presentGeneration() ?? 0) > this.#generation) return false;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const draft = `${this.path}.${process.pid}`;
    writeFileSync(draft, `{"generation":${this.#generation},"budgets":${text}}`, { mode: 0o600 });
    renameSync(draft, this.path);
    this.#written = text;
    return true;
  }

  #presentGeneration(): number | null {
    let file: number;
    try {
      file = openSync(this.path, "r");
    } catch {
      return null;
    }
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return generationOf(head.toString("latin1", 0, readSync(file, head)));
    } finally {
      closeSync(file);
    }
  }
}

function generationOf(text: string): number | null {
  const digits = GENERATION.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}
