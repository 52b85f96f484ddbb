/** Watches a stream whose limits end it when they are used up. */
import type { GatewayError } from "../core/errors.ts";
import { monotonicMs } from "../core/monotonic-clock.ts";
import type { Reservation } from "../limits/limiter.ts";
import type { RequestLimits } from "../limits/plan.ts";
import { StreamMeter } from "../limits/stream-meter.ts";
import type { Call } from "./call.ts";
import { shortageError } from "./limit-errors.ts";
import type { LeaseTicket } from "./limits-desk.ts";
import type { Reserved } from "./reserve.ts";

/** See the file's comment. */
export class CallMeter {
  readonly #call: Call;
  readonly #limits: RequestLimits;
  readonly #meter: StreamMeter;
  #ticket: LeaseTicket | null = null;
  #refusal: GatewayError | null = null;

  constructor(call: Call, reservation: Reservation, { limits, use, price }: Omit<Reserved, "reservation">) {
    this.#call = call;
    this.#limits = limits;
    this.#meter = new StreamMeter({ reservation, limits, reserved: use, price });
  }

  /** @param outputTokens so far. @returns why the stream is to be ended; `null`: it goes on. */
  check(outputTokens: number): GatewayError | null {
    if (this.#refusal !== null) return this.#refusal;
    const refusal = this.#meter.meter(outputTokens, monotonicMs());
    if (refusal === null) return null;
    if (refusal.kind === "shortage") return shortageError(this.#limits, refusal);
    this.#ticket ??= this.#call.runtime.limits.lease(refusal.needs, (result) => {
      this.#ticket = null;
      if (result.kind === "shortage") this.#refusal = shortageError(this.#limits, result);
    });
    return null;
  }

  close(): void {
    this.#ticket?.cancel();
  }
}
