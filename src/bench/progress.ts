/**
 * One line a second on a terminal, saying how a load goes.
 */

import type { Meter } from "./meter.ts";
import type { LoadPlan } from "./scenario.ts";

const INTERVAL_MS = 1_000;

interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** A progress line. */
export interface Progress {
  /** Follows another load from now on. */
  follow(name: string, meter: Meter, plan: LoadPlan): void;
  stop(): void;
}

/** Starts a line on `output`; does nothing where that is no terminal. */
export function startProgress(output: ProgressOutput): Progress {
  if (output.isTTY !== true) return { follow() {}, stop() {} };
  let current: { name: string; meter: Meter; plan: LoadPlan; sinceMs: number; done: number } | null = null;
  const timer = setInterval(() => {
    if (current === null) return;
    const { meter, name, plan } = current;
    const done = meter.tokens + meter.answers;
    const seconds = Math.round((performance.now() - current.sinceMs) / 1000);
    const failed = meter.outcomes.cut + meter.outcomes.refused + meter.outcomes.unreachable;
    output.write(
      `\r\u001b[2K${name}: ${seconds} s, ${meter.open}/${plan.streams} open, ` +
        `${done - current.done}/s, p99 ${(meter.latency.percentile(99) / 1000).toFixed(1)} ms` +
        (failed > 0 ? `, ${failed} failed` : ""),
    );
    current.done = done;
  }, INTERVAL_MS);
  timer.unref();
  return {
    follow(name, meter, plan) {
      current = { name, meter, plan, sinceMs: performance.now(), done: 0 };
    },
    stop() {
      clearInterval(timer);
      output.write("\r\u001b[2K");
    },
  };
}
