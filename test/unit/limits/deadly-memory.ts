/**
 * A ledger's memory in which a thread can be stopped at any step: before and after each write of a Float64 cell, and before each
 * of its atomic operations. (Plain writes of Int32 cells, the journal's length and the step's number, lie between two of these.)
 */
import { LedgerMemory } from "../../../src/limits/ledger-memory.ts";

/** What a thread that is stopped throws; nothing in the ledger catches it. */
class Killed extends Error {}

const NAMES = ["add", "load", "store", "exchange", "compareExchange", "notify"] as const;

/** Counts the steps of what {@link run} runs, and stops it at one of them. */
export class DeadlyMemory {
  readonly memory: LedgerMemory;
  #step = 0;
  #deadlyStep = Infinity;
  #other: (() => void) | null = null;

  constructor(buffer: SharedArrayBuffer) {
    this.memory = new LedgerMemory(buffer);
    const { floats } = this.memory;
    const stepped = new Proxy(floats, {
      get: (_, key) => {
        const value: unknown = Reflect.get(floats, key, floats);
        return typeof value === "function" ? value.bind(floats) : value;
      },
      set: (_, key, value: number) => {
        this.#atStep();
        Reflect.set(floats, key, value, floats);
        this.#atStep();
        return true;
      },
    });
    Object.assign(this.memory, { floats: stepped });
  }

  /**
   * Runs `act` until its step `deadlyStep`, from 0.
   *
   * @returns whether it was stopped there; it has fewer steps otherwise.
   */
  run(act: () => void, deadlyStep: number): boolean {
    this.#step = 0;
    this.#deadlyStep = deadlyStep;
    const originals = NAMES.map((name) => [name, Atomics[name]] as const);
    for (const [name, original] of originals) {
      const stepped = (...args: unknown[]): unknown => {
        this.#atStep();
        return Reflect.apply(original, Atomics, args);
      };
      Object.assign(Atomics, { [name]: stepped });
    }
    try {
      act();
      return false;
    } catch (error) {
      if (error instanceof Killed) return true;
      throw error;
    } finally {
      this.#deadlyStep = Infinity;
      for (const [name, original] of originals) Object.assign(Atomics, { [name]: original });
    }
  }

  /** Runs `act`, and in the middle of it, before its step `step`, `other`. */
  interrupt(act: () => void, step: number, other: () => void): void {
    this.#other = other;
    this.run(act, step);
  }

  #atStep(): void {
    if (this.#step++ !== this.#deadlyStep) return;
    if (this.#other === null) throw new Killed();
    const other = this.#other;
    this.#other = null;
    other();
  }
}
