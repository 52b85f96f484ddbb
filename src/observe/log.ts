/** The log: JSON lines on stdout by pino, gathered into few writes so that a line costs no system call of its own. */
import pino from "pino";
import type { ErrorCode } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";

/** Lines gathered before they are written, bytes. */
const GATHER_BYTES = 32 * 1024;
/** Longest time a line waits to be written. */
const FLUSH_INTERVAL_MS = 200;

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
export function createLog(onTerminal: boolean): { readonly log: Log; readonly flush: () => void } {
  const destination = pino.destination({
    dest: 1,
    sync: onTerminal,
    ...(onTerminal
      ? {}
      : {
          minLength: GATHER_BYTES,
          maxWrite: 2 * GATHER_BYTES,
          periodicFlush: FLUSH_INTERVAL_MS,
          maxLength: 64 * 1024 * 1024,
        }),
  });
  // Stdout is gone (a closed pipe): there is nowhere left to say so, and it is no reason to end streams.
  destination.on("error", () => {});
  const formatters = { level: (label: string) => ({ level: label }) };
  const log = pino({ base: null, formatters }, destination);
  return {
    log,
    flush(): void {
      try {
        destination.flushSync();
      } catch {
        // As above.
      }
    },
  };
}
