/**
 * One keep-alive connection that carries small JSON requests, one at a time.
 */

import type { Socket } from "node:net";
import { monotonicUs } from "../sim/token.ts";
import type { Meter, StreamOutcome } from "./meter.ts";
import { ResponseReader, type ResponseSink } from "./response-reader.ts";
import { openLoadSocket } from "./socket.ts";
import { chatRequest, type SimOrder, type Target } from "./target.ts";
import { TokenScanner, type TokenSink } from "./token-scanner.ts";
import { TokenSequence } from "./token-sequence.ts";

interface RequestClientOptions {
  readonly target: Target;
  readonly order: SimOrder;
  readonly meter: Meter;
  /** An answer has come whole: the client is free to {@link RequestClient.send} again, at once or later. */
  readonly onAnswered: (client: RequestClient) => void;
}

/** Sends its first request with its construction; ends with {@link stop} or its first fault. */
export class RequestClient implements ResponseSink, TokenSink {
  /** How it ended; `null` while it runs. */
  outcome: StreamOutcome | null = null;

  readonly #meter: Meter;
  readonly #tokensAsked: number;
  readonly #request: string;
  readonly #onAnswered: (client: RequestClient) => void;
  readonly #reader = new ResponseReader();
  readonly #scanner = new TokenScanner();
  readonly #socket: Socket;
  #sequence = new TokenSequence();
  #sentUs = monotonicUs();
  #status = 0;
  #answers = 0;

  constructor(options: RequestClientOptions) {
    this.#meter = options.meter;
    this.#tokensAsked = options.order.tokens;
    this.#request = chatRequest(options.target, options.order, false);
    this.#onAnswered = options.onAnswered;
    this.#meter.begun++;
    this.#socket = openLoadSocket(options.target, this.#request, {
      onRead: (bytes, sizeBytes) => this.#onRead(bytes, sizeBytes),
      onClose: (error) => this.#onClose(error),
    });
  }

  /** Sends the next request; the one before must have been answered. */
  send(): void {
    if (this.outcome !== null) return;
    this.#sentUs = monotonicUs();
    this.#socket.write(this.#request, "latin1");
  }

  /** Ends from our side, without a fault. */
  stop(): void {
    this.#end("stopped");
  }

  onHead(status: number): void {
    this.#status = status;
    if (this.#answers === 0) this.#meter.onOpen();
  }

  onContent(bytes: Uint8Array, start: number, end: number): void {
    this.#scanner.scan(bytes, start, end, this);
  }

  onToken(index: number): void {
    this.#sequence.accept(index);
  }

  onDone(): void {}

  onComplete(): void {
    this.#answers++;
    if (this.#status !== 200) this.#end("refused", `status ${this.#status}`);
  }

  #onRead(bytes: Buffer, sizeBytes: number): void {
    if (this.outcome !== null) return;
    const fault = this.#reader.feed(bytes, sizeBytes, this);
    if (fault !== null) this.#end("cut", fault);
    else if (this.#reader.complete && this.outcome === null) this.#onAnswer();
  }

  #onAnswer(): void {
    const meter = this.#meter;
    meter.answers++;
    meter.latency.record(monotonicUs() - this.#sentUs);
    this.#sequence.settle(this.#tokensAsked, meter.faults);
    this.#sequence = new TokenSequence();
    this.#scanner.reset();
    this.#reader.next();
    this.#onAnswered(this);
  }

  #onClose(error: Error | null): void {
    const code = error === null ? "closed" : ((error as NodeJS.ErrnoException).code ?? error.message);
    if (this.#answers === 0 && this.#status === 0) this.#end("unreachable", `${code} before the answer`);
    else this.#end("cut", `${code} between answers`);
  }

  #end(outcome: StreamOutcome, cause?: string): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.#meter.outcomes[outcome]++;
    if (cause !== undefined) this.#meter.onCause(cause);
    if (this.#status !== 0) this.#meter.open--;
    this.#socket.destroy();
  }
}
