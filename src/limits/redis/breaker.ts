/** Whether Redis is to be asked: a circuit breaker without a clock or timer of its own. */

/** `closed`: it answers. `open`: it does not, and is not asked. `half_open`: it is asked one thing, to see. */
export type BreakerState = "closed" | "open" | "half_open";

/** Each state with what belongs to it alone. */
type Phase =
  | { readonly kind: "closed"; failures: number }
  | { readonly kind: "open"; readonly untilMs: number }
  | { readonly kind: "half_open" };

interface BreakerOptions {
  /** Failures in a row that open it: one may be a pause of our own. */
  readonly failuresToOpen: number;
  /** How long it stays open before one thing is asked, milliseconds. */
  readonly openMs: number;
  /** Called on every change. */
  readonly onState: (state: BreakerState) => void;
}

/** See the file's comment. Begins open, since nothing has answered yet. */
export class Breaker {
  readonly #options: BreakerOptions;
  #phase: Phase = { kind: "open", untilMs: -Infinity };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#phase.kind;
  }

  /** How long until it is asked again, milliseconds; 0 unless open. */
  opensForMs(nowMs: number): number {
    return this.#phase.kind === "open" ? Math.max(0, this.#phase.untilMs - nowMs) : 0;
  }

  /** Asks for the one try; it is the caller's if `true`, and has to end in {@link succeeded} or {@link failed}. */
  tries(nowMs: number): boolean {
    if (this.#phase.kind !== "open" || nowMs < this.#phase.untilMs) return false;
    this.#enter({ kind: "half_open" });
    return true;
  }

  /** An answer came in time. What was asked before it opened does not close it. */
  succeeded(): void {
    switch (this.#phase.kind) {
      case "closed":
        this.#phase.failures = 0;
        break;
      case "half_open":
        this.#enter({ kind: "closed", failures: 0 });
        break;
      case "open":
        break;
    }
  }

  /** No answer came in time, or a wrong one. */
  failed(nowMs: number): void {
    switch (this.#phase.kind) {
      case "closed":
        if (++this.#phase.failures >= this.#options.failuresToOpen) this.trip(nowMs);
        break;
      case "half_open":
        this.trip(nowMs);
        break;
      case "open":
        break;
    }
  }

  /** Closes it whatever it was: there is a new connection, and it answers. */
  close(): void {
    this.#enter({ kind: "closed", failures: 0 });
  }

  /** Opens it whatever it was: the connection is gone. */
  trip(nowMs: number): void {
    this.#enter({ kind: "open", untilMs: nowMs + this.#options.openMs });
  }

  #enter(next: Phase): void {
    const before = this.#phase.kind;
    this.#phase = next;
    if (before !== next.kind) this.#options.onState(next.kind);
  }
}
