/**
 * What only the provider keeps: OpenAI's stored responses, read, deleted and cancelled by their ids. An id does not say which
 * upstream made it, so the request names a model (`?model=`), unless there is only one upstream that keeps any.
 */
import { GatewayError } from "../core/errors.ts";
import { admit } from "./admit.ts";
import { Attempt } from "./attempt.ts";
import type { Call, StoredKind } from "./call.ts";
import { requestHeaders } from "./compose.ts";
import { refuse } from "./refuse.ts";
import { reserve } from "./reserve.ts";
import { routeModel } from "./route.ts";

const NOTHING = Buffer.alloc(0);

/** Sends the call to the upstream that keeps the response, or refuses it. */
export function serveStored(call: Call, { method, path, model, stream }: StoredKind): void {
  call.runtime.row.doing = "route";
  const fault = model === undefined ? routeToOnlyKeeper(call) : routeModel(call, model);
  if (fault instanceof GatewayError) return refuse(call, fault);
  if (!call.upstream!.hasResponses) {
    return refuse(
      call,
      new GatewayError("dialect_mismatch", { param: "model", message: "This model's upstream keeps no responses." }),
    );
  }
  const composed = { method, path, headers: requestHeaders(call, stream), body: [] };
  reserve(call, { body: NOTHING, sizeBytes: 0, copy: undefined, maxOutputTokens: 0, answers: 1 }, () =>
    admit(call, 0, (slot) =>
      new Attempt(call, composed, { wantsStream: stream, slot, inputTokens: 0, costTokens: 0 }).start(),
    ),
  );
}

function routeToOnlyKeeper(call: Call): GatewayError | undefined {
  const { snapshot, upstreams } = call.runtime;
  // Those that one of the tenant's models goes to: of the others it may see nothing.
  const keepers = new Set(
    snapshot.models
      .routes()
      .filter(({ name, upstream }) => upstreams.get(upstream.name)!.hasResponses && call.identity.allowsSome(name))
      .map(({ upstream }) => upstream.name),
  );
  const [only] = keepers;
  if (only === undefined || keepers.size > 1) {
    const message =
      only === undefined
        ? "No upstream here keeps responses."
        : "Several upstreams keep responses: add ?model= with the model that made this one.";
    return new GatewayError("invalid_request", { param: "model", message });
  }
  call.upstream = upstreams.get(only)!;
  return undefined;
}
