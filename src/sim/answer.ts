/** Answers under way: each waits on the timer wheel for its next token, and owns nothing else that waits. */

import { TimerEntry } from "../core/timer-wheel.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import type { StreamPlan, WholePlan } from "./dialect.ts";
import type { Ledger } from "./ledger.ts";
import type { Outlet } from "./outlet.ts";
import { monotonicUs, tokenText } from "./token.ts";

/** When an answer's tokens come. */
export interface Pace {
  readonly ttftMs: number;
  readonly gapMs: number;
  readonly tokens: number;
  /** Tokens after which the connection is cut; `Infinity` for never. */
  readonly cutAfterTokens: number;
  /** Appended to each token's text. */
  readonly padding: string;
  readonly tag: number | undefined;
}

interface AnswerContext {
  readonly wheel: TimerWheel;
  readonly ledger: Ledger;
  readonly outlet: Outlet;
  readonly pace: Pace;
}

/** With a gap shorter than the wheel's tick several tokens are due at once; more in one go would hold up the others. */
const MAX_BURST = 256;

/** A stream further behind than this (its client did not read, the host was busy) goes on from now. */
const MAX_LAG_MS = 1_000;

abstract class Answer extends TimerEntry {
  protected readonly wheel: TimerWheel;
  protected readonly ledger: Ledger;
  protected readonly outlet: Outlet;
  protected readonly pace: Pace;
  /** The last piece was sent or the connection cut: what closes now is no hang-up. */
  protected done = false;
  protected closed = false;

  constructor(context: AnswerContext) {
    super();
    this.wheel = context.wheel;
    this.ledger = context.ledger;
    this.outlet = context.outlet;
    this.pace = context.pace;
    this.ledger.openStreams++;
    this.outlet.onceClosed(() => this.#close());
  }

  /** Starts the clock. Called once. */
  abstract begin(): void;

  #close(): void {
    this.closed = true;
    this.wheel.disarm(this);
    this.ledger.openStreams--;
    if (!this.done) this.ledger.addCancel(this.pace.tag);
  }

  protected wait(forMs: number): void {
    const nowMs = this.wheel.nowMs();
    if (forMs > 0) this.wheel.arm(this, nowMs + forMs);
    else this.onTimer(nowMs);
  }

  protected cut(): void {
    this.done = true;
    this.outlet.cut();
  }
}

/** An answer in pieces: one token event a write. */
export class StreamedAnswer extends Answer {
  readonly #plan: StreamPlan;
  readonly #after: string;
  #sent = 0;
  #dueMs = 0;

  constructor(context: AnswerContext, plan: StreamPlan) {
    super(context);
    this.#plan = plan;
    this.#after = context.pace.padding + plan.after;
  }

  override begin(): void {
    this.#dueMs = this.wheel.nowMs() + this.pace.ttftMs;
    this.wait(this.pace.ttftMs);
  }

  override onTimer(nowMs: number): void {
    const { pace, outlet } = this;
    if (this.#dueMs < nowMs - MAX_LAG_MS) this.#dueMs = nowMs;
    for (let burst = 0; burst < MAX_BURST; burst++) {
      // One gap after the last token, so that it has left the host before the connection ends.
      if (this.#sent === pace.cutAfterTokens) return this.cut();
      const writable = this.#writeToken();
      if (this.done) return;
      if (!writable) return outlet.onceDrained(() => this.#resume());
      this.#dueMs += pace.gapMs;
      if (this.#dueMs > nowMs || this.#sent === pace.cutAfterTokens) break;
    }
    this.wheel.arm(this, this.#dueMs);
  }

  #writeToken(): boolean {
    const { pace, outlet } = this;
    const isFirst = this.#sent === 0;
    if (pace.tokens === 0) {
      this.done = true;
      outlet.start(this.#plan.contentType, this.#plan.opening + this.#plan.closing);
      outlet.end("");
      return true;
    }
    const event = this.#plan.before + tokenText(this.#sent, monotonicUs()) + this.#after;
    this.#sent++;
    this.ledger.tokensSent++;
    const writable = isFirst ? outlet.start(this.#plan.contentType, this.#plan.opening + event) : outlet.write(event);
    if (this.#sent === pace.tokens && pace.cutAfterTokens > pace.tokens) {
      this.done = true;
      outlet.end(this.#plan.closing);
    }
    return writable;
  }

  #resume(): void {
    if (!this.closed) this.wheel.arm(this, this.wheel.nowMs());
  }
}

/** An answer in one piece, at the moment its last token would have come. */
export class WholeAnswer extends Answer {
  readonly #plan: WholePlan;

  constructor(context: AnswerContext, plan: WholePlan) {
    super(context);
    this.#plan = plan;
  }

  override begin(): void {
    const { ttftMs, gapMs, tokens, cutAfterTokens } = this.pace;
    const gaps = this.#plan.hasTokens ? Math.max(Math.min(tokens - 1, cutAfterTokens), 0) : 0;
    this.wait(ttftMs + gapMs * gaps);
  }

  override onTimer(): void {
    const { pace } = this;
    if (pace.cutAfterTokens <= pace.tokens) return this.cut();
    this.done = true;
    this.outlet.reply(200, {}, this.#plan.render(this.#plan.hasTokens ? this.#text() : ""));
  }

  #text(): string {
    const nowUs = monotonicUs();
    let text = "";
    for (let index = 0; index < this.pace.tokens; index++) text += tokenText(index, nowUs) + this.pace.padding;
    this.ledger.tokensSent += this.pace.tokens;
    return text;
  }
}
