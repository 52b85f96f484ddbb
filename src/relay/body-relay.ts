/**
 * Passes on an answer that is one JSON body. Small ones are gathered and checked first, so that garbage under a 200 and a
 * connection that breaks become proper errors; larger ones pass as they come, in bounded memory.
 */
import { GatewayError } from "../core/errors.ts";
import { scanJsonObject } from "../core/json-scan.ts";
import type { Outcome } from "../core/outcome.ts";
import { parseJson } from "../dialects/json-access.ts";
import type { Usage } from "../dialects/sse-scan.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import type { ClientStream, ClientStreamEvents } from "./client.ts";
import type { Receiver } from "./receiver.ts";

/** Up to here a body is gathered and checked. */
const GATHER_LIMIT_BYTES = 256 * 1024;
/** Of a larger body this much of its end is kept to find the usage in. */
const TAIL_BYTES = 8 * 1024;
const USAGE_FIELD: ReadonlySet<string> = new Set(["usage", "usageMetadata"]);
const USAGE_AT_END = /"usage(?:Metadata)?"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})[\s\S]{0,512}$/;

/** See the file's comment. */
export class BodyRelay implements Receiver, ClientStreamEvents {
  readonly #attempt: Attempt;
  readonly #headers: HeaderList;
  #pieces: Buffer[] = [];
  #gatheredBytes = 0;
  /** Set once the body has proved too large to be gathered. */
  #stream: ClientStream | null = null;
  #tail = "";

  constructor(attempt: Attempt, headers: HeaderList) {
    this.#attempt = attempt;
    this.#headers = headers;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.#stream !== null) {
      this.#stream.append(bytes, start, end);
      this.#keepTail(bytes, start, end);
      return;
    }
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    this.#gatheredBytes += end - start;
    if (this.#gatheredBytes > GATHER_LIMIT_BYTES) this.#spill();
  }

  onFlush(): void {
    this.#stream?.flush();
  }

  onEnd(): void {
    const { call } = this.#attempt;
    if (this.#stream !== null) {
      const usage = USAGE_AT_END.exec(this.#tail)?.[1];
      if (usage !== undefined) call.usage = this.#usageFrom(`{"usage":${usage},"usageMetadata":${usage}}`);
      this.#attempt.stop();
      this.#stream.end();
      if (!call.settled) this.#attempt.awaitDelivery();
      return;
    }
    const body = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const scan = scanJsonObject(body, USAGE_FIELD);
    if (!scan.ok) {
      const error = new GatewayError("upstream_invalid", { detail: `the body is not JSON: ${scan.reason}` });
      return this.#attempt.refuse(error, "upstream_failed");
    }
    for (const [name, span] of scan.spans) {
      call.usage ??= this.#usageFrom(`{"${name}":${body.toString("utf8", span.start, span.end)}}`);
    }
    call.status = 200;
    call.client.answer(200, this.#answerHeaders(), body);
    this.#attempt.finish("completed");
  }

  fail(error: GatewayError, outcome: Outcome): void {
    if (this.#stream === null) return this.#attempt.refuse(error, outcome);
    const { call } = this.#attempt;
    call.code = error.code;
    call.detail = error.detail;
    // There is no error event in half a JSON body: only a broken connection says that it is not whole.
    this.#cut(outcome === "upstream_failed" ? "upstream_cut" : outcome);
  }

  abandon(): void {
    this.#pieces = [];
    this.#stream = null;
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
    this.#attempt.finish("completed");
  }

  #cut(outcome: Outcome): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#attempt.finish(outcome);
    stream?.cut();
  }

  #spill(): void {
    const { call } = this.#attempt;
    call.status = 200;
    this.#stream = call.client.begin(200, this.#answerHeaders(), this);
    for (const piece of this.#pieces) {
      this.#stream.append(piece, 0, piece.length);
      this.#keepTail(piece, 0, piece.length);
    }
    this.#pieces = [];
  }

  #keepTail(bytes: Buffer, start: number, end: number): void {
    this.#tail = (this.#tail + bytes.toString("latin1", Math.max(start, end - TAIL_BYTES), end)).slice(-TAIL_BYTES);
  }

  #answerHeaders(): string[] {
    const headers = answerHeaders(this.#attempt.call, "application/json");
    passOnHeaders(headers, this.#headers);
    return headers;
  }

  #usageFrom(json: string): Usage | null {
    return this.#attempt.call.upstream!.dialect.usageOf(parseJson(json)) ?? null;
  }
}
