/**
 * One request to an upstream: its exchange, the head of the answer, who takes the rest, and the deadlines over all of it.
 *
 * Holds the stream's only timer. Nothing is re-armed when a token event comes: the time is noted, and the timer looks at
 * the note when it fires.
 */
import { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Lease } from "../core/lease.ts";
import { TimerEntry } from "../core/timer-wheel.ts";
import { isFailure } from "../upstream/exchange.ts";
import type { Exchange, ExchangeSink, HeaderList, TransportFailure, UpstreamRequest } from "../upstream/exchange.ts";
import type { AdmissionDoor } from "./admission-door.ts";
import { ABSENT_CLIENT } from "./absent-client.ts";
import type { Call, Work } from "./call.ts";
import type { Receiver } from "./receiver.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { selectReceiver } from "./select-receiver.ts";
import { Sending } from "./sending.ts";
import { settle } from "./settle.ts";
import { failureError, failureOutcome } from "./transport-failure.ts";

interface AttemptOptions {
  /** The client asked for a stream. */
  readonly wantsStream: boolean;
  /** Of the upstream; given back with its last byte. */
  readonly slot: Lease;
  /** As far as can be said. */
  readonly inputTokens: number;
  /** What the request will use as far as can be said, input and output. */
  readonly costTokens: number;
}

/** See the file's comment. */
export class Attempt extends TimerEntry implements ExchangeSink, Work {
  readonly call: Call;
  /** The client asked for a stream. */
  readonly wantsStream: boolean;
  readonly #sending: Sending;
  /** The upstream's, until its last byte. */
  readonly #slot: Lease;
  readonly #inputTokens: number;
  readonly #costTokens: number;
  /** Whom to tell what was seen of the upstream. */
  readonly #door: AdmissionDoor | undefined;
  /** When the request was on its way, monotonic milliseconds. */
  #sentMs = 0;
  #exchange: Exchange | null = null;
  #receiver: Receiver | null = null;
  /** When the request was on its way, or the last byte came; 0 while connecting, which the transport times itself. */
  #activeMs = 0;
  /** Whether any byte of the body has come. */
  #answering = false;
  #paused = false;
  #released = false;
  /** The client has left, and the answer is read on for the bill. */
  #detached = false;

  constructor(call: Call, request: UpstreamRequest, { wantsStream, slot, inputTokens, costTokens }: AttemptOptions) {
    super();
    this.call = call;
    this.#slot = slot;
    this.#inputTokens = inputTokens;
    this.#costTokens = costTokens;
    this.#door = call.runtime.desk.door(call.upstream!.config.name);
    this.#sending = new Sending(call, request);
    this.wantsStream = wantsStream;
  }

  /** When a byte of the body last came. Monotonic milliseconds. */
  get activeMs(): number {
    return this.#activeMs;
  }

  start(): void {
    const { call } = this;
    call.runtime.row.doing = "attempt";
    call.work = this;
    call.runtime.metrics.streamsOpen.add(1, call.upstream!.config.name);
    call.runtime.wheel.arm(this, call.startedMs + call.upstream!.config.timeouts.totalMs);
    this.#open();
  }

  onSent(): void {
    this.#activeMs = this.#sentMs = performance.now();
    this.call.runtime.metrics.overhead.observe(
      Math.max(0, this.#activeMs - this.call.receivedMs - this.call.queueMs) / 1000,
    );
    this.#arm(this.#activeMs);
  }

  onHead(status: number, headers: HeaderList): void {
    this.call.runtime.row.doing = "relay";
    try {
      this.#onHead(status, headers);
    } catch (error) {
      crash(this.call, error);
    }
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    try {
      this.#receiver?.onBody(bytes, start, end);
    } catch (error) {
      crash(this.call, error);
    }
  }

  onFlush(): void {
    if (this.#receiver === null) return;
    this.#activeMs = performance.now();
    if (!this.#answering) this.#onFirstByte();
    try {
      this.#receiver.onFlush();
    } catch (error) {
      crash(this.call, error);
    }
  }

  onEnd(): void {
    this.#exchange = null;
    try {
      this.#receiver?.onEnd();
    } catch (error) {
      crash(this.call, error);
    }
  }

  #onHead(status: number, headers: HeaderList): void {
    this.#sending.letGo();
    this.#door?.observeAnswer({ status, headers, costTokens: this.#costTokens });
    if (status === 200 && !this.wantsStream) this.#door?.observeWhole();
    const selected = selectReceiver(this, status, headers);
    if (selected instanceof GatewayError) return this.fail(selected, "upstream_failed");
    this.#sending.count(status === 200 ? "ok" : "status");
    this.#receiver = selected;
    // Heartbeats are possible from here on.
    this.#arm(performance.now());
  }

  onFail(failure: TransportFailure): void {
    this.#exchange = null;
    if (this.#sending.mayRetry(failure)) {
      this.#sending.count("retried");
      return this.#open();
    }
    this.fail(failureError(failure), failureOutcome(failure));
  }

  /** The first token event has come. */
  firstToken(): void {
    this.call.firstTokenMs = this.#activeMs;
    this.#door?.observeFirstToken(this.#inputTokens, this.#activeMs - this.#sentMs);
  }

  /** The client takes less than comes. */
  pause(): void {
    this.#paused = true;
    this.#exchange?.pause();
  }

  /** The client has taken what waited. */
  resume(): void {
    this.#paused = false;
    if (this.#exchange === null) return;
    // The pause was ours: the upstream's silence counts from here.
    this.#activeMs = performance.now();
    this.#arm(this.#activeMs);
    this.#exchange?.resume();
  }

  /** The upstream has done its part and the client has not: it gets what is left of the total, or at least one stall. */
  awaitDelivery(): void {
    const { call } = this;
    const totalDueMs = call.startedMs + call.upstream!.config.timeouts.totalMs;
    const stallDueMs = performance.now() + call.runtime.snapshot.streams.stallTimeoutMs;
    call.runtime.wheel.arm(this, Math.max(totalDueMs, stallDueMs));
  }

  override onTimer(nowMs: number): void {
    try {
      this.#onTimer(nowMs);
    } catch (error) {
      crash(this.call, error);
    }
  }

  #onTimer(nowMs: number): void {
    const { timeouts } = this.call.upstream!.config;
    if (nowMs >= this.call.startedMs + timeouts.totalMs)
      return this.fail(new GatewayError("total_timeout"), "timed_out");
    if (nowMs >= this.#silenceDueMs()) {
      const code = this.#answering ? "upstream_idle_timeout" : "upstream_first_byte_timeout";
      if (!this.#answering) this.#door?.observeOverload();
      return this.fail(new GatewayError(code), "upstream_failed");
    }
    this.#arm(nowMs);
  }

  /** See {@link Work}. Whatever is under way upstream is given up. */
  fail(error: GatewayError, outcome: Outcome): void {
    this.stop();
    if (this.#receiver !== null) return this.#receiver.fail(error, outcome);
    this.#sending.count(error.code);
    this.refuse(error, outcome);
  }

  /** The upstream's part is over, one way or another: no more deadlines, nothing more from it. */
  stop(): void {
    this.call.runtime.wheel.disarm(this);
    this.#sending.letGo();
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.abort();
    this.#slot.release();
  }

  abort(): void {
    const { call } = this;
    if (call.finishesAlone && this.#exchange !== null) {
      this.#detached = true;
      call.client = ABSENT_CLIENT;
      this.#receiver?.detach();
      return this.resume();
    }
    this.#receiver?.abandon();
    this.finish("client_gone");
  }

  /** Answers with `error` instead of what the upstream sent; nothing may have been sent yet. */
  refuse(error: GatewayError, outcome: Outcome): void {
    this.#release();
    refuse(this.call, error, outcome);
  }

  /** The receiver has done its part. */
  finish(outcome: Outcome): void {
    this.#release();
    settle(this.call, this.#detached ? "client_gone" : outcome);
  }

  #open(): void {
    this.#activeMs = 0;
    const opened = this.#sending.open(this);
    if (isFailure(opened)) return this.fail(failureError(opened), failureOutcome(opened));
    this.#exchange = opened;
    // An idle connection has sent the request within `open`, before there was an exchange whose silence could count.
    if (this.#activeMs !== 0) this.#arm(this.#activeMs);
  }

  /** From the time to first byte to the time between bytes, which may be much shorter. */
  #onFirstByte(): void {
    this.#answering = true;
    this.#arm(this.#activeMs);
  }

  #arm(nowMs: number): void {
    const { timeouts } = this.call.upstream!.config;
    const heartbeatMs = this.#receiver?.heartbeat(nowMs) ?? Infinity;
    const dueMs = Math.min(this.call.startedMs + timeouts.totalMs, this.#silenceDueMs(), heartbeatMs);
    // Fires sooner already, and will look again then.
    if (this.timerNext !== null && this.timerDueMs <= dueMs) return;
    this.call.runtime.wheel.arm(this, dueMs);
  }

  /** When the upstream will have been silent for too long. Never while we keep it from speaking. */
  #silenceDueMs(): number {
    if (this.#activeMs === 0 || this.#paused || this.#exchange === null) return Infinity;
    const { timeouts } = this.call.upstream!.config;
    return this.#activeMs + (this.#answering ? timeouts.idleMs : timeouts.firstByteMs);
  }

  /** Lets go of everything; what the call held is given back exactly once. */
  #release(): void {
    this.stop();
    this.#receiver = null;
    if (this.#released) return;
    this.#released = true;
    this.#sending.release();
    this.call.runtime.metrics.streamsOpen.add(-1, this.call.upstream!.config.name);
  }
}
