/**
 * The exact count of a request's input tokens, for the access line of a call whose upstream never says. Taken off the loop
 * while the request is on its way, from a copy, so that no prompt is held for the life of its stream. Nothing waits for it:
 * where the threads have too much to do, or the count fails, there is none.
 */
import type { Outcome } from "../core/outcome.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import type { Call } from "./call.ts";
import type { LookedAt } from "./understand.ts";

/** Milliseconds; a megabyte of prose takes a tenth of a second, the first count half a second more. */
const DEADLINE_MS = 10_000;

/** Ends that nobody is billed for: nothing was sent upstream, or the upstream gave nothing. */
const UNBILLED: ReadonlySet<Outcome> = new Set(["refused", "upstream_status", "upstream_failed", "internal"]);

/** A count under way or done. */
export interface InputCount {
  /** `null` until it is known. */
  readonly tokens: number | null;
  /** Nobody will ask any more. */
  cancel(): void;
}

/** Asks for the count where the config wants it. */
export function countInput(call: Call, request: LookedAt): void {
  const { snapshot, offload } = call.runtime;
  if (snapshot.usage.countInput === "off" || !offload.counts.hasRoom(request.body.length)) return;
  const body = request.copy ?? copyOf(request.body);
  if (body === undefined) return;
  const count = { tokens: null as number | null, cancel: (): void => ticket?.cancel() };
  const ticket = offload.counts.submit({
    task: "count_tokens",
    input: { body, kind: call.kind.kind === "prompt" ? "prompt" : call.kind.dialect.name },
    sizeBytes: body.length,
    deadlineMs: DEADLINE_MS,
    onOutput: ({ tokens }) => {
      count.tokens = tokens;
    },
    onFailure: () => {},
  });
  call.inputCount = count;
}

/** The count for a call that has ended as `outcome` without a report of its upstream. Ends the count if it is still under way. */
export function countedInput(call: Call, outcome: Outcome): number | null {
  const count = call.inputCount;
  if (count === null) return null;
  count.cancel();
  call.inputCount = null;
  return call.attempts === 0 || UNBILLED.has(outcome) ? null : count.tokens;
}

/** A larger one was copied where it was looked at, if at all. */
function copyOf(body: Buffer): Uint8Array | undefined {
  return body.length > OFFLOAD_BODY_BYTES ? undefined : new Uint8Array(body);
}
