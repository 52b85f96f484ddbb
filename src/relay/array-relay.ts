/**
 * Passes on Gemini's other form of a stream, one JSON array, element by element as it comes. An array has no error event: where it
 * breaks off, so does the client's connection.
 */
import { GatewayError } from "../core/errors.ts";
import { GrowingBuffer } from "../core/growing-buffer.ts";
import type { Outcome } from "../core/outcome.ts";
import { GeminiArrayScan } from "../dialects/gemini/array-scan.ts";
import { at, parseJson } from "../dialects/json-access.ts";
import type { Usage } from "../dialects/sse-scan.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import { BodyTail } from "./body-tail.ts";
import type { ClientStream, ClientStreamEvents } from "./client.ts";
import type { Receiver } from "./receiver.ts";

/** By so much of its beginning an answer is known for an array. */
const BEGINNING_BYTES = 256;
const ARRAY_BEGIN = /^[\t\n\r ]*\[/;
const ARRAY_END = /\][\t\n\r ]*$/;
const USAGE = /"usageMetadata"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})/g;

/** See the file's comment. */
export class ArrayRelay implements Receiver, ClientStreamEvents {
  readonly #attempt: Attempt;
  readonly #headers: HeaderList;
  readonly #scan = new GeminiArrayScan();
  /** The beginning, until it is known to be an array's: of the first read, or {@link BEGINNING_BYTES} and one more piece of it. */
  readonly #gathered = new GrowingBuffer();
  readonly #tail = new BodyTail();
  #stream: ClientStream | null = null;
  #outcome: Outcome = "completed";

  constructor(attempt: Attempt, headers: HeaderList) {
    this.#attempt = attempt;
    this.#headers = headers;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#scan.scan(bytes, start, end);
    if (this.#stream !== null) return this.#pass(this.#stream, bytes, start, end);
    this.#gathered.append(bytes, start, end);
    if (this.#gathered.length >= BEGINNING_BYTES) this.#begin();
  }

  onFlush(): void {
    const stream = this.#stream ?? this.#begin();
    if (stream === null) return;
    const { call } = this.#attempt;
    // Its first element is as welcome as any stream's first token.
    if (call.firstTokenMs === null) this.#attempt.firstToken();
    call.tokenEvents = this.#scan.elements;
    const refusal = call.meter !== null && this.#scan.atBoundary ? call.meter.check(this.#scan.elements) : null;
    if (refusal !== null) return this.#cutShort(stream, refusal);
    stream.flush();
  }

  onEnd(): void {
    const stream = this.#stream;
    if (stream === null) return this.fail(invalid("the body is not a JSON array"), "upstream_failed");
    if (!ARRAY_END.test(this.#tail.text)) {
      return this.fail(invalid("an array that does not end as JSON does"), "upstream_cut");
    }
    const { call } = this.#attempt;
    call.usage = this.#usage();
    if (call.usage === null) call.unreportedBytes = Infinity;
    this.#end(stream);
  }

  fail(error: GatewayError, outcome: Outcome): void {
    if (this.#stream === null) return this.#attempt.refuse(error, outcome);
    const { call } = this.#attempt;
    call.code = error.code;
    call.detail = error.detail;
    this.#cut(outcome === "upstream_failed" ? "upstream_cut" : outcome);
  }

  abandon(): void {
    this.#readPassed();
    this.#stream = null;
  }

  detach(): void {
    if (this.#stream !== null) this.#stream = this.#attempt.call.client.begin(200, [], this);
  }

  heartbeat(): number {
    return Infinity;
  }

  onBlocked(): void {
    this.#attempt.pause();
  }

  onUnblocked(): void {
    this.#attempt.resume();
  }

  onStalled(): void {
    this.#cut("client_stalled");
  }

  onDelivered(): void {
    this.#attempt.finish(this.#outcome);
  }

  /** @returns `null` where the answer was no array and has been refused. */
  #begin(): ClientStream | null {
    const { call } = this.#attempt;
    const gathered = this.#gathered.take();
    if (!ARRAY_BEGIN.test(gathered.toString("latin1", 0, BEGINNING_BYTES))) {
      this.#attempt.fail(invalid("the body is not a JSON array"), "upstream_failed");
      return null;
    }
    call.status = 200;
    const headers = answerHeaders(call, "application/json");
    passOnHeaders(headers, this.#headers);
    this.#stream = call.client.begin(200, headers, this);
    this.#pass(this.#stream, gathered, 0, gathered.length);
    return this.#stream;
  }

  #pass(stream: ClientStream, bytes: Buffer, start: number, end: number): void {
    stream.append(bytes, start, end);
    this.#tail.keep(bytes, start, end);
  }

  /** The tenant has used up what it may. */
  #cutShort(stream: ClientStream, { message }: GatewayError): void {
    const { call } = this.#attempt;
    call.code = "limit_reached";
    call.detail = message;
    this.#outcome = "limited";
    const ending = Buffer.from(this.#scan.cutShort({ code: call.code, message }));
    stream.append(ending, 0, ending.length);
    this.#readPassed();
    this.#end(stream);
  }

  #end(stream: ClientStream): void {
    this.#attempt.stop();
    stream.end();
    if (!this.#attempt.call.settled) this.#attempt.awaitDelivery();
  }

  #cut(outcome: Outcome): void {
    const stream = this.#stream;
    this.#readPassed();
    this.#stream = null;
    this.#attempt.finish(outcome);
    stream?.cut();
  }

  /** The answer ends before its time: what has passed of it is known, unless it was for the prompt alone. */
  #readPassed(): void {
    const metadata = this.#lastMetadata();
    if (at(metadata, "candidatesTokenCount") !== undefined) this.#attempt.call.usage = this.#usage(metadata);
  }

  #usage(metadata = this.#lastMetadata()): Usage | null {
    return this.#attempt.call.upstream!.dialect.usageOf({ usageMetadata: metadata }) ?? null;
  }

  /** Each element has its own, and the last counts for all. */
  #lastMetadata(): unknown {
    return parseJson([...this.#tail.text.matchAll(USAGE)].at(-1)?.[1] ?? "");
  }
}

function invalid(detail: string): GatewayError {
  return new GatewayError("upstream_invalid", { detail });
}
