/**
 * What a loop does when it has too much to do: lets nobody new in, lets token events leave together, keeps no connection
 * that is not in use. Nothing that is under way ends by it.
 */
import type http from "node:http";
import { Gate } from "../admission/gate.ts";
import type { GateOwner, PressureChange } from "../admission/gate.ts";
import type { ProcessReadings } from "../admission/process-readings.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Call } from "../relay/call.ts";
import { Coalescer } from "./coalescer.ts";
import type { WaitingBytes } from "./stream-writer.ts";

/** With `streams.coalesce: adaptive`, how long token events wait for others under pressure. */
const ADAPTIVE_WAIT_MS = 40;

/** Of one call in the running mean of the time to first token. */
const TTFT_WEIGHT = 0.02;

interface ReliefOptions {
  readonly loop: { readonly calls: number };
  readonly server: http.Server;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Without them nobody is ever refused. */
  readonly readings: (() => ProcessReadings) | undefined;
}

/** See the file's comment. */
export class Relief implements GateOwner {
  /** Who is let in; `null` where everybody is. */
  readonly gate: Gate | null;
  readonly coalescer = new Coalescer();
  /** What waits for clients, of all streams. */
  readonly waiting: WaitingBytes = { bytes: 0 };
  readonly #loop: ReliefOptions["loop"];
  readonly #server: http.Server;
  readonly #log: Log;
  readonly #metrics: Metrics;
  #coalesceMs: number | "adaptive" = 0;
  #accepted = 0;
  #ttftMs = 0;

  constructor({ loop, server, log, metrics, readings }: ReliefOptions) {
    this.#loop = loop;
    this.#server = server;
    this.#log = log;
    this.#metrics = metrics;
    server.on("connection", () => this.#accepted++);
    metrics.pressureLevel.add(1, "normal");
    this.gate = readings === undefined ? null : new Gate(this, readings);
  }

  get calls(): number {
    return this.#loop.calls;
  }

  get accepted(): number {
    return this.#accepted;
  }

  get ttftMs(): number {
    return this.#ttftMs;
  }

  /** A call has ended. */
  callSettled({ startedMs, firstTokenMs }: Call): void {
    if (firstTokenMs !== null) this.#ttftMs += (firstTokenMs - startedMs - this.#ttftMs) * TTFT_WEIGHT;
  }

  /** `streams.coalesce` of the present config. */
  set coalesceMs(coalesceMs: number | "adaptive") {
    this.#coalesceMs = coalesceMs;
    this.#setWait();
  }

  onSample(): void {
    this.#setWait();
  }

  onPressure({ from, to, reason, lastedMs, refused }: PressureChange): void {
    this.#metrics.pressureLevel.add(-1, from);
    this.#metrics.pressureLevel.add(1, to);
    if (to !== "normal") this.#metrics.pressure.add(1, to, reason);
    const fields = { from, to, reason, lastedMs: Math.round(lastedMs), refused, calls: this.calls };
    if (to === "hard") this.#log.warn(fields, "too much to do: new requests are refused");
    else this.#log.info(fields, to === "soft" ? "much to do: nobody is refused yet" : "no more pressure");
    // Those that only might send something make room for those that do.
    if (to === "hard" && reason === "sockets") this.#server.closeIdleConnections();
  }

  close(): void {
    this.gate?.close();
    this.coalescer.close();
  }

  #setWait(): void {
    // Fewer writes save time, and nothing else that may be short.
    const adaptiveMs = this.gate?.timeIsShort === true ? ADAPTIVE_WAIT_MS : 0;
    this.coalescer.waitMs = this.#coalesceMs === "adaptive" ? adaptiveMs : this.#coalesceMs;
  }
}
