/** One upstream as a loop's admission desk sees it: its cells on the board, and what is to be told of it. */
import { sizeClassOf, SIZE_CLASSES } from "../admission/adaptive-limit.ts";
import type { ToBroker } from "../admission/broker-messages.ts";
import { DrainRate } from "../admission/drain-rate.ts";
import { providerWaitMs, REFUSES_FOR_NOW } from "../admission/provider-limits.ts";
import { AdmissionCells } from "../board/admission-cells.ts";
import type { Board } from "../board/board.ts";
import type { UpstreamConfig } from "../config/snapshot.ts";
import type { GatewayError } from "../core/errors.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { admissionRefusal } from "./admitted.ts";

/** What was seen of an upstream is told at most so often. */
const OBSERVE_MS = 200;
/** What is asked of a client at least, before jitter, where the upstream asks for time. */
const LEAST_WAIT_MS = 1000;

/** The head of an upstream's answer, and what it answers. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** What the request was expected to use, input and output. */
  readonly costTokens: number;
}

/** What a door asks of its desk. */
interface DoorDesk {
  readonly wheel: TimerWheel;
  say(message: ToBroker): void;
  /** A slot of `upstream` has come free, and somebody waits. */
  freed(upstream: string): void;
}

interface Observations {
  readonly firstTokens: number[];
  readonly logSums: number[];
  answers: number;
  overloads: number;
}

/** See the file's comment. As a timer it is armed while there is something to tell. */
export class AdmissionDoor extends TimerEntry {
  readonly config: UpstreamConfig;
  /** Counts the upstream's slots. */
  readonly column: number;
  readonly cells: AdmissionCells;
  /** Requests of this loop that wait. */
  waiting = 0;
  readonly #desk: DoorDesk;
  /** How fast slots come free while others are turned away; only where nobody may wait. */
  readonly #drain = new DrainRate();
  /** Not told yet; `null` where nothing was seen. */
  #seen: Observations | null = null;

  constructor(config: UpstreamConfig, desk: DoorDesk, board: Board, column: number) {
    super();
    this.#desk = desk;
    this.config = config;
    this.column = column;
    this.cells = new AdmissionCells(board.memory, column);
  }

  /** By how much there are fewer slots now than there can be by the config. */
  get lacking(): number {
    const { maxConcurrency } = this.config;
    if (maxConcurrency === undefined) return 0;
    const most = typeof maxConcurrency === "object" ? maxConcurrency.max : maxConcurrency;
    return Math.max(0, most - this.cells.cap);
  }

  /** How long the upstream is not to be asked yet, milliseconds; 0 or less: it may be. */
  closedMs(): number {
    const { notBeforeMs } = this.cells;
    return notBeforeMs === 0 ? 0 : notBeforeMs - monotonicMs();
  }

  /** Why nobody can wait for the upstream's time to come. */
  closed(closedMs: number): GatewayError {
    return admissionRefusal("upstream_waits", Math.max(LEAST_WAIT_MS, closedMs) * (1 + Math.random() / 4));
  }

  /** Why there is no slot where nobody else may wait for one. */
  turnAway(): GatewayError {
    const nowMs = this.#desk.wheel.nowMs();
    this.#drain.setBusy(true, nowMs);
    return admissionRefusal("queue_full", this.#drain.retryAfterMs(0, nowMs));
  }

  /** A slot that the loop had taken by itself is back. */
  slotFreed(): void {
    // Only after it is back: who begins to wait from here on looks for it again.
    if (this.cells.waiting !== 0) this.#desk.freed(this.config.name);
    if (this.config.queue.maxWaiting > 0) return;
    const nowMs = this.#desk.wheel.nowMs();
    this.#drain.granted(nowMs);
    this.#drain.setBusy(false, nowMs);
  }

  /** The head of an answer has come. */
  observeAnswer(answer: UpstreamAnswer): void {
    if (REFUSES_FOR_NOW.has(answer.status)) this.observeOverload();
    // One replica of several that asks for time says nothing of the others.
    if (this.config.endpoints.length > 1) return;
    const waitMs = providerWaitMs(answer, Date.now());
    if (waitMs > 0) this.cells.raiseNotBefore(monotonicMs() + waitMs);
  }

  /** A stream's first token has come. @param ttftMs since the request was sent, milliseconds. */
  observeFirstToken(inputTokens: number, ttftMs: number): void {
    const size = sizeClassOf(inputTokens);
    this.#observe((seen) => {
      seen.firstTokens[size]!++;
      seen.logSums[size]! += Math.log(Math.max(ttftMs, 0.1));
    });
  }

  /** A whole answer has come, which is no stream. */
  observeWhole(): void {
    this.#observe((seen) => void seen.answers++);
  }

  /** An answer did not begin in time. */
  observeOverload(): void {
    this.#observe((seen) => void seen.overloads++);
  }

  override onTimer(): void {
    if (this.#seen !== null) this.#desk.say({ kind: "observed", upstream: this.config.name, seen: this.#seen });
    this.#seen = null;
  }

  #observe(note: (seen: Observations) => void): void {
    if (typeof this.config.maxConcurrency !== "object") return;
    this.#seen ??= { firstTokens: zeros(), logSums: zeros(), answers: 0, overloads: 0 };
    note(this.#seen);
    if (this.timerNext === null) this.#desk.wheel.arm(this, this.#desk.wheel.nowMs() + OBSERVE_MS);
  }
}

function zeros(): number[] {
  return Array.from({ length: SIZE_CLASSES }, () => 0);
}
