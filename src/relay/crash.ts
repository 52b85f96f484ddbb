/** What happens when our own code throws: this call ends with an error, and no other notices. */
import { GatewayError } from "../core/errors.ts";
import type { Call } from "./call.ts";
import { refuse } from "./refuse.ts";

/** Ends `call` as `internal`. Never throws. */
export function crash(call: Call, cause: unknown): void {
  call.runtime.log.error({ err: cause, requestId: call.id }, "a request failed inside the gateway");
  if (call.settled) return;
  const error = new GatewayError("internal");
  try {
    if (call.work === null) refuse(call, error, "internal");
    else call.work.fail(error, "internal");
  } catch (again) {
    call.runtime.log.error({ err: again, requestId: call.id }, "and could not say so to the client");
    call.work?.abort();
  }
}
