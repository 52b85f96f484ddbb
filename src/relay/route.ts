/** Finds the upstream for a model's name. */
import type { ModelRoute } from "../config/snapshot.ts";
import { GatewayError } from "../core/errors.ts";
import type { Call } from "./call.ts";

/**
 * Sets the call's model and upstream.
 * @param name as the client sent it; `undefined` asks for the default model.
 * @returns why that can't be, if it can't.
 */
export function routeModel(call: Call, name: string | undefined): ModelRoute | GatewayError {
  const { snapshot, upstreams } = call.runtime;
  const wanted = name ?? snapshot.defaultModel;
  if (wanted === undefined) {
    return new GatewayError("invalid_request", {
      param: "model",
      message: 'The request names no "model", and this gateway has no default_model.',
    });
  }
  const refusal = call.identity.refusalOf(wanted);
  if (refusal !== null) return refusal;
  const route = snapshot.models.resolve(wanted);
  if (route === undefined) {
    return new GatewayError("model_not_found", {
      param: "model",
      message: `The model ${JSON.stringify(wanted)} does not exist here. GET /v1/models lists those with a name of their own.`,
    });
  }
  call.model = route;
  call.askedModel = wanted;
  const missing = route.upstream.missingKeyVariable;
  if (missing !== undefined) {
    return new GatewayError("upstream_key_missing", {
      message: `The gateway has no key for ${route.upstream.name}: set ${missing} in its environment and start it again.`,
      retryAfterMs: 60_000,
    });
  }
  const { kind } = call;
  const isForeign = kind.kind === "pass" && route.upstream.dialect !== kind.dialect.name;
  if (isForeign && kind.front === undefined && kind.counts === undefined) {
    return new GatewayError("dialect_mismatch", {
      param: "model",
      message: `The upstream of ${JSON.stringify(wanted)} speaks ${route.upstream.dialect}, and this route ${kind.dialect.name}.`,
    });
  }
  call.upstream = upstreams.get(route.upstream.name)!;
  return route;
}
