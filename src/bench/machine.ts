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
    kernel: `${type()} ${release()}`,
    node: process.version,
  };
}
