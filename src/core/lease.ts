/** What is taken and has to be given back exactly once. */

/**
 * Something taken: a slot, a share, a place in a line. Whoever has it calls {@link release} on every way out, as often as the
 * ways happen to meet; a scope may hold it with `using`. One small object and no closure, since every request takes several.
 */
export abstract class Lease implements Disposable {
  #held = true;

  /** Whether it has not been given back yet. */
  get held(): boolean {
    return this.#held;
  }

  /** Gives it back; does nothing from the second time on. */
  release(): void {
    if (!this.#held) return;
    // Before, so that what giving back sets off cannot give it back again.
    this.#held = false;
    this.giveBack();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** Called once. Must not throw. */
  protected abstract giveBack(): void;
}
