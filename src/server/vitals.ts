/** Writes on the board how a loop fares: that it turns, what it holds, how late and how busy it is. */
import { getHeapStatistics } from "node:v8";
import type { BoardRow } from "../board/row.ts";
import type { LoopReport, PulseTarget } from "../observe/loop-pulse.ts";
import type { DelayReadings } from "../observe/metrics.ts";

/** What a loop holds now. */
export interface LoopHoldings {
  readonly calls: number;
  /** Bytes that wait for slow clients. */
  readonly bufferedBytes: number;
  /** Connections of clients. */
  readonly clientSockets: number;
  readonly gate: { readonly level: "normal" | "soft" | "hard" } | null;
  openSockets(): number;
}

/** Level → its number on the board. */
const PRESSURE = { normal: 0, soft: 1, hard: 2 } as const;

/** See the file's comment. */
export class Vitals implements PulseTarget, DelayReadings {
  readonly #row: BoardRow;
  readonly #loop: LoopHoldings;
  #lastReport: LoopReport | null = null;

  constructor(row: BoardRow, loop: LoopHoldings) {
    this.#row = row;
    this.#loop = loop;
  }

  beat(nowMs: number, heldMs: number): void {
    // First, so that whoever sees the beat sees what belongs to it.
    this.#row.set("heldMs", heldMs);
    this.#row.beat(nowMs);
    this.#row.set("streams", this.#loop.calls);
    this.#row.set("openSockets", this.#loop.openSockets());
    this.#row.set("clientSockets", this.#loop.clientSockets);
    this.#row.set("bufferedBytes", this.#loop.bufferedBytes);
    this.#row.set("pressure", PRESSURE[this.#loop.gate?.level ?? "normal"]);
  }

  get loop(): number {
    return this.#row.owner;
  }

  lastReport(): LoopReport | null {
    return this.#lastReport;
  }

  report(report: LoopReport): void {
    this.#lastReport = report;
    const { delayP50Us, delayP99Us, delayMaxUs, utilisation } = report;
    this.#row.set("delayP50Us", delayP50Us);
    this.#row.set("delayP99Us", delayP99Us);
    this.#row.set("delayMaxUs", delayMaxUs);
    this.#row.set("utilisation", utilisation);
    this.#row.set("heapBytes", getHeapStatistics().used_heap_size);
  }
}
