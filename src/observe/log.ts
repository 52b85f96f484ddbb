/** The log: JSON lines on stdout by pino. */
import pino from "pino";
import type { ErrorCode } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import { GatheredOutput } from "./gathered-output.ts";

/** The log. */
export type Log = pino.Logger;

/** One finished request. Never holds a prompt, an answer or a key. */
export interface AccessRecord {
  readonly requestId: string;
  /** Who is billed; `null` while there are no tenants. */
  readonly tenant: string | null;
  readonly route: string;
  /** As the config names it; `null` when none was found. */
  readonly model: string | null;
  readonly upstream: string | null;
  readonly endpoint: string | null;
  /** Sent to the client; 0 when it left before one was sent. */
  readonly status: number;
  readonly outcome: Outcome;
  readonly endedBy: "client" | "gateway" | "upstream";
  readonly code: ErrorCode | null;
  readonly ttftMs: number | null;
  readonly durationMs: number;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  /** `upstream`: its own usage report; `counted`: from the token events that passed. */
  readonly tokensFrom: "upstream" | "counted" | null;
  readonly attempts: number;
  /** For an operator: what went wrong, in words. */
  readonly detail?: string;
}

/** @param onTerminal lines leave at once, for a person who watches. */
export function createLog(onTerminal: boolean): { readonly log: Log; readonly flush: () => Promise<void> } {
  // Levels as words: a number means nothing to whoever reads a line without pino at hand.
  const options = { base: null, formatters: { level: (label: string) => ({ level: label }) } };
  if (onTerminal) return { log: pino(options, pino.destination({ dest: 1, sync: true })), flush: async () => {} };
  const output = new GatheredOutput(1);
  return { log: pino(options, output), flush: () => output.flush() };
}
