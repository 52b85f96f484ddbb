/**
 * A slot of the upstream for a call, held to the last byte of the upstream's answer; or a place in the queue for one. While it
 * waits, the place is the call's work: a client that leaves, or a drain whose time is up, frees it at once.
 */
import { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import { Waiting } from "./admitted.ts";
import type { Admitted } from "./admitted.ts";
import type { Call, Work } from "./call.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { settle } from "./settle.ts";

class QueuedWork implements Work {
  readonly #call: Call;
  readonly #place: Waiting;

  constructor(call: Call, place: Waiting) {
    this.#call = call;
    this.#place = place;
  }

  abort(): void {
    this.#leave();
    settle(this.#call, "client_gone");
  }

  fail(error: GatewayError, outcome: Outcome): void {
    this.#leave();
    refuse(this.#call, error, outcome);
  }

  #leave(): void {
    this.#call.queueMs = this.#place.waitedMs;
    this.#place.cancel();
  }
}

/**
 * Goes on with `next` once the call has a slot, or refuses it.
 *
 * @param costTokens what the call will use as far as can be said, input and output.
 * @param next takes over the slot.
 */
export function admit(call: Call, costTokens: number, next: (slot: Admitted) => void): void {
  const { tenant } = call.identity;
  call.runtime.row.doing = "admit";
  const request = {
    upstream: call.upstream!.config.name,
    tenant: tenant.name,
    weight: tenant.weight,
    priority: call.priority,
    costTokens,
  };
  const admitted = call.runtime.desk.admit(request, (answer) => {
    call.work = null;
    try {
      if (answer instanceof GatewayError) {
        call.queueMs = (admitted as Waiting).waitedMs;
        return refuse(call, answer);
      }
      go(answer);
    } catch (error) {
      crash(call, error);
    }
  });
  const go = (slot: Admitted): void => {
    call.queueMs = slot.queueMs;
    call.runtime.metrics.queueWait.observe(slot.queueMs / 1000);
    call.renewUpstream();
    next(slot);
  };
  if (admitted instanceof GatewayError) return refuse(call, admitted);
  if (admitted instanceof Waiting) call.work = new QueuedWork(call, admitted);
  else go(admitted);
}
