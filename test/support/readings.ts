/** Readings of a process that a test sets as it likes. */
import type { ProcessReadings } from "../../src/admission/process-readings.ts";

/** Nothing of anything is used, of 100 that there may be. */
const IDLE: ProcessReadings = {
  rssBytes: 0,
  rssLimitBytes: 100,
  bufferedBytes: 0,
  bufferedLimitBytes: 100,
  openSockets: 0,
  socketLimit: 100,
};

/** Readings that can be changed while a loop takes them. */
export class TestReadings {
  #readings = IDLE;

  /** What a loop is given. */
  readonly read = (): ProcessReadings => this.#readings;

  /** From now on these are used, in percent; of the others nothing. */
  set(used: { readonly memory?: number; readonly buffers?: number; readonly sockets?: number }): void {
    const { memory = 0, buffers = 0, sockets = 0 } = used;
    this.#readings = { ...IDLE, rssBytes: memory, bufferedBytes: buffers, openSockets: sockets };
  }
}
