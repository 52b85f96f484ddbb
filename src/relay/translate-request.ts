/** Writes a request anew for an upstream that speaks another API than the caller; off the loop where it is large. */
import { GatewayError } from "../core/errors.ts";
import type { Loss } from "../dialects/translate/translation.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
import type { Call, PassKind } from "./call.ts";
import { requestHeaders } from "./compose.ts";
import { leaveLoop } from "./leave-loop.ts";
import { refuse } from "./refuse.ts";
import { translateRequest as translate } from "./translation-tasks.ts";
import type { TranslateRequestInput, TranslateRequestOutput } from "./translation-tasks.ts";
import type { Understanding } from "./understand.ts";

/** From being queued to the answer, milliseconds. A body of 32 MiB takes a third of a second, and 5 s where it is half a million messages. */
const DEADLINE_MS = 10_000;
/** A refusal names so many fields; there may be one for every message. */
const MOST_NAMED = 8;

/** Refuses the call where its request can't be carried over, or goes on with `next`. */
export function translateRequest(
  call: Call,
  kind: PassKind,
  request: Understanding,
  next: (composed: UpstreamRequest, stream: boolean) => void,
): void {
  const name = request.model ?? call.runtime.snapshot.defaultModel!;
  const input: TranslateRequestInput = {
    body: request.body,
    front: kind.front!,
    back: call.upstream!.dialect.name,
    hostname: call.upstream!.config.endpoints[0]!.url.hostname,
    model: call.model!.model ?? name,
    path: kind.named ?? {},
  };
  const proceed = (output: TranslateRequestOutput): void => {
    if (!output.ok) {
      const { field, message } = output.fault;
      // Two of the APIs have no field that says where the fault is.
      const told = field === "" ? message : `${field}: ${message}`;
      return refuse(call, new GatewayError("invalid_request", { param: field, message: told }));
    }
    const refusal = refusalOf(output.losses, call.runtime.snapshot.translate === "lenient");
    if (refusal !== null) return refuse(call, refusal);
    call.dropped = [...new Set(output.losses.map(({ field }) => field))];
    const { path, stream, wantsUsage, thoughts, echo } = output;
    const context = { model: name, wantsUsage, framing: kind.framing ?? "sse", thoughts, echo } as const;
    call.translation = { front: input.front, back: input.back, context };
    const headers = [...requestHeaders(call, stream), ...output.headers];
    next({ method: "POST", path, headers, body: [output.body] }, stream);
  };
  if (request.body.length <= OFFLOAD_BODY_BYTES) return proceed(translate(input));
  leaveLoop(call, {
    pool: call.runtime.translations,
    task: "translate_request",
    input,
    sizeBytes: request.body.length,
    deadlineMs: DEADLINE_MS,
    next: proceed,
  });
}

function refusalOf(losses: readonly Loss[], isLenient: boolean): GatewayError | null {
  const refused = losses.filter(({ essential, warning }) => essential === true || (warning !== true && !isLenient));
  const [first] = refused;
  if (first === undefined) return null;
  const named = refused.slice(0, MOST_NAMED).map(({ field, reason }) => `${field}: ${reason}`);
  const more = refused.length > MOST_NAMED ? `; and ${refused.length - MOST_NAMED} more` : "";
  return new GatewayError("untranslatable", {
    param: first.field,
    message: `This model's upstream speaks another API, which has no place for ${named.join("; ")}${more}.`,
  });
}
