/** Answers a call with an error, in its dialect, before anything else was sent. */
import type { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import { answerHeaders } from "./answer-headers.ts";
import type { Call } from "./call.ts";
import { settle } from "./settle.ts";

/** Sends `error` and settles the call. */
export function refuse(call: Call, error: GatewayError, outcome: Outcome = "refused"): void {
  if (call.settled) return;
  call.code = error.code;
  call.detail = error.detail;
  call.status = error.status;
  call.client.answer(error.status, answerHeaders(call, "application/json", error), call.kind.dialect.errorBody(error));
  settle(call, outcome);
}
