/**
 * A call whose next step is taken by an offload thread. Meanwhile the task is the call's work: a client that leaves, or a
 * drain whose time is up, ends it.
 */
import { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import type { OffloadPool, Submission, Ticket } from "../offload/pool.ts";
import type { OffloadFailure, OutputOf, Tasks } from "../offload/task.ts";
import type { Call, Work } from "./call.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { jitteredMs } from "./retry-after.ts";
import { settle } from "./settle.ts";

/** Wait asked of a caller when the threads have too much to do; doubled at most by jitter. */
const OVERLOADED_RETRY_MS = 2000;

class OffLoopWork implements Work {
  readonly #call: Call;
  ticket: Ticket | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  abort(): void {
    this.ticket?.cancel();
    settle(this.#call, "client_gone");
  }

  fail(error: GatewayError, outcome: Outcome): void {
    this.ticket?.cancel();
    refuse(this.#call, error, outcome);
  }
}

interface Step<All extends Tasks, Name extends keyof All & string> extends Omit<
  Submission<All, Name>,
  "onOutput" | "onFailure"
> {
  readonly pool: OffloadPool<All>;
  /** Called with the output, unless the call has been settled before. */
  readonly next: (output: OutputOf<All, Name>) => void;
}

/** Takes a step off the loop. Refuses the call where that can't be done. The input's bytes are gone from the moment it starts. */
export function leaveLoop<All extends Tasks, Name extends keyof All & string>(
  call: Call,
  { pool, next, ...submission }: Step<All, Name>,
): void {
  const work = new OffLoopWork(call);
  const back = (go: () => void): void => {
    call.work = null;
    try {
      go();
    } catch (error) {
      crash(call, error);
    }
  };
  call.work = work;
  const ticket = pool.submit({
    ...submission,
    onOutput: (output) =>
      back(() => {
        call.renewRuntime();
        next(output);
      }),
    onFailure: (failure) => back(() => failed(call, submission.task, failure)),
  });
  work.ticket = ticket;
  if (ticket === undefined) back(() => refuse(call, overloaded(`no room for ${submission.task}`)));
}

function failed(call: Call, task: string, failure: OffloadFailure): void {
  switch (failure.kind) {
    case "late":
      return refuse(call, overloaded(`${task} was not done in time`));
    case "closed":
      return refuse(call, new GatewayError("draining", { retryAfterMs: jitteredMs(OVERLOADED_RETRY_MS) }), "drained");
    case "crashed":
    case "failed":
      call.runtime.log.error({ task, cause: failure.cause, requestId: call.id }, "a task off the loop failed");
      return refuse(call, new GatewayError("internal", { detail: `${task} ${failure.kind}` }), "internal");
  }
}

function overloaded(detail: string): GatewayError {
  return new GatewayError("overloaded", { detail, retryAfterMs: jitteredMs(OVERLOADED_RETRY_MS) });
}
