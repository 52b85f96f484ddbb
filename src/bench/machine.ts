/**
 * What a figure was measured on.
 */

import { cpus, release, type } from "node:os";

/** The machine, as far as it decides a figure. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly kernel: string;
  readonly node: string;
}

/** This machine. */
export function describeMachine(): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    // Without what a distributor has put behind the version.
    kernel: `${type()} ${release().split("-", 1)[0]}`,
    node: process.version,
  };
}
