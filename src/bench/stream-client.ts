/**
 * One streaming request over a connection of its own, every token of it checked.
 *
 * Light on purpose: client, sim and gateway share a small machine, and what the client takes is not there for the
 * gateway. A token costs a byte scan, a comparison and a histogram increment; nothing is allocated.
 */

import type { Socket } from "node:net";
import { monotonicUs } from "../sim/token.ts";
import type { Meter, StreamOutcome } from "./meter.ts";
import { ResponseReader, type ResponseSink } from "./response-reader.ts";
import { openLoadSocket } from "./socket.ts";
import { chatRequest, type SimOrder, type Target } from "./target.ts";
import { TokenScanner, type TokenSink } from "./token-scanner.ts";
import { TokenSequence } from "./token-sequence.ts";

interface StreamClientOptions {
  readonly target: Target;
  readonly order: SimOrder;
  readonly meter: Meter;
  /** Hangs up once so many tokens have come. @default never */
  readonly hangUpAfter?: number;
  /** Sends the request and never reads: a client that hangs. @default false */
  readonly frozen?: boolean;
}

/** A stream under way; begins with its construction and settles its tallies in the meter when it ends. */
export class StreamClient implements ResponseSink, TokenSink {
  /** How it ended; `null` while it runs. */
  outcome: StreamOutcome | null = null;
  /** When we hung up, on the clock of `monotonicUs()`; 0 while we did not. */
  hungUpUs = 0;

  readonly #meter: Meter;
  readonly #tokensAsked: number;
  readonly #hangUpAfter: number;
  readonly #frozen: boolean;
  readonly #reader = new ResponseReader();
  readonly #scanner = new TokenScanner();
  readonly #sequence = new TokenSequence();
  readonly #begunUs = monotonicUs();
  readonly #socket: Socket;
  #arrivalUs = 0;
  #status = 0;
  #done = false;

  constructor(options: StreamClientOptions) {
    this.#meter = options.meter;
    this.#tokensAsked = options.order.tokens;
    this.#hangUpAfter = options.hangUpAfter ?? Number.POSITIVE_INFINITY;
    this.#frozen = options.frozen ?? false;
    this.#meter.begun++;
    this.#socket = openLoadSocket(
      options.target,
      chatRequest(options.target, options.order, true),
      {
        onRead: (bytes, sizeBytes) => this.#onRead(bytes, sizeBytes),
        onClose: (error) => this.#onClose(error),
      },
      this.#frozen,
    );
  }

  /** Ends the stream from our side, without a fault. */
  stop(): void {
    this.#end("stopped");
  }

  /** Gives the stream up as one that should have ended by now. */
  expire(): void {
    this.#end("cut", "the stream did not end in time");
  }

  onHead(status: number): void {
    this.#status = status;
    if (status === 200) return this.#meter.onOpen();
    this.#meter.refusal.record(this.#arrivalUs - this.#begunUs);
    this.#end("refused", `status ${status}`);
  }

  onContent(bytes: Uint8Array, start: number, end: number): void {
    if (this.outcome === null) this.#scanner.scan(bytes, start, end, this);
  }

  onToken(index: number, sentUs: number): void {
    if (this.outcome !== null) return;
    const meter = this.#meter;
    if (this.#sequence.next === 0) meter.ttft.record(this.#arrivalUs - this.#begunUs);
    meter.tokens++;
    meter.latency.record(this.#arrivalUs - sentUs);
    this.#sequence.accept(index);
    if (this.#sequence.next >= this.#hangUpAfter) {
      this.hungUpUs = monotonicUs();
      this.stop();
    }
  }

  onDone(): void {
    this.#done = true;
  }

  onComplete(): void {
    if (this.outcome !== null) return;
    if (!this.#done) this.#end("cut", "the stream ended without its end mark");
    else if (this.#sequence.next < this.#tokensAsked) this.#end("cut", "the stream ended with tokens missing");
    else this.#end("complete");
  }

  #onRead(bytes: Buffer, sizeBytes: number): void {
    if (this.outcome !== null) return;
    this.#arrivalUs = monotonicUs();
    const fault = this.#reader.feed(bytes, sizeBytes, this);
    if (fault !== null && this.outcome === null) this.#end("cut", fault);
    // What follows a complete answer in the same read is a fault too, though the stream has been settled by then.
    else if (fault !== null && this.outcome === "complete") this.#turnIntoCut(fault);
  }

  #onClose(error: Error | null): void {
    if (this.outcome !== null) return;
    // Cutting a client that takes nothing is right.
    if (this.#frozen) return this.#end("stopped");
    const code = error === null ? "closed" : ((error as NodeJS.ErrnoException).code ?? error.message);
    if (this.#status === 0) this.#end("unreachable", `${code} before the answer`);
    else this.#end("cut", `${code} in the middle of the stream`);
  }

  #turnIntoCut(cause: string): void {
    this.outcome = "cut";
    this.#meter.outcomes.complete--;
    this.#meter.outcomes.cut++;
    this.#meter.onCause(cause);
  }

  #end(outcome: StreamOutcome, cause?: string): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    const meter = this.#meter;
    meter.outcomes[outcome]++;
    if (cause !== undefined) meter.onCause(cause);
    if (this.#status === 200) {
      meter.open--;
      // A stream that we ended is answerable only for what it brought so far.
      this.#sequence.settle(outcome === "stopped" ? this.#sequence.next : this.#tokensAsked, meter.faults);
    }
    this.#socket.destroy();
  }
}
