/** The log: JSON lines on stdout by pino. */
import pino from "pino";
import type { ErrorCode } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";

/** The log. */
export interface Log {
  readonly info: pino.LogFn;
  readonly warn: pino.LogFn;
  readonly error: pino.LogFn;
  /** Writes the line of a finished request. */
  access(record: AccessRecord): void;
}

/** One finished request. Never holds a prompt, an answer or a key. */
export interface AccessRecord {
  readonly requestId: string;
  /** Who is billed. */
  readonly tenant: string;
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

/** Where lines go. */
interface LogOutput {
  /** Takes one line with its line end; must not throw. */
  write(line: string): void;
}

/** Makes the log. Levels are words: a number means nothing to whoever reads a line without pino at hand. */
export function createLog(output: LogOutput): Log {
  const logger = pino({ base: null, formatters: { level: (label) => ({ level: label }) } }, output);
  return {
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    error: logger.error.bind(logger),
    access: (record) => output.write(accessLine(record)),
  };
}

/**
 * The same line that pino would write, put together by hand: there is one for every request, and this takes a third of
 * pino's time. Strings are quoted unless they come from a closed list or were checked on arrival.
 */
function accessLine(r: AccessRecord): string {
  return (
    `{"level":"info","time":${Date.now()},"requestId":"${r.requestId}","tenant":"${r.tenant}",` +
    `"route":"${r.route}","model":${quoted(r.model)},"upstream":${quoted(r.upstream)},` +
    `"endpoint":${quoted(r.endpoint)},"status":${r.status},"outcome":"${r.outcome}","endedBy":"${r.endedBy}",` +
    `"code":${r.code === null ? "null" : `"${r.code}"`},"ttftMs":${r.ttftMs},"durationMs":${r.durationMs},` +
    `"tokensIn":${r.tokensIn},"tokensOut":${r.tokensOut},` +
    `"tokensFrom":${r.tokensFrom === null ? "null" : `"${r.tokensFrom}"`},"attempts":${r.attempts},` +
    `${r.detail === undefined ? "" : `"detail":${JSON.stringify(r.detail)},`}"msg":"request"}\n`
  );
}

/** Names of the config that are kept quoted. */
const MAX_QUOTED = 4096;
const quotedNames = new Map<string | null, string>();

/** A name of the config as JSON, made once: to look it up takes a tenth of the time. */
function quoted(name: string | null): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  // Every reload may bring others.
  if (quotedNames.size >= MAX_QUOTED) quotedNames.clear();
  const text = JSON.stringify(name);
  quotedNames.set(name, text);
  return text;
}
