/**
 * What all streams of one run have seen together. One object, plain numbers: a token costs it a few additions.
 */

import { LatencyHistogram } from "./histogram.ts";
import type { SequenceFaults } from "./token-sequence.ts";

/** How a stream ended. `stopped` is our own doing: hung up on purpose, or the run was over. */
export type StreamOutcome = "complete" | "refused" | "unreachable" | "cut" | "stopped";

/** Causes of failure kept for the report. */
const MAX_CAUSES = 8;

/** The tallies of one run. */
export class Meter {
  /** Streams (or connections) begun. */
  begun = 0;
  /** Streams under way: an answer has begun and not ended. */
  open = 0;
  peakOpen = 0;
  /** Token events received. */
  tokens = 0;
  /** Whole answers to requests, where one connection carries many. */
  answers = 0;
  readonly outcomes: Record<StreamOutcome, number> = { complete: 0, refused: 0, unreachable: 0, cut: 0, stopped: 0 };
  readonly faults: SequenceFaults = { lost: 0, duplicated: 0, reordered: 0 };
  /** From the call to the first token, microseconds. */
  readonly ttft = new LatencyHistogram();
  /** From the call to the head of a refusal, microseconds. */
  readonly refusal = new LatencyHistogram();
  /** From the sim's stamp to arrival, microseconds, or of whole requests; emptied when the steady window opens. */
  readonly latency = new LatencyHistogram();
  /** What went wrong → how often. */
  readonly causes = new Map<string, number>();

  /** Streams that have ended, however. */
  get ended(): number {
    const { complete, refused, unreachable, cut, stopped } = this.outcomes;
    return complete + refused + unreachable + cut + stopped;
  }

  /** Notes an answer that has begun. */
  onOpen(): void {
    this.open++;
    if (this.open > this.peakOpen) this.peakOpen = this.open;
  }

  /** Notes why something failed. */
  onCause(cause: string): void {
    if (this.causes.size < MAX_CAUSES || this.causes.has(cause)) {
      this.causes.set(cause, (this.causes.get(cause) ?? 0) + 1);
    }
  }
}
