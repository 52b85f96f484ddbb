/**
 * Passes on an answer that is one JSON body. Small ones are gathered and checked first, so that garbage under a 200 and a
 * connection that breaks become proper errors; larger ones pass as they come, in bounded memory.
 */
import { isUtf8 } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import { GrowingBuffer } from "../core/growing-buffer.ts";
import type { Outcome } from "../core/outcome.ts";
import { at, parseJson } from "../dialects/json-access.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import { BodyTail } from "./body-tail.ts";
import type { ClientStream, ClientStreamEvents } from "./client.ts";
import type { Receiver } from "./receiver.ts";
import { redact } from "./redact.ts";

/** Up to here a body is gathered and checked. */
const GATHER_LIMIT_BYTES = 256 * 1024;
const OBJECT_BEGIN = /^[\t\n\r ]*\{/;
const OBJECT_END = /\}[\t\n\r ]*$/;
const USAGE_AT_END = /"usage(?:Metadata)?"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})[\s\S]{0,512}$/;

/** See the file's comment. */
export class BodyRelay implements Receiver, ClientStreamEvents {
  readonly #attempt: Attempt;
  readonly #headers: HeaderList;
  readonly #gathered = new GrowingBuffer();
  /** Set once the body has proved too large to be gathered. */
  #stream: ClientStream | null = null;
  readonly #tail = new BodyTail();

  constructor(attempt: Attempt, headers: HeaderList) {
    this.#attempt = attempt;
    this.#headers = headers;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.#stream !== null) return this.#pass(this.#stream, bytes, start, end);
    this.#gathered.append(bytes, start, end);
    if (this.#gathered.length > GATHER_LIMIT_BYTES) this.#spill();
  }

  onFlush(): void {
    this.#stream?.flush();
  }

  onEnd(): void {
    const { call } = this.#attempt;
    if (this.#stream !== null) {
      if (!OBJECT_END.test(this.#tail.text)) {
        const error = new GatewayError("upstream_invalid", { detail: "a large body that does not end as JSON does" });
        return this.fail(error, "upstream_cut");
      }
      const usage = USAGE_AT_END.exec(this.#tail.text)?.[1];
      if (usage !== undefined) {
        const answer = parseJson(`{"usage":${usage},"usageMetadata":${usage}}`);
        call.usage = call.upstream!.dialect.usageOf(answer) ?? null;
      }
      if (call.usage === null) call.unreportedBytes = Infinity;
      return this.#end(this.#stream);
    }
    const body = this.#gathered.take();
    const answer = parseAnswer(body);
    const failure = this.#failureOf(answer);
    if (failure !== undefined) return this.#attempt.refuse(failure, "upstream_failed");
    call.usage = call.upstream!.dialect.usageOf(answer) ?? null;
    if (call.usage === null) call.unreportedBytes = isPending(answer) ? Infinity : body.length;
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
    this.#gathered.take();
    this.#passed();
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
    this.#attempt.finish("completed");
  }

  #cut(outcome: Outcome): void {
    const stream = this.#stream;
    this.#passed();
    this.#stream = null;
    this.#attempt.finish(outcome);
    stream?.cut();
  }

  /** The answer ends before its time: what has passed of it does not say its usage. */
  #passed(): void {
    if (this.#stream !== null) this.#attempt.call.unreportedBytes = Infinity;
  }

  #end(stream: ClientStream): void {
    this.#attempt.stop();
    stream.end();
    if (!this.#attempt.call.settled) this.#attempt.awaitDelivery();
  }

  /** A 200 that is no JSON object, holds an error, or is not the stream that a prompt was to get, is none. */
  #failureOf(answer: unknown): GatewayError | undefined {
    const { call } = this.#attempt;
    if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
      return new GatewayError("upstream_invalid", { detail: "the body is not a JSON object" });
    }
    if ((at(answer, "error") ?? null) !== null) {
      const said = call.upstream!.dialect.errorMessage(answer);
      const message = said === undefined ? undefined : redact(said, call.upstream!.config.apiKey);
      return new GatewayError("upstream_error", message === undefined ? {} : { message });
    }
    return call.kind.kind === "prompt"
      ? new GatewayError("upstream_invalid", { detail: "a whole answer in place of a stream" })
      : undefined;
  }

  #spill(): void {
    const { call } = this.#attempt;
    const gathered = this.#gathered.take();
    if (!OBJECT_BEGIN.test(gathered.toString("latin1", 0, 256)) || call.kind.kind === "prompt") {
      const error = new GatewayError("upstream_invalid", { detail: "a large body that is not a JSON object" });
      return this.#attempt.fail(error, "upstream_failed");
    }
    call.status = 200;
    this.#stream = call.client.begin(200, this.#answerHeaders(), this);
    this.#pass(this.#stream, gathered, 0, gathered.length);
  }

  #pass(stream: ClientStream, bytes: Buffer, start: number, end: number): void {
    stream.append(bytes, start, end);
    this.#tail.keep(bytes, start, end);
  }

  #answerHeaders(): string[] {
    const headers = answerHeaders(this.#attempt.call, "application/json");
    passOnHeaders(headers, this.#headers);
    return headers;
  }
}

/** A response that OpenAI makes in the background: what it will use is said to whoever asks for it later. */
function isPending(answer: unknown): boolean {
  const status = at(answer, "status");
  return status === "queued" || status === "in_progress";
}

/** `undefined` for what is no JSON. Its size is bounded, so what V8 may need for the worst of nesting is, too (60 bytes a byte). */
function parseAnswer(body: Buffer): unknown {
  return isUtf8(body) ? parseJson(body.toString("utf8")) : undefined;
}
