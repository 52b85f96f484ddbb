/** What a scan has to find in a stream, found the slow way: eventsource-parser and JSON.parse. */
import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import type { Dialect } from "../../../src/dialects/dialect.ts";
import type { SseScan, Usage } from "../../../src/dialects/sse-scan.ts";

/** What a scan says of a whole stream. */
export interface Finding {
  readonly tokenEvents: number;
  readonly complete: boolean;
  readonly failed: boolean;
  readonly usage: Usage | undefined;
}

/** What JSON holds. */
// oxlint-disable-next-line typescript/no-explicit-any -- an oracle should be plain to read
type Json = any;

/** Every event, the last one even if the stream ended before its empty line, as official SDKs have it. */
export function eventsOf(wire: Buffer | string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event), maxBufferSize: Infinity });
  parser.feed(`${wire.toString()}\n\n`);
  return events;
}

/** The oracle's finding for a whole stream. */
export function expectedOf(dialect: Dialect["name"], wire: Buffer | string): Finding {
  const events = eventsOf(wire);
  if (dialect === "openai") return openai(events);
  return dialect === "gemini" ? gemini(events) : anthropic(events);
}

/** Feeds `wire` in pieces that end at `cuts`, each from a read buffer that still holds what was read before. */
export function scanInPieces(scan: SseScan, wire: Buffer, cuts: Iterable<number>): Finding {
  const shared = Buffer.alloc(Math.max(64 * 1024, wire.length + 64), "\n\ndata: [DONE]\n\n");
  let from = 0;
  let offset = 0;
  for (const asked of [...cuts, wire.length]) {
    const cut = Math.min(asked, wire.length);
    if (cut <= from) continue;
    offset = (offset + 7) % 50;
    const end = offset + wire.copy(shared, offset, from, cut);
    scan.scan(shared, offset, end);
    from = cut;
    if (scan.atBoundary !== endsWithEvent(wire.subarray(0, cut))) {
      throw new Error(
        `atBoundary is ${scan.atBoundary} after ${JSON.stringify(wire.toString("utf8", 0, cut).slice(-40))}`,
      );
    }
  }
  return findingOf(scan);
}

/** A scan's finding. */
export function findingOf(scan: SseScan): Finding {
  return { tokenEvents: scan.tokenEvents, complete: scan.complete, failed: scan.failed, usage: scan.usage() };
}

function endsWithEvent(bytes: Buffer): boolean {
  return bytes.length === 0 || /(?:^\uFEFF?|\n)\r?\n$/.test(bytes.toString("utf8"));
}

function parse(data: string): Json {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

const filled = (value: Json): boolean =>
  typeof value === "string"
    ? value !== ""
    : typeof value === "object" && value !== null && Object.keys(value).length > 0;

/**
 * An event counts when it brings output. Between the first output and the first finish reason or error every event is taken to do
 * so, whatever is in it: that is the documented rule which spares the hot path the parsing.
 */
class Count {
  tokenEvents = 0;
  complete = false;
  failed = false;

  event(brings: boolean, finishes: boolean): void {
    if (brings || (this.tokenEvents > 0 && !this.complete && !this.failed && !finishes)) this.tokenEvents++;
    if (finishes) this.complete = true;
  }
}

function openai(events: readonly EventSourceMessage[]): Finding {
  const count = new Count();
  let reported: Json;
  for (const { event, data } of events) {
    if (event?.startsWith("error") === true) count.failed = true;
    if (data === "") continue;
    if (data.startsWith("[DONE]")) {
      count.complete = true;
      continue;
    }
    const body = parse(data);
    if (filled(body?.error) || body?.object === "error") {
      count.failed = true;
      continue;
    }
    const choices: Json[] = body?.choices ?? [];
    const brings = choices.some(
      (choice) => filled(choice.text) || Object.entries(choice.delta ?? {}).some(([k, v]) => k !== "role" && filled(v)),
    );
    count.event(
      brings,
      choices.some((choice) => filled(choice.finish_reason)),
    );
    const reports = [...choices.map((choice) => choice.usage), body?.x_groq?.usage, body?.usage];
    reported = reports.findLast((usage) => filled(usage)) ?? reported;
  }
  const usage =
    reported === undefined
      ? undefined
      : {
          inputTokens: reported.prompt_tokens,
          outputTokens:
            (reported.total_tokens ?? reported.prompt_tokens + reported.completion_tokens) - reported.prompt_tokens,
          ...cached(reported.prompt_tokens_details?.cached_tokens ?? reported.prompt_cache_hit_tokens),
        };
  return { tokenEvents: count.tokenEvents, complete: count.complete, failed: count.failed, usage };
}

/** Of the input, what the provider had in its cache, where it was any. */
function cached(tokens: unknown): { readonly cachedInputTokens?: number } {
  return typeof tokens === "number" && tokens > 0 ? { cachedInputTokens: tokens } : {};
}

function gemini(events: readonly EventSourceMessage[]): Finding {
  const count = new Count();
  let reported: Json;
  for (const { data } of events) {
    const body = parse(data);
    if (body?.error !== undefined) {
      count.failed = true;
      continue;
    }
    const candidates: Json[] = body?.candidates ?? [];
    const finishes = filled(body?.promptFeedback?.blockReason) || candidates.some((one) => filled(one.finishReason));
    const parts: Json[] = candidates.flatMap((one) => one.content?.parts ?? []);
    count.event(
      parts.some((part) => Object.values(part).some(filled)),
      finishes,
    );
    reported = body?.usageMetadata ?? reported;
  }
  const input = reported?.promptTokenCount;
  const known = input !== undefined && (count.complete || reported.candidatesTokenCount !== undefined);
  const inputTokens = (input ?? 0) + (reported?.toolUsePromptTokenCount ?? 0);
  const outputTokens = (reported?.candidatesTokenCount ?? 0) + (reported?.thoughtsTokenCount ?? 0);
  return {
    tokenEvents: count.tokenEvents,
    complete: count.complete,
    failed: count.failed,
    usage: known ? { inputTokens, outputTokens, ...cached(reported.cachedContentTokenCount) } : undefined,
  };
}

function anthropic(events: readonly EventSourceMessage[]): Finding {
  const usage: Json = {};
  for (const { event, data } of events) {
    const body = parse(data);
    const reports =
      event === "message_start" ? body?.message?.usage : event === "message_delta" ? body?.usage : undefined;
    for (const [key, value] of Object.entries(reports ?? {})) {
      if (typeof value === "number" && (key !== "output_tokens" || event === "message_delta")) usage[key] = value;
    }
  }
  const { input_tokens: input, cache_creation_input_tokens: written, cache_read_input_tokens: read } = usage;
  const outputTokens = usage.output_tokens;
  return {
    tokenEvents: events.filter(({ event }) => event === "content_block_delta").length,
    complete: events.some(({ event }) => event === "message_stop"),
    failed: events.some(({ event }) => event === "error"),
    usage:
      input !== undefined && outputTokens !== undefined
        ? { inputTokens: input + (written ?? 0) + (read ?? 0), outputTokens, ...cached(read) }
        : undefined,
  };
}
