/**
 * Passes a stream on, byte for byte, while looking at it. This is the hot path: per token event one `append`, one scan,
 * one write.
 *
 * Nothing is sent before the first byte of the body has come: until then a failure can still be a proper error status.
 */
import { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { SseScan } from "../dialects/sse-scan.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders, STREAM_HEADERS } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import type { ClientStream, ClientStreamEvents } from "./client.ts";
import type { CallKind } from "./call.ts";
import type { Receiver } from "./receiver.ts";
import { StreamTranslation } from "./stream-translation.ts";

/** What a line of an event stream can begin with: data, event, id, retry, a comment, a line end, a byte order mark. */
const EVENT_STREAM_STARTS = new Set(Buffer.from("deir:\r\n\uFEFF"));
/** A comment: parsers skip it. */
const HEARTBEAT = Buffer.from(": \n\n");
/** White space, which JSON may have anywhere. */
const ARRAY_HEARTBEAT = Buffer.from("\n");
const EVENT_END = Buffer.from("\n\n");
const LF = 0x0a;

/** See the file's comment. */
export class StreamRelay implements Receiver, ClientStreamEvents {
  readonly #attempt: Attempt;
  /** Looks at what passes; or writes it anew, where the caller speaks another API. */
  readonly #scan: SseScan | StreamTranslation;
  /** The same, where it is one. */
  readonly #translation: StreamTranslation | null;
  /** Head fields of the upstream; let go when ours have been sent. */
  #upstreamHeaders: HeaderList | null;
  #stream: ClientStream | null = null;
  /** When the last token event came, monotonic milliseconds; 0 before the first. */
  #tokenMs = 0;
  /** When anything was last sent to the client. */
  #sentMs: number;
  /** Something was appended since the last flush that is not as the upstream sent it. */
  #hasText = false;
  #outcome: Outcome = "completed";
  /** A limit is used up, and the stream ends with the event that is passing. */
  #refusal: GatewayError | null = null;
  /** The first byte of the body has come, and is one that an event stream can begin with. */
  #started = false;
  /** Everything has been handed to the client's side; the last of it may still wait there. */
  #ended = false;

  constructor(attempt: Attempt, headers: HeaderList) {
    this.#attempt = attempt;
    const { answers, kind, meter, translation, upstream } = attempt.call;
    this.#translation = translation === null ? null : new StreamTranslation(translation);
    // A route of the same API may have streams of its own.
    const passing = kind.kind === "prompt" ? upstream!.dialect : kind.dialect;
    this.#scan = this.#translation ?? passing.createScan({ answers, mayBeCut: meter !== null });
    this.#upstreamHeaders = headers;
    this.#sentMs = performance.now();
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (!this.#started) {
      if (!EVENT_STREAM_STARTS.has(bytes[start]!)) {
        const error = new GatewayError("upstream_invalid", { detail: "the body is not an event stream" });
        return this.#attempt.fail(error, "upstream_failed");
      }
      this.#started = true;
      // Unless a heartbeat has.
      if (this.#stream === null) this.#begin();
    }
    if (this.#translation !== null) return this.#appendText(this.#translation.feed(bytes, start, end));
    if (this.#refusal !== null) return this.#passEvent(bytes, start, end, this.#refusal);
    this.#stream!.append(bytes, start, end);
    (this.#scan as SseScan).scan(bytes, start, end);
  }

  onFlush(): void {
    const stream = this.#stream;
    if (stream === null || this.#ended) return;
    const { call, activeMs } = this.#attempt;
    // Where translation has gathered what came, nothing is on its way to the client.
    if (this.#translation === null || this.#hasText) this.#sentMs = activeMs;
    this.#hasText = false;
    const isBegin = this.#tokenMs === 0;
    if (this.#scan.tokenEvents !== call.tokenEvents) {
      if (isBegin) this.#attempt.firstToken();
      else call.runtime.metrics.interToken.observe((activeMs - this.#tokenMs) / 1000);
      this.#tokenMs = activeMs;
      call.tokenEvents = this.#scan.tokenEvents;
    }
    if (call.meter !== null && !this.#scan.complete && !this.#scan.failed) {
      this.#refusal = call.meter.check(this.#outputTokens());
      if (this.#refusal !== null && this.#scan.atBoundary) return this.#cutShort(this.#refusal);
    }
    // What a reader waits for: the first token, and to hear that there are no more.
    if (!isBegin && !this.#scan.complete && !this.#scan.failed) return stream.flushSoon();
    // Nothing can follow the error that was written, however long the upstream goes on. What merely passes, passes to its end.
    if (this.#translation?.failed === true) return this.onEnd();
    stream.flush();
  }

  onEnd(): void {
    if (this.#stream === null) {
      const error = new GatewayError("upstream_invalid", { detail: "the stream was empty" });
      return this.#attempt.refuse(error, "upstream_failed");
    }
    if (this.#translation !== null) this.#appendText(this.#translation.end());
    else this.#scan.end();
    // An end that HTTP calls complete and the dialect does not: the server behind it died politely.
    if (!this.#scan.complete && !this.#scan.failed) {
      return this.fail(
        new GatewayError("upstream_disconnected", { detail: "the stream ended without its end event" }),
        "upstream_cut",
      );
    }
    if (this.#scan.failed) {
      this.#attempt.call.code = "upstream_error";
      this.#outcome = "upstream_cut";
    }
    this.#end();
  }

  fail(error: GatewayError, outcome: Outcome): void {
    if (this.#stream === null) return this.#attempt.refuse(error, outcome);
    const { call } = this.#attempt;
    if (this.#ended) {
      call.code ??= error.code;
      return this.#cut(outcome);
    }
    // The answer is whole. What broke is how HTTP would have said so, and no client looks for an error behind the end.
    if (this.#translation?.complete ?? (this.#scan as SseScan).over) return this.onEnd();
    call.code = error.code;
    call.detail = error.detail;
    this.#outcome = outcome === "upstream_failed" ? "upstream_cut" : outcome;
    // The stream speaks its upstream's dialect. An event that was broken off is closed first, or ours would be part of it.
    if (!this.#scan.atBoundary) this.#append(EVENT_END);
    const dialect = call.kind.kind === "prompt" ? call.upstream!.dialect : call.kind.dialect;
    this.#appendText(this.#translation?.errorEvent(error) ?? dialect.errorEvent(error));
    this.#stream.flush();
    this.#end();
  }

  abandon(): void {
    this.#stream = null;
    this.#readUsage();
  }

  detach(): void {
    if (this.#stream === null || this.#ended) return;
    this.#stream = this.#attempt.call.client.begin(200, [], this);
  }

  heartbeat(nowMs: number): number {
    const { call } = this.#attempt;
    const intervalMs = call.runtime.snapshot.streams.heartbeatMs;
    if (intervalMs === 0 || (call.kind.kind === "prompt" && call.kind.raw)) return Infinity;
    if (nowMs < this.#sentMs + intervalMs) return this.#sentMs + intervalMs;
    this.#sentMs = nowMs;
    // Never into the middle of an event, and not on top of what a slow client has yet to take.
    if (this.#stream === null) this.#begin();
    if (this.#scan.atBoundary && !this.#stream!.blocked) {
      this.#append(contentTypeOf(call.kind) === "application/json" ? ARRAY_HEARTBEAT : HEARTBEAT);
      this.#stream!.flush();
    }
    return nowMs + intervalMs;
  }

  onBlocked(): void {
    this.#attempt.pause();
  }

  onUnblocked(): void {
    this.#attempt.resume();
  }

  onStalled(): void {
    this.#readUsage();
    this.#cut("client_stalled");
  }

  onDelivered(): void {
    this.#attempt.finish(this.#outcome);
  }

  #begin(): void {
    const { call } = this.#attempt;
    const headers = answerHeaders(call, contentTypeOf(call.kind));
    headers.push(...STREAM_HEADERS);
    passOnHeaders(headers, this.#upstreamHeaders ?? []);
    this.#upstreamHeaders = null;
    call.status = 200;
    this.#stream = call.client.begin(200, headers, this);
  }

  /** Passes what is left of the event that a read has cut, and ends the stream there, unless that was the last one. */
  #passEvent(bytes: Buffer, start: number, end: number, refusal: GatewayError): void {
    const scan = this.#scan as SseScan;
    for (let at = start; at < end;) {
      const lf = bytes.indexOf(LF, at);
      const stop = lf === -1 || lf >= end ? end : lf + 1;
      this.#stream!.append(bytes, at, stop);
      scan.scan(bytes, at, stop);
      at = stop;
      if (scan.atBoundary && !scan.complete && !scan.failed) return this.#cutShort(refusal);
    }
  }

  /** So far. */
  #outputTokens(): number {
    if (this.#translation === null) return (this.#scan as SseScan).outputTokens;
    return Math.max(this.#translation.tokenEvents, this.#translation.usage()?.outputTokens ?? 0);
  }

  /** The tenant has used up what it may. */
  #cutShort({ message }: GatewayError): void {
    const { call } = this.#attempt;
    call.code = "limit_reached";
    call.detail = message;
    this.#outcome = "limited";
    this.#appendText(this.#scan.cutShort({ code: call.code, message }));
    this.#stream!.flush();
    this.#end();
  }

  #appendText(text: string): void {
    if (text === "") return;
    this.#hasText = true;
    this.#append(Buffer.from(text));
  }

  #append(bytes: Buffer): void {
    this.#stream!.append(bytes, 0, bytes.length);
  }

  #end(): void {
    this.#ended = true;
    this.#readUsage();
    this.#attempt.stop();
    this.#stream!.end();
    if (!this.#attempt.call.settled) this.#attempt.awaitDelivery();
  }

  #cut(outcome: Outcome): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#attempt.finish(outcome);
    stream?.cut();
  }

  #readUsage(): void {
    this.#attempt.call.usage = this.#scan.usage() ?? null;
  }
}

function contentTypeOf(kind: CallKind): string {
  if (kind.kind === "prompt" && kind.raw) return "application/octet-stream";
  if (kind.kind === "pass" && kind.framing === "json_array") return "application/json";
  return "text/event-stream; charset=utf-8";
}
